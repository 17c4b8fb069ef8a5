#include "simulator/world/http2_gateway.hpp"

#include <algorithm>
#include <cassert>

#include "net/http1/post_exchange.hpp"

namespace reveille::world {

namespace mock = mock_providers;

namespace {

constexpr nanoseconds slowest_hand_over = milliseconds(3);
constexpr nanoseconds slowest_open = milliseconds(120);   ///< TCP and TLS handshakes
constexpr nanoseconds purchase_deadline = seconds(10);
constexpr std::size_t token_answer_limit = 64 * 1024;

push_config senders_of(const http2_config& config) {
  const mock::identity who = http2_providers::identity();
  push_config out;
  out.apns.limits.connections = config.apns_connections;
  out.apns.limits.planted = config.planted;
  out.fcm.limits.connections = config.fcm_connections;
  out.fcm.limits.planted = config.planted;
  apns_app_config apple;
  apple.team_id = who.team_id;
  apple.bundle = who.bundle;
  apple.key_id = who.key_id;
  apple.key_pem = http2_providers::keys().apns_key_pem;
  out.apns.apps.push_back(std::move(apple));
  fcm_app_config google;
  google.service_account = mock::service_account_json(who, http2_providers::keys(), http2_providers::token_url);
  google.profile = "native";  // names its call, by which the ledger knows a push that has no apns-id
  out.fcm.apps.push_back(std::move(google));
  return out;
}

mock::front front_of(const push_endpoint& where) {
  const push_config defaults;
  if (where == defaults.apns.production) return mock::front::apns;
  return where == defaults.apns.sandbox ? mock::front::apns_dev : mock::front::google;
}

}  // namespace

/// The sender's end of a connection.
class http2_gateway::worker_end final : public byte_session {
 public:
  worker_end(http2_gateway& gateway, push_connection_id id) : gateway_(gateway), id_(id) {}
  void receive(std::span<const std::uint8_t> bytes, const instant& now) override { gateway_.worker_->receive(id_, bytes, now); }
  void produce(std::vector<std::uint8_t>& out, std::size_t limit) override { gateway_.worker_->produce(id_, out, limit); }
  bool finished() const override { return gateway_.worker_->finished(id_); }
  void closed(const instant& now) override {
    gateway_.link_of_.erase(id_);
    gateway_.worker_->closed(id_, now);
  }

 private:
  http2_gateway& gateway_;
  push_connection_id id_;
};

/// The mock's handle on its connection.
class http2_gateway::provider_line final : public tls_connection {
 public:
  explicit provider_line(std::weak_ptr<pipe_link> link) : link_(std::move(link)) {}
  void wake() override {
    if (const auto link = link_.lock()) link->wake(pipe_end::server);
  }
  void close() override {
    if (const auto link = link_.lock()) link->close(pipe_end::server);
  }
  void abort() override {
    if (const auto link = link_.lock()) link->abort(pipe_end::server);
  }
  void pause_reading() override {}   // nobody asks for it here
  void resume_reading() override {}
  std::string_view peer() const override { return "pipe"; }
  const std::string& peer_certificate() const override { return none_; }

