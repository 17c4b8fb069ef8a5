#include "actors/runtime/home.hpp"

#include <caf/actor_system.hpp>

#include <algorithm>
#include <cassert>
#include <deque>
#include <string>

#include "actors/behaviors/subscriber_actor.hpp"
#include "actors/behaviors/subscriber_messages.hpp"
#include "actors/runtime/actor_host.hpp"
#include "actors/runtime/actor_timers.hpp"
#include "actors/runtime/directory.hpp"
#include "actors/runtime/home_handles.hpp"
#include "actors/runtime/mail_rounds.hpp"
#include "actors/runtime/refusals.hpp"
#include "actors/subscriber_config.hpp"
#include "core/prefetch.hpp"

namespace reveille {

namespace {

/// How far the clock hand goes for one newcomer: about a microsecond of memory. Who is not found then stands over the
/// bound for a while, and the hand goes on with the next one.
constexpr std::size_t leaver_entries = 256;
constexpr std::size_t leaver_actors = 16;
/// Who leaves for one newcomer or event at most: a fat one takes the place of many.
constexpr std::size_t leavers_a_turn = 64;
/// How soon a store whose queue was full is asked again, when no answer of its is awaited.
constexpr milliseconds load_again{2};

/// Events that ask for something new. All others belong to what is there already, and are not for dropping.
bool is_request(const subscriber_event& event) {
  return std::holds_alternative<register_received>(event) || std::holds_alternative<request_received>(event);
}

}  // namespace

class home::impl final : public mail_taker {
 public:
  impl(actor_host& host, const home_config& config, const surroundings& around, store& durable, home_outlet& outlet,
       steady_time start)
      : system_(host.system()),
        config_(config),
        around_(around),
        store_(durable),
        outlet_(outlet),
        timers_(start),
        residents_(std::min(config.reserve, config.places())),  // sparse, the clock hand would walk for nothing
        room_(new mailroom(*this, config.mailbox_limit, host.waker(around.home))),
        mail_(room_, [this](subscriber_actor& a) { leave_if_unknown(a); }) {}

  ~impl() override {
    const mailroom::presence here(*room_);
    mail_.close();
    std::vector<subscriber_actor*> all;
    residents_.for_each([&](subscriber_actor& a) { all.push_back(&a); });
    for (subscriber_actor* a : all) put_away(*a);
  }

  bool deliver(aor_key key, std::string_view name, subscriber_event&& event, const instant& now) {
    if (depth_ > 0) return defer({key, std::string(name), std::move(event), false});
    const turn inside(*this, now);
    return deliver_now(key, name, std::move(event));
  }

  bool deliver_if_resident(aor_key key, subscriber_event&& event, const instant& now) {
    if (depth_ > 0) return defer({key, {}, std::move(event), true});
    const turn inside(*this, now);
    return deliver_to_resident(key, event);
  }

  void prefetch(aor_key key) const { residents_.prefetch(key); }
  void prefetch_further(aor_key key, unsigned step) const {
    const subscriber_actor* a = residents_.peek(key);
    if (a == nullptr) return;
    if (step == 0) {
      prefetch_lines(a, sizeof *a);
    } else if (const subscriber* s = a->resident()) {
      s->prefetch(step - 1);
    }
  }

  subscriber_standing standing(aor_key key) const {
    const subscriber_actor* a = residents_.look(key);
    if (a == nullptr || a->resident() == nullptr) return subscriber_standing::absent;
    return a->resident()->parked_count() > 0 ? subscriber_standing::awaited : subscriber_standing::resident;
  }

  void on_loaded(aor_key key, const aor& name, store_token token, result<std::optional<subscriber_record>>&& record,
                 const instant& now) {
    assert(depth_ == 0);
    const turn inside(*this, now);
    subscriber_actor* a = residents_.find(key);
    subscriber_actor::loading* waiting = a == nullptr ? nullptr : a->waiting();
    if (waiting == nullptr || waiting->token != token || waiting->name != name) return;  // an answer nobody waits for
    --loading_;
    submit_loads();
    if (!record) {
      ++counters_.load_failures;
      for (const subscriber_event& event : put_away(*a)) refuse(key, event);
      return;
    }
    std::vector<subscriber_event> events;
    try {
      events = a->arrive(around_, record->has_value() ? &**record : nullptr, now);
    } catch (...) {
      ++counters_.handler_failures;
      for (const subscriber_event& event : put_away(*a)) refuse(key, event);
      return;
    }
    counters_.bindings += a->resident()->binding_count();
    counters_.parked += a->resident()->parked_count();
    --unread_;
    count_bytes(*a);
    for (const subscriber_event& event : events) apply(*a, event);
    leave_if_unknown(*a);
  }

