// Real TLS and HTTP/2 on port 0: what the pure tests cannot show.
#include "mock_providers/server/server.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <boost/asio/io_context.hpp>
#include <future>
#include <mutex>

#include "core/system_ports.hpp"
#include "net/http2/client_session.hpp"
#include "net/tls/tls_connection.hpp"
#include "net/tls/tls_context.hpp"
#include "tests/mock_providers/backend_fixture.hpp"

namespace reveille::mock_providers {
namespace {

struct push_tally {
  int accepted = 0, refused = 0, lost = 0;
  std::uint32_t most_streams = 0;
  std::string goaway;
};

/// A client that sends `count` voip pushes as fast as the peer's SETTINGS allow, then stops its io_context.
class pusher final : public byte_session, private http2::client_listener {
 public:
  pusher(boost::asio::io_context& io, std::string bearer, int count)
      : io_(io), bearer_(std::move(bearer)), left_(count), session_(*this, {}) {
    fill();
  }
  void receive(std::span<const std::uint8_t> bytes, const instant&) override { session_.receive(bytes); }
  void produce(std::vector<std::uint8_t>& out, std::size_t limit) override { session_.produce(out, limit); }
  bool finished() const override { return session_.finished(); }
  void closed(const instant&) override {
    session_.disconnect();
    io_.stop();
  }

  static inline push_tally seen;  // the connection owns its session, so the test reads from here

 private:
  void fill() {
    for (; left_ > 0 && session_.capacity() > 0; --left_) {
      const http2::header headers[] = {{"apns-topic", "com.example.phone.voip"}, {"apns-push-type", "voip"},
                                       {"apns-priority", "10"},                  {"apns-expiration", "0"},
                                       {"authorization", bearer_, http2::indexing::never}};
      session_.submit({"POST", "https", "localhost", "/3/device/aabbcc", headers, "{\"aps\":{}}"}, 0);
      ++open_;
    }
    seen.most_streams = std::max(seen.most_streams, static_cast<std::uint32_t>(session_.open_streams()));
  }
  void done() {
    fill();
    if (--open_ == 0 && (left_ == 0 || session_.going_away())) io_.stop();
  }
  void answered(std::uint64_t, const http2::response& answer) override {
    ++(answer.status == 200 ? seen.accepted : seen.refused);
    done();
  }
  void lost(std::uint64_t, http2::loss, std::uint32_t) override {
    ++seen.lost;
    done();
  }
  void settings_changed() override { fill(); }
  void goaway_received(const http2::goaway_notice& notice) override { seen.goaway = notice.debug_data; }
  void pong() override {}

  boost::asio::io_context& io_;
  std::string bearer_;
  int left_;
  int open_ = 0;
  http2::client_session session_;
};

class MockServer : public ::testing::Test {
 protected:
  struct counting_sink final : device_sink {
    void deliver(const delivery& what) override {
      const std::lock_guard lock(mutex);
      tokens.emplace_back(what.token);
    }
    std::mutex mutex;
    std::vector<std::string> tokens;
  };

  void start(behaviour how = {}) {
    how.delivery = {};
    server_config config;
    config.behaviour = how;
    mock = server::start(config, test_keys(), &sink).value();
  }
  push_tally push(int count) {
    pusher::seen = {};
    boost::asio::io_context io;
    system_clock_port time;
    tls_client_config tls;
    tls.ca_pem = test_keys().ca_pem;
    pns::bearer_token token("ABC123DEFG", "DEF123GHIJ", pns::signing_key::from_pem(test_keys().apns_key_pem).value());
    const std::string bearer(*token.authorization(time.now()));
    std::string failure;
    const auto connection = open_tls(
        io, time, tls_context::make_client(tls).value(), {"localhost", mock->endpoints().apns, "127.0.0.1", "", 0, {}}, {},
        [&](std::string_view, const auto&) { return std::make_unique<pusher>(io, bearer, count); },
        [&](open_failure, const std::string& what) {
          failure = what;
          io.stop();
        });
    io.run_for(seconds(30));
    EXPECT_EQ(failure, "");
    const push_tally out = pusher::seen;
    connection->abort();
    io.restart();
    io.run_for(seconds(5));
    return out;
  }
  counting_sink sink;
  std::unique_ptr<server> mock;
};

TEST_F(MockServer, TakesPushesOverTlsAndTellsTheDevice) {
  start();
  const auto out = push(200);
  EXPECT_EQ(out.accepted, 200);
  EXPECT_GT(out.most_streams, 1U) << "SETTINGS were raised after the first";
  EXPECT_EQ(mock->counters().providers[0].accepted, 200U);
  EXPECT_EQ(mock->record().size(), 200U);
  const std::lock_guard lock(sink.mutex);
  EXPECT_EQ(sink.tokens.size(), 200U);
}

TEST_F(MockServer, SaysGoodbyeInJson) {
  start();
  mock->use(fault_script::parse(R"([{"every": 5, "goaway": "Shutdown"}])").value());
  const auto out = push(5);
  EXPECT_NE(out.goaway.find("\"reason\":\"Shutdown\""), std::string::npos);
}

TEST_F(MockServer, FeedsAnotherProcessOverItsControlPort) {
  start();
  remembering_sink far;
  auto stream = delivery_stream::connect("127.0.0.1", mock->endpoints().control, far).value();
  ASSERT_TRUE(stream->set_reachable(pns::provider::apns, "aabbcc", true));
  pollfd wait{stream->descriptor(), POLLIN, 0};
  ASSERT_EQ(::poll(&wait, 1, 10'000), 1);  // the answers to both commands: now we are subscribed
  push(20);
  while (far.all.size() < 20 && ::poll(&wait, 1, 10'000) == 1 && stream->read()) {
  }
  EXPECT_EQ(far.all.size(), 20U);
  EXPECT_EQ(stream->malformed(), 0U);
}

TEST_F(MockServer, ClosesWithConnectionsOpen) {
  start();
  push(1);
  mock->drop_connections();
  mock.reset();
}

}  // namespace
}  // namespace reveille::mock_providers
