#include "engine/shard/shard_thread.hpp"

#include <malloc.h>
#include <pthread.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <chrono>
#include <future>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

#include "actors/runtime/actor_host.hpp"
#include "core/memory_reserve.hpp"
#include "core/system_ports.hpp"
#include "engine/shard/shard_counters.hpp"
#include "engine/shard/shard_config.hpp"
#include "engine/shard/shard_inbox.hpp"
#include "engine/shard/turn_delay.hpp"

namespace reveille {

namespace asio = boost::asio;

namespace {
/// How old the published counters may be while the shard works.
constexpr milliseconds publish_every{100};
constexpr seconds give_back_every{1};
/// Octets given to the allocator before it is told to give them to the system: that takes its locks for milliseconds.
constexpr std::size_t worth_trimming = std::size_t{16} << 20;
constexpr milliseconds rest_without_memory{10};
}  // namespace

class shard_thread::impl final : public shard_outlet {
 public:
  impl(const shard_thread_config& config, const shard_thread_context& around)
      : config_(config), around_(around), context_(1), timer_(context_), batch_(config.datagrams_a_turn) {
    // Here, before any shard's thread runs: they read what this writes.
    around_.actors.on_mail(config_.self, [this] { wake(); });
  }

  ~impl() override { stop(); }

  std::optional<error> open_sockets() {
    for (const endpoint& listen : config_.listen) {
      auto made = udp_socket::open(listen, around_.pool, config_.udp);
      if (!made) return made.error();
      sockets_.push_back(std::make_unique<reader>(context_, std::move(*made)));
    }
    return std::nullopt;
  }

  void start(std::vector<shard_thread*> all) {
    all_ = std::move(all);
    thread_ = std::thread([this] { run(); });
  }
  void await_start() { built_.get_future().get(); }

  void drain() {
    draining_ = true;
    post(shard_question{[](reveille::shard& s, const instant&) { s.drain(); }});
  }
  bool idle() const { return idle_.load(std::memory_order_acquire); }

  void stop() {
    if (!thread_.joinable()) return;
    context_.stop();
    thread_.join();
  }

  void post(inbox_content&& what, steady_time since = {}) {
    if (inbox_.post(std::move(what), since)) wake();
  }
  bool hand_over(reveille::hand_over&& what, steady_time since) {
    if (!has_room_for(what, inbox_.length(), config_.inbox_limit)) {
      inbox_dropped_.fetch_add(1, std::memory_order_relaxed);
      return false;
    }
    post(std::move(what), since);
    return true;
  }

  std::vector<endpoint> listening() const {
    std::vector<endpoint> out;
    for (const auto& s : sockets_) out.push_back(s->socket->local());
    return out;
  }
  const shard_counters* counters_of_shard() const { return shard_counters_.load(std::memory_order_acquire); }
  shard_thread_counters published() const {
    const std::lock_guard lock(published_mutex_);
    shard_thread_counters out = published_;
    out.inbox_dropped = inbox_dropped_.load(std::memory_order_relaxed);
    out.turns_failed = turns_failed_.load(std::memory_order_relaxed);
    return out;
  }

  // shard_outlet, on the shard's thread
  bool transmit(const flow& to, const sip::packet& packet) override {
    reader& via = *sockets_[socket_of(to.local)];
    via.socket->send(to.remote, packet.bytes, packet.size);
    return true;
  }
  bool hand_over_to(shard_id to, reveille::hand_over&& what) override {
    assert(to.value < all_.size());
    return all_[to.value]->impl_->hand_over(std::move(what), delay_.in_hand_since());
  }

 private:
  struct reader {
    reader(asio::io_context& context, std::unique_ptr<udp_socket> s)
        : socket(std::move(s)), descriptor(context, socket->fd()) {}
    ~reader() { descriptor.release(); }  // the socket closes it
    std::unique_ptr<udp_socket> socket;
    asio::posix::stream_descriptor descriptor;
    bool readable = false;
  };

  void run() {
    ::pthread_setname_np(::pthread_self(), ("shard-" + std::to_string(config_.self.value)).c_str());
    around_.pool.adopt();
    bool built = false;
    try {
      live([&] {
        built = true;
        built_.set_value();
      });
    } catch (...) {
      if (built) throw;
      built_.set_exception(std::current_exception());
    }
  }

  /// @param built called once shard and home are there: they may be larger than what the machine gives
  template <class Built>
  void live(Built&& built) {
    const instant start = around_.time.now();
    // Here and not in the constructor: shard, home and actors live and die on this thread.
    const shard_context around{around_.subscribers, around_.pool, random_, config_.self, around_.shard.start,
                              around_.stored};
    reveille::shard shard(config_.self, around_.shard,
                          {*this, around_.pushes, random_, around_.pool,
                           [&](home_outlet& outlet, const instant& now) -> std::unique_ptr<subscribers> {
                             auto made = std::make_unique<home>(around_.actors, config_.home, around, around_.durable,
                                                                outlet, now.steady);
                             home_ = made.get();
                             return made;
                           },
                           around_.notes},
                          start);
    shard_ = &shard;
    shard_counters_.store(&shard.counters(), std::memory_order_release);
    for (auto& s : sockets_) {
      s->socket->on_unreachable([this, &from = *s](const endpoint& peer) { unreachable_.push_back({peer, from.socket->local(), 0, transport::udp}); });
      wait_for(*s);
    }
    built();
    work();
    shard_counters_.store(nullptr, std::memory_order_release);
    publish();
    shard_ = nullptr;
    home_ = nullptr;
  }