  void on_written(aor_key key, const aor& name, store_token token, bool ok, const instant& now) {
    assert(depth_ == 0);
    const turn inside(*this, now);
    subscriber_actor* a = residents_.find(key);
    if (a == nullptr || a->resident() == nullptr || a->name() != name.view()) return;
    apply(*a, write_finished{token, ok});
    leave_if_unknown(*a);
  }

  void on_timer(const instant& now) {
    assert(depth_ == 0);
    const turn inside(*this, now);
    mail_.run_inbox();
    timers_.advance(now.steady, [&](subscriber_actor& a, const timer_key& key) {
      apply(a, timer_fired{key});
      leave_if_unknown(a);
    });
    submit_loads();
  }

  std::optional<steady_time> next_due() const {
    if (mail_.waiting()) return last_now_.steady;
    std::optional<steady_time> due = timers_.next_due();
    if (!loads_waiting_.empty()) {
      const steady_time load = loading_ == 0 ? last_now_.steady + load_again : loads_waiting_.front().gives_up;
      due = due ? std::min(*due, load) : load;
    }
    return due;
  }

  const home_counters& counters() {
    counters_.resident = residents_.size();
    counters_.resident_bytes = bytes_;
    counters_.loads_waiting = loads_waiting_.size();
    counters_.timers = timers_.size();
    counters_.mail_refused = room_->refused.load(std::memory_order_relaxed);
    return counters_;
  }

  std::size_t retire_idle(const instant& now) {
    const turn inside(*this, now);
    std::vector<subscriber_actor*> idle;
    residents_.for_each([&](subscriber_actor& a) {
      if (may_leave(a)) idle.push_back(&a);
    });
    for (subscriber_actor* a : idle) put_away(*a);
    return residents_.size();
  }

  caf::actor handle_of(aor_key key, std::string_view name, const instant& now) {
    assert(depth_ == 0);
    const turn inside(*this, now);
    subscriber_actor* a = residents_.find(key);
    if (a == nullptr) a = admit(key, name);
    if (a == nullptr || a->name() != name) return nullptr;
    return caf::actor_cast<caf::actor>(static_cast<caf::abstract_actor*>(a));
  }

  // mail_taker
  void take_event(subscriber_actor& actor, const subscriber_event& event) override {
    if (actor.away()) {
      // It left while somebody kept its handle: its successor takes the message, made again if need be.
      subscriber_event copy = event;
      if (actor.name().empty() || !deliver_now(actor.key(), actor.name(), std::move(copy))) refuse(actor.key(), event);
      return;
    }
    subscriber_event copy = event;
    if (!give(actor, std::move(copy))) refuse(actor.key(), event);
  }

  subscriber_summary summarise(const subscriber_actor& actor) const override {
    subscriber_summary out;
    out.loading = !actor.away() && actor.resident() == nullptr;
    if (const subscriber* s = actor.resident()) {
      out.resident = true;
      out.at_rest = s->at_rest();
      out.bindings = s->binding_count();
      out.parked = s->parked_count();
      out.bytes = s->resident_bytes() + sizeof(subscriber_actor);
    }
    return out;
  }

 private:
  struct delivery {
    aor_key key;
    std::string name;
    subscriber_event event;
    bool only_if_resident;
  };
  struct waiting_load {
    aor_key key;
    store_token token;
    steady_time gives_up;
  };

  /// One call from outside. What it caused inside the home is done before it ends, so the caller sees all effects.
  class turn {
   public:
    turn(impl& of, const instant& now) : of_(of), here_(*of.room_) {
      of_.last_now_ = now;
      ++of_.depth_;
    }
    ~turn() {
      of_.settle();
      --of_.depth_;
    }
    turn(const turn&) = delete;
    turn& operator=(const turn&) = delete;

   private:
    impl& of_;
    mailroom::presence here_;
  };

  void settle() {
    do {
      while (!deferred_.empty()) {
        const delivery d = std::move(deferred_.front());
        deferred_.pop_front();
        if (d.only_if_resident) {
          deliver_to_resident(d.key, d.event);
        } else if (!deliver_now(d.key, d.name, subscriber_event(d.event))) {
          refuse(d.key, d.event);
        }
      }
      mail_.run_own();
    } while (!deferred_.empty());
    make_room(0, leavers_a_turn);
  }

