#include "mock_providers/server.hpp"

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <future>
#include <nlohmann/json.hpp>
#include <thread>

#include "core/system_ports.hpp"
#include "mock_providers/control_port.hpp"
#include "mock_providers/provider_session.hpp"
#include "net/http2/tls_context.hpp"
#include "net/http2/tls_listener.hpp"

namespace reveille::mock_providers {
namespace {

namespace asio = boost::asio;

/// How exact delays are: one timer for all, which costs nothing per push.
constexpr milliseconds tick{1};
/// Answers held back at once; beyond, they go out at once.
constexpr std::size_t max_delayed_answers = 200'000;

class mock_server final : public server, private answer_delayer, private device_sink, private control_commands {
 public:
  explicit mock_server(device_sink* sink) : sink_(sink), timer_(io_) {}

  ~mock_server() override {
    asio::post(io_, [this] { shut_down(); });
    if (thread_.joinable()) thread_.join();
    listeners_.clear();
    control_.reset();
    io_.restart();
    io_.poll();  // what connections still had to say to themselves
  }

  result<void> open(const server_config& config, const credentials& keys) {
    auto apple_tls = make_tls(keys, {"h2"});   // APNs refuses HTTP/1.1 while connecting
    auto google_tls = make_tls(keys, {"h2", "http/1.1"});
    if (!apple_tls) return tl::unexpected(apple_tls.error());
    if (!google_tls) return tl::unexpected(google_tls.error());
    // The token endpoint's URL is part of what the desk checks, so its port must be known first.
    for (const auto& [f, tls, port] : {std::tuple(front::google, *google_tls, config.google_port),
                                       std::tuple(front::apns, *apple_tls, config.apns_port),
                                       std::tuple(front::apns_dev, *apple_tls, config.sandbox_port)}) {
      if (auto opened = listen(config.address, f, tls, port); !opened) return opened;
    }
    const auto url = [&](std::uint16_t port) {
      const bool v6 = config.address.find(':') != std::string::npos;
      return "https://" + (v6 ? '[' + config.address + ']' : config.address) + ":" + std::to_string(port);
    };
    where_.google = listeners_[0]->port();
    where_.apns = listeners_[1]->port();
    where_.sandbox = listeners_[2]->port();
    where_.google_url = url(where_.google);
    where_.apns_url = url(where_.apns);
    where_.sandbox_url = url(where_.sandbox);
    where_.token_url = where_.google_url + "/token";
    auto desk = provider_desk::make(config.identity, keys, config.behaviour, where_.token_url, random_, *this, time_.now());
    if (!desk) return tl::unexpected(desk.error());
    desk_ = std::move(*desk);
    auto control = control_port::make(io_, "127.0.0.1", config.control_port, *this);
    if (!control) return tl::unexpected(control.error());
    control_ = std::move(*control);
    where_.control = control_->port();
    thread_ = std::thread([this] { io_.run(); });
    return {};
  }

  const server_endpoints& endpoints() const override { return where_; }
  mock_counters counters() override {
    return on_thread([this] { return present_counters(); });
  }
  std::vector<received_push> record() override {
    return on_thread([this] {
      const auto& ring = desk_->record().pushes();
      return std::vector<received_push>(ring.begin(), ring.end());
    });
  }
  void clear_record() override {
    on_thread([this] { desk_->clear_record(); });
  }
  void set_reachable(pns::provider provider, std::string token, bool reachable) override {
    on_thread([&] { command_reachable(provider, token, reachable); });
  }
  void unregister(pns::provider provider, std::string token, wall_time when) override {
    on_thread([&] { command_unregister(provider, token, when); });
  }
  void register_device(pns::provider provider, std::string token, std::string app) override {
    on_thread([&] { command_register(provider, token, app); });
  }
  void use(fault_script script) override {
    on_thread([&] { desk_->use(std::move(script), time_.now()); });
  }
  void revoke_access_tokens() override {
    on_thread([this] { command_revoke_tokens(); });
  }
  void drop_connections() override {
    on_thread([this] { command_drop_connections(); });
  }

 private:
  static result<std::shared_ptr<const http2::tls_context>> make_tls(const credentials& keys,
                                                                    std::vector<std::string> alpn) {
    http2::tls_server_config config;
    config.certificate_pem = keys.server_pem;
    config.private_key_pem = keys.server_key_pem;
    config.alpn = std::move(alpn);
    return http2::tls_context::make_server(config);
  }

  result<void> listen(const std::string& address, front f, std::shared_ptr<const http2::tls_context> tls,
                      std::uint16_t port) {
    http2::tls_listener_config config;
    config.address = address;
    config.port = port;
    auto made = http2::tls_listener::make(
        io_, time_, std::move(tls), config,
        [this, f](std::string_view alpn, const std::shared_ptr<http2::tls_connection>& self)
            -> std::unique_ptr<http2::byte_session> {
          const session_surroundings around{*desk_, *this, time_};
          if (alpn == "h2") return make_h2_session(around, f, self);
          if (f == front::google) return make_h1_session(around, f, self);
          return nullptr;
        });
    if (!made) return tl::unexpected(made.error());
    listeners_.push_back(std::move(*made));
    return {};
  }