 private:
  std::weak_ptr<pipe_link> link_;
  std::string none_;
};

http2_gateway::http2_gateway(schedule& when, ledger& truth, const http2_config& config, answer_sink to_home,
                             device_sink to_device, entry_probe has_entry)
    : when_(when), ledger_(truth), config_(config), to_home_(std::move(to_home)), to_device_(std::move(to_device)),
      has_entry_(std::move(has_entry)), truth_(when, truth, config.pipes.slowest_drain),
      providers_(when, truth_, config.services,
                 [this](const prid& token, bool is_call) {
                   pns::push_order notification;
                   if (!is_call) notification.content = pns::missed_calls_content{};
                   to_device_(token, notification);
                 }),
      random_(when.random().next()) {
  start();
}

http2_gateway::~http2_gateway() {
  for (auto& [number, c] : connections_) {
    c.link->orphan(pipe_end::client);
    c.link->orphan(pipe_end::server);
  }
}

void http2_gateway::start() {
  ++life_;
  taken_ = 0;
  armed_.reset();
  push_plan plan = plan_pushes(senders_of(config_)).value();
  router_ = std::move(plan.router);
  worker_ = std::make_unique<push_worker>(std::move(plan.threads.front()), *this, random_, when_.now());
}

void http2_gateway::know(const prid& token, const std::string& device, const std::string& aor_user) {
  users_[token.str()] = aor_user;
  truth_.know(token.str(), device, aor_user);
}

void http2_gateway::later(nanoseconds delay, std::function<void()> what) {
  when_.after(delay, [this, life = life_, what = std::move(what)] {
    if (life == life_) what();
  });
}

// --- home

bool http2_gateway::submit(pns::push_order order) {
  const auto user = users_.find(order.target.tokens.front().value.str());
  truth_.ordered(order, user != users_.end() && has_entry_(user->second, order.call));
  // One ring serves all shards.
  when_.in_order("orders", when_.between(nanoseconds(0), slowest_hand_over), [this, life = life_, order = std::move(order)]() mutable {
    if (life != life_) return;
    const push_destination to = router_.find(order.target).value_or(push_destination{});
    ++taken_;
    worker_->take(std::move(order), to, when_.now());
    turn();
  });
  return true;
}

void http2_gateway::withdraw(pns::push_id id) {
  truth_.withdrawn(id);
  when_.in_order("orders", when_.between(nanoseconds(0), slowest_hand_over), [this, life = life_, id] {
    if (life != life_) return;
    worker_->withdraw(id, when_.now());
    turn();
  });
}

void http2_gateway::answer(shard_id home, pns::push_answer&& what) {
  when_.mix(static_cast<std::uint64_t>(what.id.number) << 8 | static_cast<std::uint64_t>(end_of(what.outcome)));
  truth_.answered(what);
  when_.in_order("push>" + std::to_string(home.value), when_.between(nanoseconds(0), milliseconds(10)),
                 [this, life = life_, home, what = std::move(what)]() mutable {
                   if (life == life_) to_home_(home, std::move(what));
                 });
}

// --- connections

std::shared_ptr<pipe_link> http2_gateway::connect(mock::front f, pipe_traffic traffic,
                                                  std::unique_ptr<byte_session> client) {
  std::erase_if(connections_, [](const auto& c) { return c.second.link->over(); });
  const std::uint64_t number = ++links_;
  auto link = std::make_shared<pipe_link>(number, traffic, when_, config_.pipes, *this);
  auto line = std::make_shared<provider_line>(link);
  link->join(std::move(client), providers_.accept(f, traffic, line));
  connections_[number] = {link, line};
  link->wake(pipe_end::client);
  link->wake(pipe_end::server);
  return link;
}

void http2_gateway::open(push_connection_id id, const push_endpoint& where, const push_route&) {
  later(when_.between(milliseconds(1), slowest_open), [this, id, f = front_of(where)] {
    if (when_.chance(config_.pipes.refused)) {
      worker_->open_failed(id, when_.now());
    } else {
      worker_->opened(id, when_.now());
      link_of_[id] = connect(f, pipe_traffic::http2, std::make_unique<worker_end>(*this, id))->number();
    }
    turn();
  });
}

void http2_gateway::wake(push_connection_id id) { dirty_.insert(id); }

void http2_gateway::abort(push_connection_id id) {
  if (const auto found = link_of_.find(id); found != link_of_.end()) connections_.at(found->second).link->abort(pipe_end::client);
}

std::unique_ptr<byte_session> http2_gateway::token_exchange(std::uint16_t sender, const std::string& url,
                                                                   std::string form) {
  const push_endpoint where = push_endpoint::parse(url).value_or(push_endpoint{});
  http1::post_request post;
  post.host = where.authority();
  post.target = "/token";
  post.content_type = "application/x-www-form-urlencoded";
  post.body = std::move(form);
  return http1::make_post(post, token_answer_limit, [this, sender, life = life_](http1::post_answer a, const instant& now) {
    if (life != life_) return;
    if (a.status == 0) {
      worker_->purchase_failed(sender, now);
    } else {
      worker_->purchased(sender, a.status, a.body, now);
    }
  });
}

void http2_gateway::purchase(std::uint16_t sender, const std::string& url, const push_route&, std::string form) {
  later(when_.between(milliseconds(1), slowest_open), [this, sender, url, form = std::move(form)] {
    if (when_.chance(config_.pipes.refused)) {
      worker_->purchase_failed(sender, when_.now());
      turn();
      return;
    }
    const auto link = connect(mock::front::google, pipe_traffic::other, token_exchange(sender, url, form));
    later(purchase_deadline, [link] {
      if (!link->over()) link->abort(pipe_end::client);
    });
  });
}

void http2_gateway::frame_written(const pipe_link& on, pipe_end by, const wire_frame& what) {
  if (by == pipe_end::client && what.type == wire_frame::headers) truth_.request_written(on.number(), what.stream);
}

void http2_gateway::frame_begun(const pipe_link& on, pipe_end at, const wire_frame& what) {
  if (at == pipe_end::client && what.type == wire_frame::headers) truth_.answer_begun(on.number(), what.stream);
}

void http2_gateway::frame_arrived(const pipe_link& on, pipe_end at, const wire_frame& what) {
  if (at == pipe_end::server) {
    providers_.request_arrived(on.number(), what.stream);
  } else if (what.type == wire_frame::headers) {
    truth_.answer_arrived(on.number(), what.stream);
  } else if (what.type == wire_frame::rst_stream && what.code == static_cast<std::uint32_t>(http2::error_code::refused_stream)) {
    truth_.refusal_arrived(on.number(), what.stream);
  }
}

void http2_gateway::end_moved(pipe_end at) {
  if (at == pipe_end::client) turn();
}

// --- the push thread

void http2_gateway::turn() {
  if (turning_) return;  // an end moved while it was served below
  turning_ = true;
  const bool more = worker_->pump(when_.now());
  check_accounts();
  while (!dirty_.empty()) {
    const auto ids = std::exchange(dirty_, {});
    for (const push_connection_id id : ids) {
      if (const auto found = link_of_.find(id); found != link_of_.end()) {
        connections_.at(found->second).link->turn(pipe_end::client);
      }
    }
  }
  turning_ = false;
  if (more) later(nanoseconds(0), [this] { turn(); });
  rearm();
}

/// A wake-up at next_due(), a little late as timers are; superfluous ones do no harm.
void http2_gateway::rearm() {
  const auto due = worker_->next_due(when_.now());
  if (!due || (armed_ && *armed_ <= *due && *armed_ > when_.now().steady)) return;
  armed_ = std::max(*due, when_.now().steady) + when_.between(nanoseconds(1), milliseconds(2));
  when_.at(*armed_, [this, life = life_] {
    if (life != life_) return;
    worker_->on_timer(when_.now());
    turn();
  });
}

void http2_gateway::calm() {
  config_.pipes.cut = config_.pipes.silence = config_.pipes.refused = 0;
  providers_.calm();
  truth_.calm();
}

void http2_gateway::forget_homes() {
  for (const push_counters& c : worker_->counters()) lives_ambiguous_ += c.resent_ambiguous.value();
  truth_.engine_died();
  link_of_.clear();
  dirty_.clear();
  for (auto& [number, c] : connections_) c.link->orphan(pipe_end::client);
  start();
}

void http2_gateway::check_accounts() {
  std::uint64_t orders = 0, submitted = 0;
  for (const push_counters& c : worker_->counters()) {
    std::uint64_t ended = 0;
    for (const slot& s : c.ended) ended += s.value();
    if (c.orders.value() != ended + c.waiting.value() + c.in_flight.value()) {
      ledger_.violation("9: " + std::to_string(c.orders.value()) + " orders, " + std::to_string(ended) + " ended, " +
                        std::to_string(c.waiting.value()) + " wait, " + std::to_string(c.in_flight.value()) + " fly");
    }
    orders += c.orders.value();
    submitted += c.sent.value();
  }
  if (orders != taken_) ledger_.violation("9: the senders have lost count of their orders");
  if (life_ == 1 && truth_.requests_written() > submitted) ledger_.violation("9: more requests on the wire than were sent");
}

void http2_gateway::conclude() {
  worker_->pump(when_.now());
  check_accounts();
  truth_.conclude();
  std::uint64_t repeats = lives_ambiguous_;
  for (const push_counters& c : worker_->counters()) repeats += c.resent_ambiguous.value();
  if (life_ == 1 && truth_.ambiguous_repeats() > 0 && repeats == 0) {
    ledger_.violation("9: repeats that the counters do not know");
  }
  if (worker_->unanswered() > 0) ledger_.violation("8: " + std::to_string(worker_->unanswered()) + " pushes left at rest");
  for (const pns::provider p : {pns::provider::apns, pns::provider::fcm}) {
    const push_counters& c = worker_->counters()[static_cast<std::size_t>(p)];
    if (c.connections.value() == 0) ledger_.violation("8: no connection works to " + std::string(pns::name_of(p)));
    if (c.breakers_open.value() > 0) ledger_.violation("8: the breaker of " + std::string(pns::name_of(p)) + " stays open");
  }
}

}  // namespace reveille::world
