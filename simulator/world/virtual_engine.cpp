#include "simulator/world/virtual_engine.hpp"

#include <algorithm>

#include "actors/runtime/home.hpp"
#include "engine/shard/shard_counters.hpp"
#include "simulator/world/text.hpp"

namespace reveille::world {

/// One shard and what production wraps around it, on the schedule.
class virtual_engine::station final : public shard_outlet, public store_answers {
 public:
  station(virtual_engine& engine, shard_id self, store& durable, push_gateway& pushes)
      : engine_(engine), self_(self), pool_(engine.pools_.emplace_back(std::make_shared<slab_pool>())),
        random_(engine.when_.random().next()), around_{engine.subscribers_, *pool_, random_, self, engine.config_.start} {
    shard_ports ports{*this, pushes, random_, *pool_, [&](home_outlet& out, const instant& start) {
                        auto made = std::make_unique<home>(*engine_.actors_, engine_.homes_, around_, durable, out, start.steady);
                        home_ = made.get();
                        return made;
                      }};
    shard_ = std::make_unique<shard>(self, engine.config_, ports, engine.when_.now());
  }

  void receive(std::string_view bytes, const endpoint& from) {
    slab_ptr slab = pool_->take(std::max<std::size_t>(bytes.size() + sip::message::index_room, 2048));
    if (!slab) return;
    bytes.copy(slab->data(), bytes.size());
    flow f;
    f.remote = from;
    f.local = engine_.at_;
    shard_->on_datagram(std::move(slab), bytes.size(), f, engine_.when_.now());
    rearm();
  }

  bool transmit(const flow& to, const sip::packet& packet) override {
    if (const sip::message_ptr m = read(engine_.watching_, packet.view())) {
      engine_.truth_.engine_sent(*m, to.remote);
    } else {
      engine_.truth_.violation("the engine sends what its own parser refuses: " + std::string(packet.view().substr(0, 120)));
    }
    engine_.net_.send(engine_.at_, to.remote, std::string(packet.view()));
    return true;
  }

  bool hand_over_to(shard_id to, hand_over&& what) override {
    // Slabs go back to their pool even when the engine is dead by then.
    struct parcel {
      std::shared_ptr<slab_pool> pool;
      hand_over what;
    };
    const auto boxed = std::make_shared<parcel>(parcel{pool_, std::move(what)});
    engine_.when_.in_order("hand " + std::to_string(self_.value) + ">" + std::to_string(to.value),
                           engine_.when_.between(nanoseconds(0), milliseconds(3)),
                           [&engine = engine_, to, boxed, life = engine_.life_] {
                             if (life != engine.life_) return;
                             engine.shards_[to.value]->take(std::move(boxed->what));
                           });
    return true;
  }

  void take(hand_over&& what) {
    shard_->on_hand_over(std::move(what), engine_.when_.now());
    rearm();
  }

  void loaded(aor_key key, const aor& of, store_token token, result<std::optional<subscriber_record>> record) override {
    shard_->on_loaded(key, of, token, std::move(record), engine_.when_.now());
    rearm();
  }
  void written(aor_key key, const aor& of, store_token token, bool ok) override {
    shard_->on_written(key, of, token, ok, engine_.when_.now());
    rearm();
  }
  void push_answered(pns::push_answer answer) {
    shard_->on_push_answer(std::move(answer), engine_.when_.now());
    rearm();
  }

  shard& core() { return *shard_; }
  const home_counters& counters() const { return home_->counters(); }

 private:
  /// A wake-up at next_due(), a little late as timers are; superfluous ones do no harm.
  void rearm() {
    shard_->on_sent(engine_.when_.now());
    const auto due = shard_->next_due();
    if (!due || (armed_ && *armed_ <= *due && *armed_ > engine_.when_.now().steady)) return;
    armed_ = std::max(*due, engine_.when_.now().steady) + engine_.when_.between(nanoseconds(1), milliseconds(2));
    engine_.when_.at(*armed_, [&engine = engine_, self = self_, life = engine_.life_] {
      if (life != engine.life_) return;
      station& here = *engine.shards_[self.value];
      here.shard_->on_timer(engine.when_.now());
      here.rearm();
    });
  }

  virtual_engine& engine_;
  shard_id self_;
  std::shared_ptr<slab_pool> pool_;
  seeded_random random_;
  shard_context around_;
  home* home_ = nullptr;
  std::unique_ptr<shard> shard_;
  std::optional<steady_time> armed_;
};

virtual_engine::virtual_engine(schedule& when, network& net, ledger& truth, const endpoint& at, std::uint16_t shards,
                               const subscriber_config& subscribers, const home_config& homes)
    : when_(when), net_(net), truth_(truth), at_(at), count_(shards), subscribers_(subscribers), homes_(homes) {
  config_.shards = shards;
  config_.domains = {"example.com"};
  config_.listeners = {{at, {}}};
  config_.key = {1, 2};
  config_.secret = {3, 4};
  config_.planted = {subscribers.planted.match_by_branch_alone, subscribers.planted.believe_any_responder,
                     subscribers.planted.keep_refused_strangers};
}

virtual_engine::~virtual_engine() { kill(); }

void virtual_engine::start(store& durable, push_gateway& pushes) {
  ++life_;
  config_.start = when_.random().next();
  actors_ = std::make_unique<actor_host>(actor_scheduling::stepped);
  for (std::uint16_t i = 0; i < count_; ++i) {
    shards_.push_back(std::make_unique<station>(*this, shard_id{i}, durable, pushes));
  }
  net_.listen(at_, [this](const endpoint& from, std::string_view bytes) { on_datagram(from, bytes); });
}

void virtual_engine::resume(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const aor_key key = key_of(name, config_.key);
    shards_[home_of(key, count_).value]->take(event_for{key, name, write_finished{store_token{}, true}});
  }
}

void virtual_engine::kill() {
  ++life_;
  net_.close(at_);
  shards_.clear();
  actors_.reset();
}

void virtual_engine::on_datagram(const endpoint& from, std::string_view bytes) {
  if (const sip::message_ptr m = read(watching_, bytes)) truth_.engine_received(*m, from);
  // The kernel picks the socket by a hash of the addresses; any choice must be right, so the seed picks.
  shards_[when_.random().below(count_)]->receive(bytes, from);
}

void virtual_engine::on_push_answer(shard_id home, pns::push_answer answer) {
  if (running()) shards_[home.value]->push_answered(std::move(answer));
}

store_answers* virtual_engine::answers_for(shard_id home) {
  return running() ? shards_[home.value].get() : nullptr;
}

bool virtual_engine::at_rest() const {
  return std::all_of(shards_.begin(), shards_.end(),
                     [](const auto& s) { return s->core().idle() && s->counters().parked == 0; });
}

std::uint64_t virtual_engine::residents_refused() const {
  std::uint64_t sum = 0;
  for (const auto& s : shards_) sum += s->counters().residents_refused + s->counters().bytes_refused;
  return sum;
}

std::string virtual_engine::unrest() const {
  std::string out;
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    if (!shards_[i]->core().idle()) out += " shard " + std::to_string(i) + " is not idle;";
    if (const auto n = shards_[i]->counters().parked; n > 0) {
      out += " shard " + std::to_string(i) + " has " + std::to_string(n) + " parked calls;";
    }
  }
  return out;
}

}  // namespace reveille::world
