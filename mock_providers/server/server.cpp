#include "mock_providers/server/server.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <future>
#include <thread>

#include "core/system_ports.hpp"
#include "mock_providers/server/answer_queue.hpp"
#include "mock_providers/server/connection_table.hpp"
#include "mock_providers/control/control_port.hpp"
#include "mock_providers/server/front_listeners.hpp"

namespace reveille::mock_providers {
namespace {

namespace asio = boost::asio;

/// How exact delays are: one timer for all, which costs nothing per push.
constexpr milliseconds tick{1};
/// How exact the idle limit is, at most.
constexpr seconds idle_look{1};

class mock_server final : public server, private answer_delayer, private device_sink, private controlled_mock {
 public:
  mock_server(device_sink* sink, const clock* time)
      : sink_(sink), time_(time ? *time : system_time_), moved_by_hand_(time != nullptr), timer_(io_), script_timer_(io_), idle_timer_(io_), doors_(io_, time_, *this) {}

  ~mock_server() override {
    asio::post(io_, [this] { shut_down(); });
    if (thread_.joinable()) thread_.join();
    doors_.close();
    control_.reset();
    io_.restart();
    io_.poll();  // what connections still had to say to themselves
  }

  result<void> open(const server_config& config, const credentials& keys) {
    keys_ = keys;
    for (const auto& [f, port] : {std::pair(front::apns, config.apns_port), std::pair(front::apns_dev, config.sandbox_port),
                                  std::pair(front::google, config.google_port)}) {
      if (auto opened = doors_.open(f, config.address, port, keys); !opened) return opened;
    }
    const auto url = [&](std::uint16_t port) {
      const bool v6 = config.address.find(':') != std::string::npos;
      return "https://" + (v6 ? '[' + config.address + ']' : config.address) + ":" + std::to_string(port);
    };
    where_.apns = doors_.port(front::apns);
    where_.sandbox = doors_.port(front::apns_dev);
    where_.google = doors_.port(front::google);
    where_.google_url = url(where_.google);
    where_.apns_url = url(where_.apns);
    where_.sandbox_url = url(where_.sandbox);
    where_.token_url = where_.google_url + "/token";
    started_ = time_.now();
    auto backend = provider_backend::make(config.identity, keys, config.behaviour, where_.token_url, random_, *this, started_);
    if (!backend) return tl::unexpected(backend.error());
    backend_ = std::move(*backend);
    backend_->add(config.further_accounts);
    doors_.lead_to(*backend_);
    auto control = control_port::make(io_, "127.0.0.1", config.control_port, *this);
    if (!control) return tl::unexpected(control.error());
    control_ = std::move(*control);
    where_.control = control_->port();
    if (config.behaviour.google_idle_limit > nanoseconds(0)) watch_idle();
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
      for (std::size_t i = 0; i < backend_->record().size(); ++i) out.push_back(backend_->record()[i]);
      return out;
    });
  }
  void clear_record() override {
    on_thread([this] {
      backend_->clear_record();
      backend_->clear_ledger();
    });
  }
  accepted_ledger::totals accepted() override {
    return on_thread([this] { return backend_->ledger().sums(); });
  }
  std::uint32_t times_accepted(std::string apns_id) override {
    return on_thread([&] {
      const auto who = identity_of_uuid(apns_id);
      return who ? backend_->ledger().count_of(*who) : 0;
    });
  }
  void add(accounts more) override {
    on_thread([&] { backend_->add(std::move(more)); });
  }
  void set_canonical(std::string token, std::string canonical) override {
    on_thread([&] { backend_->set_canonical(token, std::move(canonical)); });
  }
  void set_reachable(pns::provider provider, std::string token, bool reachable) override {
    on_thread([&] { backend_->set_reachable(provider, token, reachable, time_.now()); });
  }
  void unregister(pns::provider provider, std::string token, wall_time when) override {
    on_thread([&] { backend_->unregister(provider, token, when); });
  }
  void register_device(pns::provider provider, std::string token, std::string app) override {
    on_thread([&] { backend_->register_device(provider, token, std::move(app), time_.now()); });
  }
  void use(fault_script script) override {
    on_thread([&] { take_script(std::move(script)); });
  }
  void revoke_access_tokens() override {
    on_thread([this] { backend_->revoke_access_tokens(); });
  }
  void drop_connections() override {
    on_thread([this] { reset_all_connections(); });
  }
  std::vector<connection_facts> open_connections() override {
    return on_thread([this] { return connections_.facts(); });
  }
  void turn() override {
    on_thread([this] {
      on_tick();
      stand();
      time_out_idle();
    });
  }