  /// An allocation that failed even though memory is kept back costs the turn's datagrams, which SIP repeats, never the
  /// process. The pause is for whoever may give memory back.
  void work() {
    bool owed = false;
    while (!context_.stopped()) {
      try {
        if (std::exchange(owed, false)) turn();
        context_.run();
      } catch (const std::bad_alloc&) {
        owed = true;
        // Whatever was about to be armed may not be: all of it is, anew, by the turn that is owed.
        armed_.reset();
        for (auto& r : sockets_) {
          boost::system::error_code ignored;
          r->descriptor.cancel(ignored);
          r->readable = true;
        }
        turns_failed_.fetch_add(1, std::memory_order_relaxed);
        rest_.expires_after(rest_without_memory);
        rest_.wait();
      }
    }
  }

  void wait_for(reader& r) {
    r.descriptor.async_wait(asio::posix::stream_descriptor::wait_read, [this, &r](const boost::system::error_code& e) {
      if (e) return;
      r.readable = true;
      turn();
    });
  }

  /// Any thread.
  void wake() {
    asio::post(context_, [this] { turn(); });
  }

  void turn() {
    const instant now = around_.time.now();
    delay_.begin(now.steady);
    shard_->on_memory(memory_reserve::in_use() ? memory_state::short_of : memory_state::enough);
    shard_->on_timer(now);
    inbox_items_ += inbox_.take(config_.inbox_a_turn, [&](inbox_content&& what, steady_time since) {
      delay_.from_inbox(since);
      take(std::move(what), now);
    });
    for (auto& s : sockets_) {
      if (s->readable) receive(*s, now);
    }
    delay_.all_taken();
    if (const auto longest = delay_.longest()) {
      queue_delay_ = *longest;
      shard_->on_queue_delay(queue_delay_, now);
    }
    flush(now);
    if (draining_) idle_.store(shard_->idle() && inbox_.empty(), std::memory_order_release);
    end_turn(now);
  }

  void take(inbox_content&& what, const instant& now) {
    if (auto* h = std::get_if<reveille::hand_over>(&what)) {
      shard_->on_hand_over(std::move(*h), now);
    } else if (auto* p = std::get_if<pns::push_answer>(&what)) {
      shard_->on_push_answer(std::move(*p), now);
    } else if (auto* l = std::get_if<record_loaded>(&what)) {
      shard_->on_loaded(l->key, l->of, l->token, std::move(l->record), now);
    } else if (const auto* all = std::get_if<records_written>(&what)) {
      for (const written_answer& w : all->batch) shard_->on_written(w.key, w.of, w.token, w.ok, now);
    } else {
      std::get<shard_question>(what).ask(*shard_, now);
    }
  }

  void receive(reader& r, const instant& now) {
    const std::size_t n = r.socket->receive(batch_);
    if (n > 0) delay_.from_socket(r.socket->oldest_waited());
    arrived_.clear();
    for (std::size_t i = 0; i < n; ++i) {
      datagram& d = batch_[i];
      arrived_.push_back({std::move(d.bytes), d.size, {d.from, r.socket->local(), 0, transport::udp}});
    }
    shard_->on_datagrams(arrived_, now);
    if (n < batch_.size()) {
      r.readable = false;
      wait_for(r);
    }
  }

  void flush(const instant& now) {
    for (auto& s : sockets_) s->socket->flush();
    // Told inside receive() and flush(); the shard hears of it when neither is on the stack. What it sends in return
    // may fail in its turn, so a bounded number of rounds: the rest comes next turn.
    for (int round = 0; round < 2 && !unreachable_.empty(); ++round) {
      told_.swap(unreachable_);
      for (const flow& f : told_) shard_->on_unreachable(f, now);
      told_.clear();
      for (auto& s : sockets_) s->socket->flush();
    }
  }

  void end_turn(const instant& began) {
    bool more = !inbox_.empty() || !unreachable_.empty();
    for (auto& s : sockets_) more = more || s->readable;
    const instant now = around_.time.now();
    shard_->on_sent(now);
    busy_ += now.steady - began.steady;
    ++turns_;
    if (now.steady - last_published_ >= publish_every) {
      last_published_ = now.steady;
      publish();
    }
    give_back(now.steady);
    if (more) {
      wake();
      return;
    }
    arm();
  }

  /// The timer may be early (then it finds nothing), never late: so it is only ever moved forward.
  void arm() {
    auto due = shard_->next_due();
    if (around_.pool.may_keep_idle() || given_back_ >= worth_trimming ||
        held_by_subscribers() + worth_trimming <= held_) {
      const steady_time next = last_given_back_ + give_back_every;
      due = due ? std::min(*due, next) : next;
    }
    if (!due || (armed_ && *armed_ <= *due)) return;
    armed_ = due;
    timer_.expires_at(std::chrono::time_point_cast<std::chrono::steady_clock::duration>(*due));
    timer_.async_wait([this](const boost::system::error_code& e) {
      if (e) return;
      armed_.reset();
      turn();
    });
  }

