/// A mock server on port 0 and a client of one connection, over real TLS.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include <atomic>
#include <deque>
#include <functional>

#include "core/system_ports.hpp"
#include "mock_providers/server/server.hpp"
#include "net/http1/post_exchange.hpp"
#include "net/http2/client_session.hpp"
#include "net/tls/tls_connection.hpp"
#include "net/tls/tls_context.hpp"
#include "pns/access_token.hpp"
#include "tests/mock_providers/backend_fixture.hpp"

namespace reveille::mock_providers {

struct outgoing {
  std::string path;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

/// Moved by the test alone, read on the mock's thread.
class hand_clock final : public clock {
 public:
  instant now() const override { return start_ + nanoseconds(passed_.load()); }
  void pass(nanoseconds d) { passed_ += d.count(); }

 private:
  const instant start_ = system_clock_port().now();
  std::atomic<std::int64_t> passed_{0};
};

/// What became of the requests of one connection; outlives it. "200", "lost refused 7", ...
struct outcome_log {
  std::vector<std::string> outcomes;
  std::vector<std::string> bodies;
  std::vector<std::uint32_t> limits;   ///< the peer's stream limit, whenever its SETTINGS came
  std::vector<std::string> goodbyes;   ///< GOAWAYs: code and debug data
  std::uint32_t peer_limit = 0;
  int pongs = 0;
  int closed = 0;
};

class simple_client final : public byte_session, private http2::client_listener {
 public:
  simple_client(const std::vector<outgoing>& requests, outcome_log& log)
      : requests_(requests.begin(), requests.end()), log_(log), session_(*this, {}) {
    fill();
  }
  void receive(std::span<const std::uint8_t> bytes, const instant&) override {
    session_.receive(bytes);
    fill();   // an answered stream counts until its callback has returned
  }
  void produce(std::vector<std::uint8_t>& out, std::size_t limit) override { session_.produce(out, limit); }
  bool finished() const override { return session_.finished(); }
  void closed(const instant&) override {
    session_.disconnect();
    ++log_.closed;
  }
  void ping() { session_.ping(); }
  void add(outgoing request) {
    requests_.push_back(std::move(request));
    fill();
  }

 private:
  void fill() {
    for (; next_ < requests_.size() && session_.capacity() > 0; ++next_) {
      const outgoing& r = requests_[next_];
      std::vector<http2::header> headers;
      for (const auto& [name, value] : r.headers) headers.push_back({name, value});
      session_.submit({"POST", "https", "localhost", r.path, headers, r.body}, next_);
    }
  }
  void answered(std::uint64_t, const http2::response& a) override {
    log_.outcomes.push_back(std::to_string(a.status));
    log_.bodies.emplace_back(a.body);
    fill();
  }
  void lost(std::uint64_t, http2::loss how, std::uint32_t code) override {
    const char* const names[] = {"unsent", "refused", "ambiguous"};
    log_.outcomes.push_back(std::string("lost ") + names[static_cast<int>(how)] + " " + std::to_string(code));
    fill();
  }
  void settings_changed() override {
    log_.peer_limit = session_.stream_limit();
    log_.limits.push_back(log_.peer_limit);
    fill();
  }
  void goaway_received(const http2::goaway_notice& notice) override {
    log_.goodbyes.push_back(std::to_string(notice.code) + " " + std::string(notice.debug_data));
  }
  void pong() override { ++log_.pongs; }

  std::deque<outgoing> requests_;   ///< the session keeps views of their bodies
  std::size_t next_ = 0;
  outcome_log& log_;
  http2::client_session session_;
};

class MockOverTls : public ::testing::Test {
 protected:
  explicit MockOverTls(std::string_view script = "[]") {
    start({}, script);
  }
  void start(behaviour how, std::string_view script = "[]") {
    server_config config;
    config.behaviour = how;
    config.behaviour.delivery = {};
    config.time = &mock_time;
    mock = server::start(config, test_keys(), nullptr).value();
    mock->use(fault_script::parse(script).value());
  }
  ~MockOverTls() override {
    if (line) line->abort();
    io.restart();
    io.run_for(seconds(5));
  }

