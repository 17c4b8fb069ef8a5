#include "engine/push/push_providers.hpp"
#include "engine/push/push_threads.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <spdlog/spdlog.h>

#include <atomic>
#include <map>
#include <new>
#include <thread>
#include <tuple>
#include <utility>

#include "core/system_ports.hpp"
#include "engine/store/operation_ring.hpp"
#include "net/http1/post_exchange.hpp"
#include "net/tls/tls_connection.hpp"

namespace reveille {

namespace asio = boost::asio;

namespace {

/// Commands taken from the ring before sockets and timers have their turn again.
constexpr std::size_t commands_per_turn = 1024;
constexpr milliseconds rest_without_memory{10};
constexpr std::size_t token_answer_limit = 16 * 1024;

struct command {
  enum class kind : std::uint8_t { order, withdraw } what = kind::order;
  pns::push_order order;
  push_destination to;
  pns::push_id id;
};

/// One TLS context per CA text, own certificate and protocol.
class tls_contexts {
 public:
  result<void> prepare(const push_route& route) {
    for (const char* alpn : {"h2", "http/1.1", "either"}) {
      auto& place = made_[key(route, alpn)];
      if (place) continue;
      tls_client_config c;
      c.ca_pem = route.ca_pem;
      c.certificate_pem = route.certificate_pem;
      c.private_key_pem = route.private_key_pem;
      c.alpn = std::string_view(alpn) == "either" ? std::vector<std::string>{"h2", "http/1.1"} : std::vector<std::string>{alpn};
      auto context = tls_context::make_client(c);
      if (!context) return tl::unexpected(context.error());
      place = std::move(*context);
    }
    return {};
  }
  const std::shared_ptr<const tls_context>& get(const push_route& route, const char* alpn) const {
    return made_.at(key(route, alpn));
  }

 private:
  using name = std::tuple<std::string, std::string, std::string>;
  static name key(const push_route& route, const char* alpn) { return {route.ca_pem, route.certificate_pem, alpn}; }
  std::map<name, std::shared_ptr<const tls_context>> made_;
};

tls_target target_of(const push_endpoint& where, const push_route& route) {
  tls_target t;
  t.host = where.host;
  t.port = where.port;
  t.connect_host = route.connect_host;
  t.proxy_host = route.proxy_host;
  t.proxy_port = route.proxy_port;
  t.proxy_authorization = route.proxy_authorization;
  return t;
}

}  // namespace

class push_threads::thread final : private push_outside {
 public:
  thread(std::vector<planned_sender> senders, std::shared_ptr<const tls_contexts> contexts, push_answer_sink& sink,
         const clock& time, std::size_t ring_limit)
      : contexts_(std::move(contexts)),
        sink_(sink),
        time_(time),
        ring_(ring_limit),
        timer_(io_),
        worker_(std::move(senders), *this, random_, time.now()),
        work_(asio::make_work_guard(io_)) {}
  ~thread() override { stop(); }

  void start() {
    asio::post(io_, [this] { turn(); });
    runner_ = std::thread([this] { run(); });
  }
  void stop() {
    io_.stop();
    if (runner_.joinable()) runner_.join();
  }

  // --- any thread

  bool push(pns::push_order&& order, const push_destination& to) {
    const bool room = ring_.try_push([&](command& c) {
      c.what = command::kind::order;
      c.order = std::move(order);
      c.to = to;
    });
    if (room) ring();
    return room;
  }
  void withdraw(const pns::push_id& id) {
    const bool room = ring_.try_push([&](command& c) {
      c.what = command::kind::withdraw;
      c.id = id;
    });
    if (room) {
      ring();
    } else {
      withdrawals_lost_.fetch_add(1, std::memory_order_relaxed);
    }
  }
  const push_worker& worker() const { return worker_; }
  std::uint64_t turns_failed() const { return turns_failed_.load(std::memory_order_relaxed); }
  std::uint64_t withdrawals_lost() const { return withdrawals_lost_.load(std::memory_order_relaxed); }

 private:
  /// The mover's view of one of the worker's connections.
  class wire final : public byte_session {
   public:
    wire(thread& of, push_connection_id id) : of_(of), id_(id) {}
    void receive(std::span<const std::uint8_t> bytes, const instant& now) override {
      of_.worker_.receive(id_, bytes, now);
      of_.soon();
    }
    void produce(std::vector<std::uint8_t>& out, std::size_t limit) override {
      of_.worker_.produce(id_, out, limit);
      of_.soon();  // streams may have become free
    }
    bool finished() const override { return of_.worker_.finished(id_); }
    void closed(const instant& now) override {
      const auto connection = of_.connections_.extract(id_);
      of_.worker_.closed(id_, now, connection.empty() ? std::nullopt : connection.mapped()->alert());
      of_.soon();
    }