  /// Runs `what` on the server's thread and waits for it.
  template <class What>
  auto on_thread(What&& what) -> decltype(what()) {
    std::packaged_task<decltype(what())()> task(std::forward<What>(what));
    auto done = task.get_future();
    asio::post(io_, [&task] { task(); });
    return done.get();
  }

  void shut_down() {
    stopping_ = true;
    for (const auto& l : listeners_) {
      l->stop_accepting();
      l->abort_all();
    }
    timer_.cancel();
    // The connections say goodbye to their sessions in turns of their own.
    asio::post(io_, [this] { asio::post(io_, [this] { io_.stop(); }); });
  }

  // Time: one tick while anything waits.
  void arm() {
    if (ticking_ || stopping_) return;
    ticking_ = true;
    timer_.expires_after(tick);
    timer_.async_wait([this](boost::system::error_code error) {
      ticking_ = false;
      if (!error) on_tick();
    });
  }

  void on_tick() {
    const instant now = time_.now();
    while (!delayed_.empty() && delayed_.front().due <= now.steady) {
      std::pop_heap(delayed_.begin(), delayed_.end(), later{});
      const delayed_answer next = std::move(delayed_.back());
      delayed_.pop_back();
      if (const auto session = next.session.lock()) (*session)->carry_out(next.stream, next.what);
    }
    const bool more = desk_->advance(now).has_value();
    if (more || !delayed_.empty()) arm();
  }

  void delay(steady_time until, std::weak_ptr<answering_session*> session, std::uint32_t stream, decision what) override {
    if (delayed_.size() >= max_delayed_answers) until = steady_time{};
    delayed_.push_back({until, order_++, std::move(session), stream, std::move(what)});
    std::push_heap(delayed_.begin(), delayed_.end(), later{});
    arm();
  }

  void delivery_waits() override { arm(); }

  void deliver(const delivery& what) override {
    if (sink_) sink_->deliver(what);
    if (control_) control_->publish(what);
  }

  // control_commands, on the server's thread
  void command_reachable(pns::provider provider, std::string_view token, bool reachable) override {
    desk_->set_reachable(provider, token, reachable, time_.now());
  }
  void command_unregister(pns::provider provider, std::string_view token, wall_time when) override {
    desk_->unregister(provider, token, when);
  }
  void command_register(pns::provider provider, std::string_view token, std::string_view app) override {
    desk_->register_device(provider, token, std::string(app));
  }
  std::string command_faults(std::string_view rules) override {
    auto script = fault_script::parse(rules);
    if (!script) return script.error().what;
    desk_->use(std::move(*script), time_.now());
    return {};
  }
  void command_drop_connections() override {
    for (const auto& l : listeners_) l->abort_all();
  }
  void command_revoke_tokens() override { desk_->revoke_access_tokens(); }
  std::string metrics() override {
    std::string out;
    append_metrics(out, present_counters());
    return out;
  }
  std::string record_lines() override {
    std::string out;
    for (const received_push& p : desk_->record().pushes()) {
      out += nlohmann::ordered_json{{"at", p.at.time_since_epoch().count()}, {"provider", pns::name_of(p.provider)},
                                    {"token", p.token}, {"app", p.app}, {"push_type", p.push_type}, {"id", p.id},
                                    {"status", p.status}, {"reason", p.reason}, {"payload", p.payload}}
                 .dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
      out += '\n';
    }
    return out;
  }

  mock_counters present_counters() {
    mock_counters c = desk_->counters();
    for (const auto& l : listeners_) {
      c.connections_accepted += l->counters().accepted;
      c.handshakes_failed += l->counters().handshake_failed;
      c.connections_open += l->counters().open;
    }
    c.answers_waiting = delayed_.size();
    c.subscribers_dropped = control_->subscribers_dropped();
    return c;
  }

  struct delayed_answer {
    steady_time due;
    std::uint64_t order;
    std::weak_ptr<answering_session*> session;
    std::uint32_t stream;
    decision what;
  };
  struct later {
    bool operator()(const delayed_answer& a, const delayed_answer& b) const {
      return a.due != b.due ? a.due > b.due : a.order > b.order;
    }
  };

  device_sink* sink_;
  system_clock_port time_;
  system_random random_;
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  asio::steady_timer timer_;
  std::unique_ptr<provider_desk> desk_;
  std::vector<std::unique_ptr<http2::tls_listener>> listeners_;
  std::unique_ptr<control_port> control_;
  std::vector<delayed_answer> delayed_;
  std::uint64_t order_ = 0;
  server_endpoints where_;
  std::thread thread_;
  bool ticking_ = false;
  bool stopping_ = false;
};

}  // namespace

result<std::unique_ptr<server>> server::start(const server_config& config, const credentials& keys, device_sink* sink) {
  auto made = std::make_unique<mock_server>(sink);
  if (auto opened = made->open(config, keys); !opened) return tl::unexpected(opened.error());
  return made;
}

}  // namespace reveille::mock_providers