  bool wait_until(const std::function<bool()>& holds) {
    const steady_time end = time.now().steady + seconds(30);
    io.restart();
    while (!holds() && time.now().steady < end) {
      if (io.run_one_for(seconds(1)) == 0) io.restart();
    }
    return holds();
  }
  /// The mock's time moves on.
  void pass(nanoseconds d) {
    mock_time.pass(d);
    mock->turn();
  }
  /// Until all that is under way between client and mock has arrived and been looked at: the octets of a loopback socket
  /// are there when send() returns, and each of the mock's turns looks at its sockets.
  void settle() {
    for (int i = 0; i < 5; ++i) {
      io.restart();
      io.poll();
      mock->counters();
    }
  }
  /// As wait_until(), for what the mock says of itself.
  bool wait_for_mock(const std::function<bool(const mock_counters&)>& holds) {
    const steady_time end = time.now().steady + seconds(30);
    while (!holds(mock->counters()) && time.now().steady < end) settle();
    return holds(mock->counters());
  }
  void ping() {
    client->ping();
    line->wake();
  }
  tls_target target(std::uint16_t port) const { return {"localhost", port, "127.0.0.1", "", 0, {}}; }
  std::shared_ptr<const tls_context> tls(const char* alpn) const {
    tls_client_config c;
    c.ca_pem = test_keys().ca_pem;
    c.alpn = {alpn};
    c.certificate_pem = own.certificate_pem;
    c.private_key_pem = own.private_key_pem;
    return tls_context::make_client(c).value();
  }
  /// Sends them on one connection and waits until `expected` have an outcome.
  std::vector<std::string> send(std::uint16_t port, std::vector<outgoing> requests, std::size_t expected) {
    if (line) line->abort();
    wait_until([this] { return !line || log.closed > 0; });
    log = {};
    line = open_tls(
        io, time, tls("h2"), target(port), {},
        [this, requests](std::string_view, const auto&) {
          auto made = std::make_unique<simple_client>(requests, log);
          client = made.get();
          return made;
        },
        [&](open_failure, const std::string& what) { ADD_FAILURE() << what; });
    EXPECT_TRUE(wait_until([&] { return log.outcomes.size() >= expected; }));
    return log.outcomes;
  }
  /// On the connection that send() opened.
  void send_more(outgoing request) {
    client->add(std::move(request));
    line->wake();
  }
  http1::post_answer post(const http1::post_request& what) {
    std::optional<http1::post_answer> got;
    bool gone = false;
    const auto connection = open_tls(
        io, time, tls("http/1.1"), target(mock->endpoints().google), {},
        [&](std::string_view, const auto&) {
          return http1::make_post(what, 16 * 1024, [&](http1::post_answer a, const instant&) { got = std::move(a); });
        },
        [&](open_failure, const std::string& fault) {
          ADD_FAILURE() << fault;
          gone = true;
        });
    wait_until([&] { return got || gone; });
    return got.value_or(http1::post_answer{});
  }

  /// With the same bearer token each time, as Apple wants it.
  outgoing voip() {
    if (apple_bearer.empty()) {
      pns::bearer_token token("ABC123DEFG", "DEF123GHIJ", pns::signing_key::from_pem(test_keys().apns_key_pem).value());
      apple_bearer = *token.authorization(time.now());
    }
    return {"/3/device/aabbcc",
            {{"apns-topic", "com.example.phone.voip"},
             {"apns-push-type", "voip"},
             {"apns-priority", "10"},
             {"apns-expiration", "0"},
             {"authorization", apple_bearer}},
            "{\"aps\":{}}"};
  }
  std::vector<std::string> push(std::size_t count, std::size_t expected) {
    return send(mock->endpoints().apns, std::vector<outgoing>(count, voip()), expected);
  }

  /// Google's answer to a service account that wants an access token.
  http1::post_answer purchase(const credentials& with, const std::string& audience) {
    const auto account = pns::service_account::parse(service_account_json({}, with, audience)).value();
    return post({"localhost", "/token", "application/x-www-form-urlencoded",
                 pns::access_token_request(account, time.now().wall).value(), {}});
  }
  std::string bearer() {
    const http1::post_answer a = purchase(test_keys(), mock->endpoints().token_url);
    const instant now = time.now();
    pns::access_token token;
    token.wants_request(now);
    token.answered(a.status, a.body, now, random);
    return std::string(token.authorization(now));
  }
  static constexpr const char* message =
      R"({"message":{"token":"cdefghijk:APA91bExample","data":{"type":"invite"},"android":{"priority":"HIGH","ttl":"28s"}}})";
  static outgoing fcm(const std::string& authorization, const std::string& project = "reveille-mock") {
    return {"/v1/projects/" + project + "/messages:send",
            {{"authorization", authorization}, {"content-type", "application/json"}},
            message};
  }

  boost::asio::io_context io;
  system_clock_port time;
  seeded_random random{5};
  hand_clock mock_time;
  std::unique_ptr<server> mock;
  std::shared_ptr<tls_connection> line;
  outcome_log log;
  std::string apple_bearer;
  certificate_pair own;   ///< shown by the client, if any
  simple_client* client = nullptr;   ///< lives as long as `line` is open
};

using outcomes = std::vector<std::string>;

}  // namespace reveille::mock_providers