  bool defer(delivery&& d) {
    if (deferred_.size() >= config_.deferred_limit && is_request(d.event)) {
      ++counters_.deferred_refused;
      return false;
    }
    deferred_.push_back(std::move(d));
    return true;
  }

  bool deliver_now(aor_key key, std::string_view name, subscriber_event&& event) {
    subscriber_actor* a = residents_.find(key);
    if (a == nullptr) a = admit(key, name);
    if (a == nullptr) return false;
    if (a->name() != name) {
      ++counters_.collisions;
      return false;
    }
    if (a->has_mail()) a->take_early();
    return give(*a, std::move(event));
  }

  bool deliver_to_resident(aor_key key, const subscriber_event& event) {
    subscriber_actor* a = residents_.find(key);
    if (a == nullptr || a->resident() == nullptr) return false;
    if (a->has_mail()) a->take_early();
    if (a->resident() == nullptr) return false;
    apply(*a, event);
    leave_if_unknown(*a);
    return true;
  }

  /// To the subscriber, or behind those that wait for its record.
  bool give(subscriber_actor& a, subscriber_event&& event) {
    if (a.away()) return deliver_now(a.key(), a.name(), std::move(event));
    if (auto* waiting = a.waiting()) {
      if (!has_place(*waiting, event)) {
        ++counters_.queue_full;
        return false;
      }
      waiting->events.push_back(std::move(event));
      return true;
    }
    apply(a, event);
    leave_if_unknown(a);
    return true;
  }

  /// Requests up to the bound. A CANCEL always has a place behind its INVITE, and only there has it anything to do; so
  /// there are as many as INVITEs at most. The rest, which no peer can multiply, as many again.
  bool has_place(const subscriber_actor::loading& waiting, const subscriber_event& event) const {
    const bool planted = around_.config.planted.drop_cancel_of_full_queue;
    if (waiting.events.size() < config_.queue_limit) return true;
    if (is_request(event) || planted) return false;
    if (const auto* cancel = std::get_if<cancel_received>(&event)) {
      return std::any_of(waiting.events.begin(), waiting.events.end(), [&](const subscriber_event& e) {
        const auto* request = std::get_if<request_received>(&e);
        return request != nullptr && request->transaction == cancel->transaction;
      });
    }
    return waiting.events.size() < 3 * config_.queue_limit;
  }

  /// Makes the actor of an AOR that is not here and asks the store for its record, if there can be one.
  subscriber_actor* admit(aor_key key, std::string_view name) {
    aor whole{name};
    const bool stored = !store_.surely_absent(whole);
    const store_token token{++last_load_};
    if (!room_for_one_more()) return nullptr;
    if (stored && !ask_for_record(key, whole, token)) {
      ++counters_.loads_refused;
      return nullptr;
    }
    caf::actor made = subscriber_actor::spawn(system_, room_, key, std::move(whole));
    subscriber_actor& a = subscriber_actor::behind(made);
    a.waiting()->token = token;
    if (!stored) a.arrive(around_, nullptr, last_now_);
    a.intrusive_ptr_add_ref_impl();  // the directory's
    residents_.insert(key, a);
    ++counters_.spawned;
    ++(stored ? counters_.loads : counters_.loads_spared);
    if (stored) ++unread_;
    if (!stored) count_bytes(a);
    return &a;
  }

  /// At once, or as soon as the store has room. @return false when too many wait.
  bool ask_for_record(aor_key key, const aor& name, store_token token) {
    if (loads_waiting_.empty() && loading_ < config_.loads_in_flight &&
        store_.try_load(around_.home, key, name, token)) {
      ++loading_;
      return true;
    }
    if (loads_waiting_.size() >= config_.loads_waiting) return false;
    loads_waiting_.push_back({key, token, last_now_.steady + config_.load_patience});
    return true;
  }

  /// In the order in which they came, so that who waits longest is served or told first.
  void submit_loads() {
    while (!loads_waiting_.empty()) {
      const waiting_load next = loads_waiting_.front();
      subscriber_actor* a = residents_.find(next.key);
      subscriber_actor::loading* waiting = a == nullptr ? nullptr : a->waiting();
      assert(waiting != nullptr && waiting->token == next.token);  // nobody leaves before his record is here
      if (next.gives_up <= last_now_.steady) {
        loads_waiting_.pop_front();
        ++counters_.loads_late;
        for (const subscriber_event& event : put_away(*a)) refuse(next.key, event);
        continue;
      }
      if (loading_ >= config_.loads_in_flight || !store_.try_load(around_.home, next.key, waiting->name, next.token)) return;
      loads_waiting_.pop_front();
      ++loading_;
    }
  }