   private:
    thread& of_;
    const push_connection_id id_;
  };

  /// A push whose allocation failed although memory is kept back is lost, not the process: its deadline answers for it.
  void run() {
    bool owed = false;
    while (!io_.stopped()) {
      try {
        if (std::exchange(owed, false)) turn();
        io_.run();
      } catch (const std::bad_alloc&) {
        owed = true;
        turn_posted_ = false;
        armed_.reset();
        turns_failed_.fetch_add(1, std::memory_order_relaxed);
        rest_.expires_after(rest_without_memory);
        rest_.wait();
      }
    }
  }

  void ring() {
    // The consumer clears the flag before it looks: what was pushed before this line is seen by it, or posted.
    if (!awake_.exchange(true, std::memory_order_seq_cst)) asio::post(io_, [this] { turn(); });
  }

  // --- the push thread

  void soon() {
    if (turn_posted_) return;
    turn_posted_ = true;
    asio::post(io_, [this] {
      turn_posted_ = false;
      turn();
    });
  }

  void turn() {
    awake_.store(false, std::memory_order_seq_cst);
    const instant now = time_.now();
    std::size_t taken = 0;
    for (; taken < commands_per_turn; ++taken) {
      command* c = ring_.peek(taken);
      if (c == nullptr) break;
      switch (c->what) {
        case command::kind::order: worker_.take(std::move(c->order), c->to, now); break;
        case command::kind::withdraw: worker_.withdraw(c->id, now); break;
      }
    }
    ring_.release(taken);
    if (const auto due = worker_.next_due(now); due && *due <= now.steady) worker_.on_timer(now);
    const bool more = worker_.pump(now);
    deliver();
    if (more || taken == commands_per_turn) soon();
    arm(now);
  }

  void deliver() {
    for (std::size_t i = 0; i < answers_.size(); ++i) {
      if (answers_[i].empty()) continue;
      sink_.answered(shard_id{static_cast<std::uint16_t>(i)}, answers_[i]);
      answers_[i].clear();
    }
  }

  /// A timer that fires too early costs a turn, one that is set anew each turn costs more.
  void arm(const instant& now) {
    const auto due = worker_.next_due(now);
    if (!due || (armed_ && *armed_ <= *due)) return;
    armed_ = due;
    timer_.expires_at(std::chrono::time_point_cast<std::chrono::steady_clock::duration>(*due));
    timer_.async_wait([this](boost::system::error_code error) {
      if (error) return;
      armed_.reset();
      turn();
    });
  }

  // --- push_outside

  void open(push_connection_id id, const push_endpoint& where, const push_route& route) override {
    auto make = [this, id](std::string_view alpn, const std::shared_ptr<tls_connection>&) {
      worker_.opened(id, time_.now(), alpn == "h2" ? push_protocol::http2 : push_protocol::http1);
      soon();
      return std::make_unique<wire>(*this, id);
    };
    auto failed = [this, id](open_failure why, const std::string& what) {
      connections_.erase(id);
      worker_.open_failed(id, time_.now(), why, what);
      soon();
    };
    const tls_target to = target_of(where, route);
    tls_limits limits;
    limits.open_deadline = route.connect_timeout;
    try {
      connections_[id] =
          where.how == push_endpoint::scheme::http
              ? open_plain(io_, time_, to, limits, std::move(make), failed)
              : open_tls(io_, time_, contexts_->get(route, route.http1_too ? "either" : "h2"), to, limits,
                                std::move(make), failed);
    } catch (const std::exception& e) {
      // No memory, or no thread for the resolver: as if the way there were barred, and told when nobody is on the stack.
      asio::post(io_, [failed, what = std::string(e.what())] { failed(open_failure::connect, what); });
    }
  }
  void wake(push_connection_id id) override {
    if (const auto found = connections_.find(id); found != connections_.end()) found->second->wake();
  }
  void abort(push_connection_id id) override {
    if (const auto found = connections_.find(id); found != connections_.end()) found->second->abort();
  }
  void tell(push_notice what) override {
    spdlog::log(what.how == push_notice::weight::info ? spdlog::level::info : spdlog::level::warn, "push: {}", what.text);
  }
  void answer(shard_id home, pns::push_answer&& what) override {
    if (answers_.size() <= home.value) answers_.resize(home.value + std::size_t{1});
    answers_[home.value].push_back(std::move(what));
  }

