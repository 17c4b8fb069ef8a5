#include "mock_providers/server.hpp"

#include <algorithm>
#include <array>
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
  explicit mock_server(device_sink* sink) : sink_(sink), timer_(io_), script_timer_(io_) {}

  ~mock_server() override {
    asio::post(io_, [this] { shut_down(); });
    if (thread_.joinable()) thread_.join();
    listeners_.clear();
    control_.reset();
    io_.restart();
    io_.poll();  // what connections still had to say to themselves
  }

  result<void> open(const server_config& config, const credentials& keys) {
    keys_ = keys;
    for (const auto& [f, port] : {std::pair(front::apns, config.apns_port), std::pair(front::apns_dev, config.sandbox_port),
                                  std::pair(front::google, config.google_port)}) {
      const auto tls = make_tls(f, {keys.server_pem, keys.server_key_pem});
      if (!tls) return tl::unexpected(tls.error());
      if (auto opened = listen(config.address, f, *tls, port); !opened) return opened;
    }
    const auto url = [&](std::uint16_t port) {
      const bool v6 = config.address.find(':') != std::string::npos;
      return "https://" + (v6 ? '[' + config.address + ']' : config.address) + ":" + std::to_string(port);
    };
    where_.apns = listener(front::apns).port();
    where_.sandbox = listener(front::apns_dev).port();
    where_.google = listener(front::google).port();
    where_.google_url = url(where_.google);
    where_.apns_url = url(where_.apns);
    where_.sandbox_url = url(where_.sandbox);
    where_.token_url = where_.google_url + "/token";
    auto desk = provider_desk::make(config.identity, keys, config.behaviour, where_.token_url, random_, *this, time_.now());
    if (!desk) return tl::unexpected(desk.error());
    desk_ = std::move(*desk);
    desk_->add(config.further_accounts);
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
      std::vector<received_push> out;
      for (std::size_t i = 0; i < desk_->record().size(); ++i) out.push_back(desk_->record()[i]);
      return out;
    });
  }
  void clear_record() override {
    on_thread([this] {
      desk_->clear_record();
      desk_->clear_ledger();
    });
  }
  accepted_ledger::totals accepted() override {
    return on_thread([this] { return desk_->ledger().sums(); });
  }
  std::uint32_t times_accepted(std::string apns_id) override {
    return on_thread([&] {
      const auto who = identity_of_uuid(apns_id);
      return who ? desk_->ledger().count_of(*who) : 0;
    });
  }
  void add(accounts more) override {
    on_thread([&] { desk_->add(std::move(more)); });
  }
  void set_canonical(std::string token, std::string canonical) override {
    on_thread([&] { desk_->set_canonical(token, std::move(canonical)); });
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
    on_thread([&] { take_script(std::move(script)); });
  }
  void revoke_access_tokens() override {
    on_thread([this] { command_revoke_tokens(); });
  }
  void drop_connections() override {
    on_thread([this] { command_drop_connections(); });
  }

 private:
  result<std::shared_ptr<const http2::tls_context>> make_tls(front f, const certificate_pair& own) const {
    http2::tls_server_config config;
    config.certificate_pem = own.certificate_pem;
    config.private_key_pem = own.private_key_pem;
    // APNs asks for a client certificate, and looks at tokens where none comes.
    if (f != front::google) config.client_ca_pem = keys_.ca_pem;
    config.alpn = {"h2"};   // APNs refuses HTTP/1.1 while connecting
    if (f == front::google) config.alpn.emplace_back("http/1.1");
    return http2::tls_context::make_server(config);
  }
  http2::tls_listener& listener(front f) { return *listeners_[static_cast<std::size_t>(f)]; }

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
    script_timer_.cancel();
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
      const auto session = next.session.lock();
      if (!session) continue;
      if (next.what) (*session)->carry_out(next.stream, *next.what);
      else (*session)->resume();
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

  void pause(steady_time until, std::weak_ptr<answering_session*> session) override {
    delayed_.push_back({until, order_++, std::move(session), 0, std::nullopt});
    std::push_heap(delayed_.begin(), delayed_.end(), later{});
    arm();
  }

  // What the script says of whole connections.
  void take_script(fault_script script) {
    desk_->use(std::move(script), time_.now());
    stand();
  }

  void began(front f, std::weak_ptr<answering_session*> session) override {
    auto& all = sessions_[static_cast<std::size_t>(f)];
    if (all.size() >= prune_at_) {
      std::erase_if(all, [](const auto& s) { return s.expired(); });
      prune_at_ = std::max<std::size_t>(64, 2 * all.size());
    }
    const standing_faults& present = standing_[static_cast<std::size_t>(f)];
    if (present != standing_faults{}) (*session.lock())->stand(present);
    all.push_back(std::move(session));
  }

  void stand() {
    const instant now = time_.now();
    for (const front f : {front::apns, front::apns_dev, front::google}) stand(f, desk_->standing(f, now), now);
    script_timer_.cancel();
    const auto next = desk_->next_standing_change(now);
    if (!next || stopping_) return;
    script_timer_.expires_at(*next);
    script_timer_.async_wait([this](boost::system::error_code error) {
      if (!error) stand();
    });
  }

  void stand(front f, const standing_faults& what, const instant& now) {
    standing_faults& present = standing_[static_cast<std::size_t>(f)];
    if (what == present) return;
    const auto admitted = what.admission.value_or(admission_kind::serve);
    listener(f).admit(admitted == admission_kind::silence ? http2::admission::silence
                      : admitted == admission_kind::reset ? http2::admission::reset
                                                          : http2::admission::serve);
    if (what.certificate_life != present.certificate_life) show_certificate(f, what.certificate_life, now);
    present = what;
    for (const auto& s : sessions_[static_cast<std::size_t>(f)]) {
      if (const auto there = s.lock()) (*there)->stand(what);
    }
  }

  void show_certificate(front f, std::optional<seconds> life, const instant& now) {
    result<certificate_pair> own = certificate_pair{keys_.server_pem, keys_.server_key_pem};
    if (life) own = issue_server_certificate(keys_, now.wall + *life);
    if (!own) return;   // OpenSSL is out of memory: the old one stays
    if (const auto tls = make_tls(f, *own)) listener(f).use(*tls);
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
    take_script(std::move(*script));
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
    for (std::size_t i = 0; i < desk_->record().size(); ++i) {
      const received_push& p = desk_->record()[i];
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
    std::optional<decision> what;   ///< nullopt: a pause in reading is over
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
  asio::steady_timer script_timer_;
  credentials keys_;
  std::unique_ptr<provider_desk> desk_;
  std::vector<std::unique_ptr<http2::tls_listener>> listeners_;   ///< by front
  std::array<std::vector<std::weak_ptr<answering_session*>>, 3> sessions_;   ///< by front; some are gone
  std::array<standing_faults, 3> standing_;
  std::size_t prune_at_ = 64;
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