  // Who stays in memory (SPEC 10.1). Subscribers that wait for their record are bounded by themselves and not counted;
  // those that wait for the end of a write may stand over the bound for so long, as many as loads_in_flight.
  bool crowded(std::size_t more) const {
    return residents_.size() - unread_ + more > config_.resident_limit || bytes_ > config_.resident_bytes;
  }
  bool too_many() const {
    const std::size_t slack = around_.config.planted.refuse_when_addresses_wait ? 0 : config_.loads_in_flight;
    return residents_.size() - unread_ >= config_.resident_limit + slack;
  }
  bool too_many_bytes() const { return bytes_ > config_.resident_bytes + config_.resident_bytes / 8; }

  bool room_for_one_more() {
    if (!crowded(1)) return true;
    make_room(1, leavers_a_turn);
    // Now somebody must be found, if there is anybody: all are asked, once until the directory has room again.
    while ((too_many() || too_many_bytes()) && !nobody_may_leave_) {
      subscriber_actor* leaver = any_leaver();
      nobody_may_leave_ = leaver == nullptr;
      if (leaver == nullptr || !let_go(*leaver)) break;
    }
    if (too_many()) {
      ++counters_.residents_refused;
      return false;
    }
    if (too_many_bytes()) {
      ++counters_.bytes_refused;
      return false;
    }
    return true;
  }

  void make_room(std::size_t more, std::size_t most) {
    if (!crowded(more)) {
      nobody_may_leave_ = false;
      return;
    }
    for (; most > 0 && crowded(more) && !nobody_may_leave_; --most) {
      subscriber_actor* leaver = next_leaver();
      if (leaver == nullptr || !let_go(*leaver)) return;
    }
  }

  /// One at rest; else one whose address must be written first.
  subscriber_actor* next_leaver() {
    subscriber_actor* with_address = nullptr;
    subscriber_actor* at_rest = residents_.choose_leaver(leaver_entries, leaver_actors, [&](subscriber_actor& a) {
      if (may_leave(a)) return true;
      if (with_address == nullptr && may_leave_once_written(a)) with_address = &a;
      return false;
    });
    return at_rest != nullptr ? at_rest : with_address;
  }
  subscriber_actor* any_leaver() {
    return residents_.choose_leaver(residents_.capacity(), 2 * residents_.size(), [&](const subscriber_actor& a) {
      return may_leave(a) || may_leave_once_written(a);
    });
  }
  bool may_leave_once_written(const subscriber_actor& a) const {
    return a.resident() != nullptr && a.resident()->waits_only_to_write() && a.idle() &&
           !around_.config.planted.refuse_when_addresses_wait;
  }

  /// @return false when the store has no room for its address.
  bool let_go(subscriber_actor& a) {
    if (auto address = a.resident()->unwritten()) {
      if (!store_.try_write(around_.home, a.key(), a.resident()->name(), std::move(*address), store_token{})) {
        ++counters_.writes_refused;
        return false;
      }
      ++counters_.left_early;
    }
    put_away(a);
    return true;
  }

  /// After whatever may have changed what it holds.
  void count_bytes(subscriber_actor& a) {
    const auto now = static_cast<std::uint32_t>(
        std::min<std::size_t>(sizeof a + a.resident()->resident_bytes(), 0xffffffff));
    bytes_ = bytes_ - a.counted_bytes + now;
    a.counted_bytes = now;
  }

  static bool may_leave(const subscriber_actor& a) {
    return a.resident() != nullptr && a.resident()->at_rest() && a.idle();
  }

  /// @return events that waited for its record, to be answered by the caller.
  std::vector<subscriber_event> put_away(subscriber_actor& a) {
    if (const subscriber* s = a.resident()) {
      counters_.bindings -= s->binding_count();
      counters_.parked -= s->parked_count();
    }
    if (a.resident() == nullptr) --unread_;
    bytes_ -= a.counted_bytes;
    a.counted_bytes = 0;
    residents_.erase(a.key());
    timers_.clear_all(a);
    std::vector<subscriber_event> events = a.leave();
    ++counters_.left;
    a.intrusive_ptr_release_impl();
    return events;
  }

  /// A stranger's AOR leaves nothing behind.
  /// And once all have been asked in vain, the first who may leave does.
  void leave_if_unknown(subscriber_actor& a) {
    if (a.away() || a.resident() == nullptr) return;
    if (a.resident()->unknown() && may_leave(a)) {
      put_away(a);
    } else if (nobody_may_leave_ && crowded(0) && (may_leave(a) || may_leave_once_written(a))) {
      let_go(a);
    }
  }