  void purchase(std::uint16_t sender, const std::string& url, const push_route& route, std::string form) override {
    // The plan has made sure of the URL.
    const push_endpoint where = push_endpoint::parse(url).value_or(push_endpoint{});
    http1::post_request post;
    post.host = where.authority();
    post.target = path_of_url(url, "/");
    post.content_type = "application/x-www-form-urlencoded";
    post.body = std::move(form);

    auto limit = std::make_shared<asio::steady_timer>(io_, route.connect_timeout + route.answer_timeout);
    tls_limits limits;
    limits.open_deadline = route.connect_timeout;
    auto failed = [this, sender, limit](open_failure, const std::string&) {
      limit->cancel();
      worker_.purchase_failed(sender, time_.now());
      soon();
    };
    std::shared_ptr<tls_connection> connection;
    try {
      connection = open_tls(
          io_, time_, contexts_->get(route, "http/1.1"), target_of(where, route), limits,
          [this, sender, post = std::move(post), limit](std::string_view, const auto&) {
            return http1::make_post(post, token_answer_limit, [this, sender, limit](http1::post_answer a, const instant& now) {
              limit->cancel();
              if (a.status == 0) {
                worker_.purchase_failed(sender, now);
              } else {
                worker_.purchased(sender, a.status, a.body, now);
              }
              soon();
            });
          },
          failed);
    } catch (const std::exception& e) {  // as above
      asio::post(io_, [failed, what = std::string(e.what())] { failed(open_failure::connect, what); });
      return;
    }
    limit->async_wait([connection](boost::system::error_code error) {
      if (!error) connection->abort();
    });
  }

  const std::shared_ptr<const tls_contexts> contexts_;
  push_answer_sink& sink_;
  const clock& time_;
  operation_ring<command> ring_;
  asio::io_context io_{1};
  asio::steady_timer timer_;
  asio::steady_timer rest_{io_};   ///< waited for in place
  system_random random_;
  std::vector<std::vector<pns::push_answer>> answers_;   ///< per shard
  std::map<push_connection_id, std::shared_ptr<tls_connection>> connections_;
  push_worker worker_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::optional<steady_time> armed_;
  bool turn_posted_ = false;
  std::atomic<bool> awake_{true};   ///< a turn is posted by start()
  std::atomic<std::uint64_t> withdrawals_lost_{0}, turns_failed_{0};
  std::thread runner_;
};

result<std::unique_ptr<push_threads>, std::vector<error>> push_threads::make(const push_config& config,
                                                                             push_answer_sink& sink,
                                                                             const clock& time) {
  std::vector<error> faults;
  auto contexts = std::make_shared<tls_contexts>();
  for (const push_provider& provider : push_providers()) {
    if (auto ready = contexts->prepare(provider.route(config)); !ready) {
      faults.push_back({std::string(provider.name) + ": CA: " + ready.error().what});
    }
  }
  auto plan = plan_pushes(config);
  for (std::size_t t = 0; plan && faults.empty() && t < plan->threads.size(); ++t) {
    for (const planned_sender& s : plan->threads[t]) {
      if (auto ready = contexts->prepare(s.parts.route); !ready) faults.push_back(ready.error());
    }
  }
  if (!plan) faults.insert(faults.end(), plan.error().begin(), plan.error().end());
  if (!faults.empty()) return tl::unexpected(std::move(faults));

  std::unique_ptr<push_threads> made(new push_threads);
  made->router_ = std::move(plan->router);
  made->certificates_ = std::move(plan->certificates);
  made->advice_ = std::move(plan->advice);
  for (auto& senders : plan->threads) {
    made->threads_.push_back(
        std::make_unique<thread>(std::move(senders), contexts, sink, time, config.hand_over_limit));
  }
  for (const auto& t : made->threads_) t->start();
  return made;
}

push_threads::~push_threads() { stop(); }

void push_threads::stop() {
  for (const auto& t : threads_) t->stop();
}

bool push_threads::submit(pns::push_order order) {
  const push_destination to = router_.find(order.target).value_or(push_destination{});
  return threads_[to.thread]->push(std::move(order), to);
}

void push_threads::withdraw(pns::push_id id) {
  // Which thread has it is not kept anywhere: threads are few and withdrawals of what is not there cost a look.
  for (const auto& t : threads_) t->withdraw(id);
}

const push_worker::counter_table& push_threads::counters(std::size_t n) const { return threads_[n]->worker().counters(); }

std::vector<std::pair<pns::provider, push_app_reading>> push_threads::apps() const {
  std::vector<std::pair<pns::provider, push_app_reading>> out;
  for (const auto& t : threads_) {
    for (auto& r : t->worker().apps()) out.push_back(std::move(r));
  }
  return out;
}

std::uint64_t push_threads::turns_failed() const {
  std::uint64_t n = 0;
  for (const auto& t : threads_) n += t->turns_failed();
  return n;
}

std::uint64_t push_threads::withdrawals_lost() const {
  std::uint64_t n = 0;
  for (const auto& t : threads_) n += t->withdrawals_lost();
  return n;
}

}  // namespace reveille