  std::size_t held_by_subscribers() const { return home_ != nullptr ? home_->counters().resident_bytes : 0; }

  /// A burst's slabs go back to the allocator, and once they are, the allocator's pages to the system; so do those of what
  /// subscribers held: each parked INVITE is a copy of its own.
  void give_back(steady_time now) {
    if (now - last_given_back_ < give_back_every) return;
    last_given_back_ = now;
    const std::size_t given = around_.pool.give_back_idle();
    given_back_ += given;
    const std::size_t held = held_by_subscribers();
    if (held < held_) given_back_ += held_ - held;
    held_ = held;
    if (given_back_ < worth_trimming || given > 0) return;
    given_back_ = 0;
    ::malloc_trim(0);
  }

  std::size_t socket_of(const endpoint& local) const {
    for (std::size_t i = 0; i < sockets_.size(); ++i) {
      if (sockets_[i]->socket->local() == local) return i;
    }
    return 0;  // a flow from before a restart: whatever socket there is
  }

  void publish() {
    shard_thread_counters out;
    if (home_ != nullptr) out.home = home_->counters();
    for (const auto& s : sockets_) out.udp += s->socket->counters();
    out.turns = turns_;
    out.inbox_items = inbox_items_;
    out.busy = busy_;
    out.queue_delay = queue_delay_;
    out.pool_bytes = around_.pool.allocated_bytes();
    out.pool_refused = around_.pool.refused();
    const std::lock_guard lock(published_mutex_);
    published_ = out;
  }

  const shard_thread_config config_;
  const shard_thread_context around_;
  system_random random_;
  asio::io_context context_;
  asio::steady_timer timer_;
  asio::steady_timer rest_{context_};  ///< waited for in place
  std::optional<steady_time> armed_;
  std::vector<std::unique_ptr<reader>> sockets_;
  std::vector<datagram> batch_;
  std::vector<arrived> arrived_;
  std::vector<flow> unreachable_, told_;
  std::vector<shard_thread*> all_;
  shard_inbox inbox_;
  std::promise<void> built_;
  std::thread thread_;
  reveille::shard* shard_ = nullptr;
  home* home_ = nullptr;
  std::atomic<bool> draining_{false};
  std::atomic<bool> idle_{false};
  std::atomic<std::uint64_t> inbox_dropped_{0}, turns_failed_{0};
  std::atomic<const shard_counters*> shard_counters_{nullptr};
  std::uint64_t turns_ = 0, inbox_items_ = 0;
  nanoseconds busy_{0}, queue_delay_{0};
  turn_delay delay_;
  steady_time last_given_back_{};
  std::size_t given_back_ = 0;
  std::size_t held_ = 0;   ///< by subscribers, when last looked at
  steady_time last_published_{};
  mutable std::mutex published_mutex_;  ///< ten times a second and at the scrape: never contended to matter
  shard_thread_counters published_;
};

result<std::unique_ptr<shard_thread>> shard_thread::open(const shard_thread_config& config,
                                                         const shard_thread_context& around) {
  auto made = std::make_unique<impl>(config, around);
  if (const auto fault = made->open_sockets()) return tl::unexpected<error>(*fault);
  return std::unique_ptr<shard_thread>(new shard_thread(std::move(made)));
}

shard_thread::shard_thread(std::unique_ptr<impl> made) : impl_(std::move(made)) {}
shard_thread::~shard_thread() = default;

void shard_thread::start(std::vector<shard_thread*> all) { impl_->start(std::move(all)); }
void shard_thread::await_start() { impl_->await_start(); }
void shard_thread::drain() { impl_->drain(); }
bool shard_thread::idle() const { return impl_->idle(); }
void shard_thread::stop() { impl_->stop(); }
std::vector<endpoint> shard_thread::listening() const { return impl_->listening(); }
void shard_thread::hand_over(reveille::hand_over&& what) { impl_->hand_over(std::move(what), {}); }
void shard_thread::push_answered(pns::push_answer&& answer) { impl_->post(std::move(answer)); }
void shard_thread::loaded(aor_key key, const aor& of, store_token token,
                          result<std::optional<subscriber_record>> record) {
  impl_->post(record_loaded{key, of, token, std::move(record)});
}
void shard_thread::written(aor_key key, const aor& of, store_token token, bool ok) {
  impl_->post(records_written{{{key, of, token, ok}}});
}
void shard_thread::all_written(std::vector<written_answer>&& batch) {
  impl_->post(records_written{std::move(batch)});
}
void shard_thread::ask(std::function<void(reveille::shard&, const instant&)> ask) {
  impl_->post(shard_question{std::move(ask)});
}
const shard_counters* shard_thread::shard_counters_now() const { return impl_->counters_of_shard(); }
shard_thread_counters shard_thread::counters() const { return impl_->published(); }

}  // namespace reveille