  void apply(subscriber_actor& a, const subscriber_event& event) {
    subscriber& s = *a.resident();
    const std::size_t bindings = s.binding_count();
    const std::size_t parked = s.parked_count();
    todo_.clear();
    bool done = false;
    try {
      s.apply(event, last_now_, todo_);
      done = true;
    } catch (...) {
      // Half a list of effects is worse than none: whoever asked hears 503 and may ask again.
      ++counters_.handler_failures;
    }
    counters_.bindings += s.binding_count() - bindings;
    counters_.parked += s.parked_count() - parked;
    count_bytes(a);
    if (!done) {
      refuse(a.key(), event);
      return;
    }
    for (effect& e : todo_) perform(a, std::move(e));
  }

  void perform(subscriber_actor& a, effect&& what) {
    if (const auto* t = std::get_if<set_timer>(&what)) {
      timers_.set(a, t->key, t->due);
    } else if (const auto* c = std::get_if<clear_timer>(&what)) {
      timers_.clear(a, c->key);
    } else if (auto* w = std::get_if<write>(&what)) {
      const store_token token = w->token;
      if (store_.try_write(around_.home, a.key(), a.resident()->name(), std::move(w->mutation), token)) return;
      ++counters_.writes_refused;
      if (token.value != 0) deferred_.push_back({a.key(), {}, write_finished{token, false}, true});
    } else {
      try {
        outlet_.perform(a.key(), std::move(what), last_now_);
      } catch (...) {
        ++counters_.handler_failures;
      }
    }
  }

  void refuse(aor_key key, const subscriber_event& event) {
    if (auto answer = refusal_of(event, around_.pool, around_.random)) {
      try {
        outlet_.perform(key, std::move(*answer), last_now_);
      } catch (...) {
        ++counters_.handler_failures;
      }
    }
  }

  caf::actor_system& system_;
  home_config config_;
  surroundings around_;
  store& store_;
  home_outlet& outlet_;
  actor_timers timers_;
  directory<subscriber_actor> residents_;
  boost::intrusive_ptr<mailroom> room_;
  mail_rounds mail_;
  std::deque<delivery> deferred_;
  effects todo_;                         ///< of the event being applied; never shrunk
  instant last_now_{};
  std::size_t depth_ = 0;
  std::size_t loading_ = 0;              ///< loads that the store has
  std::size_t unread_ = 0;               ///< actors without their record: those, and those of loads_waiting_
  std::deque<waiting_load> loads_waiting_;
  std::size_t bytes_ = 0;                ///< sum of counted_bytes
  bool nobody_may_leave_ = false;        ///< all were asked; since then who may leave does so at once
  std::uint64_t last_load_ = 0;
  home_counters counters_;
};

home::home(actor_host& host, const home_config& config, const surroundings& around, store& durable, home_outlet& outlet,
           steady_time start)
    : impl_(std::make_unique<impl>(host, config, around, durable, outlet, start)) {}
home::~home() = default;

bool home::deliver(aor_key key, std::string_view name, subscriber_event&& event, const instant& now) {
  return impl_->deliver(key, name, std::move(event), now);
}
bool home::deliver_if_resident(aor_key key, subscriber_event&& event, const instant& now) {
  return impl_->deliver_if_resident(key, std::move(event), now);
}
void home::prefetch(aor_key key) const { impl_->prefetch(key); }
void home::prefetch_further(aor_key key, unsigned step) const { impl_->prefetch_further(key, step); }
subscriber_standing home::standing(aor_key key) const { return impl_->standing(key); }
void home::on_loaded(aor_key key, const aor& name, store_token token,
                     result<std::optional<subscriber_record>>&& record, const instant& now) {
  impl_->on_loaded(key, name, token, std::move(record), now);
}
void home::on_written(aor_key key, const aor& name, store_token token, bool ok, const instant& now) {
  impl_->on_written(key, name, token, ok, now);
}
void home::on_timer(const instant& now) { impl_->on_timer(now); }
std::optional<steady_time> home::next_due() const { return impl_->next_due(); }
const home_counters& home::counters() const { return impl_->counters(); }
std::size_t home::retire_idle(const instant& now) { return impl_->retire_idle(now); }

caf::actor handle_of(home& of, aor_key key, std::string_view name, const instant& now) {
  return of.impl_->handle_of(key, name, now);
}

}  // namespace reveille