 private:
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
    doors_.stop_accepting();
    doors_.abort_all();
    timer_.cancel();
    script_timer_.cancel();
    idle_timer_.cancel();
    // The connections say goodbye to their sessions in turns of their own.
    asio::post(io_, [this] { asio::post(io_, [this] { io_.stop(); }); });
  }

  // Time: one tick while anything waits.
  void arm() {
    if (ticking_ || stopping_ || moved_by_hand_) return;
    ticking_ = true;
    timer_.expires_after(tick);
    timer_.async_wait([this](boost::system::error_code error) {
      ticking_ = false;
      if (!error) on_tick();
    });
  }
  void on_tick() {
    const instant present = time_.now();
    answers_.advance(present.steady);
    const bool more = backend_->advance(present).has_value();
    if (more || !answers_.empty()) arm();
  }
  void watch_idle() {
    if (stopping_ || moved_by_hand_) return;
    idle_timer_.expires_after(idle_look);
    idle_timer_.async_wait([this](boost::system::error_code error) {
      if (error) return;
      time_out_idle();
      watch_idle();
    });
  }
  void time_out_idle() {
    const nanoseconds limit = backend_->how().google_idle_limit;
    if (limit <= nanoseconds(0)) return;
    const steady_time before = time_.now().steady - limit;
    connections_.for_each(front::google, [&](answering_session& s) { s.time_out(before); });
  }

  // answer_delayer
  void delay(steady_time until, std::weak_ptr<answering_session*> session, std::uint32_t stream, decision what) override {
    answers_.add(until, std::move(session), stream, std::move(what));
    arm();
  }
  void pause(steady_time until, std::weak_ptr<answering_session*> session) override {
    answers_.add(until, std::move(session), 0, std::nullopt);
    arm();
  }
  void delivery_waits() override { arm(); }
  void began(front f, std::weak_ptr<answering_session*> session) override {
    const standing_faults& present = doors_.standing(f);
    if (present != standing_faults{}) (*session.lock())->stand(present);
    connections_.add(f, std::move(session), time_.now().steady);
  }

  // What the script says of whole connections.
  void stand() {
    const instant present = time_.now();
    for (const front f : all_fronts) doors_.stand(f, backend_->standing(f, present), connections_, keys_, present);
    script_timer_.cancel();
    const auto next = backend_->next_standing_change(present);
    if (!next || stopping_ || moved_by_hand_) return;
    script_timer_.expires_at(*next);
    script_timer_.async_wait([this](boost::system::error_code error) {
      if (!error) stand();
    });
  }

  // device_sink
  void deliver(const delivery& what) override {
    if (sink_) sink_->deliver(what);
    if (control_) control_->publish(what);
  }

  // controlled_mock
  provider_backend& backend() override { return *backend_; }
  instant now() const override { return time_.now(); }
  instant started() const override { return started_; }
  void take_script(fault_script script) override {
    backend_->use(std::move(script), time_.now());
    stand();
  }
  bool add_rules(fault_script more) override {
    if (!backend_->add_rules(std::move(more), time_.now())) return false;
    stand();
    return true;
  }
  std::vector<connection_facts> connections() const override { return connections_.facts(); }
  bool reset_connection(std::uint64_t id) override {
    answering_session* const found = connections_.find(id);
    if (found) found->break_off();
    return found != nullptr;
  }
  void reset_all_connections() override {
    doors_.abort_all();
  }
  goodbye say_goodbye(std::uint64_t id, const scripted_goaway& how) override {
    answering_session* const found = connections_.find(id);
    if (!found) return goodbye::no_such_connection;
    return found->say_goodbye(how) ? goodbye::said : goodbye::http1;
  }
  mock_counters present_counters() override {
    mock_counters c = backend_->counters();
    const tls_listener_counters at_doors = doors_.counters();
    c.connections_accepted = at_doors.accepted;
    c.handshakes_failed = at_doors.handshake_failed;
    c.connections_open = at_doors.open;
    c.connections_silent = at_doors.silent;
    c.answers_waiting = answers_.size();
    c.subscribers_dropped = control_->subscribers_dropped();
    c.control_refused = control_->refused();
    c.ledger = backend_->ledger().sums();
    return c;
  }

  device_sink* sink_;
  system_clock_port system_time_;
  const clock& time_;
  const bool moved_by_hand_;   ///< the clock is a test's: no timers
  system_random random_;
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  asio::steady_timer timer_;
  asio::steady_timer script_timer_;
  asio::steady_timer idle_timer_;
  instant started_{};
  credentials keys_;
  std::unique_ptr<provider_backend> backend_;
  front_listeners doors_;
  connection_table connections_;
  std::unique_ptr<control_port> control_;
  answer_queue answers_;
  server_endpoints where_;
  std::thread thread_;
  bool ticking_ = false;
  bool stopping_ = false;
};

}  // namespace

result<std::unique_ptr<server>> server::start(const server_config& config, const credentials& keys, device_sink* sink) {
  auto made = std::make_unique<mock_server>(sink, config.time);
  if (auto opened = made->open(config, keys); !opened) return tl::unexpected(opened.error());
  return made;
}

}  // namespace reveille::mock_providers
