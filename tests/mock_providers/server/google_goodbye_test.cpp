// How Google's front end ends connections, and its words for it (PROVIDERS 2.4), over real TLS.
#include "mock_providers/server/ping_guard.hpp"
#include "tests/mock_providers/server/tls_fixture.hpp"

namespace reveille::mock_providers {
namespace {

constexpr steady_time zero{};

TEST(PingGuard, TakesTheThirdHastyPingForTooMany) {
  ping_guard guard(seconds(300));
  EXPECT_FALSE(guard.pinged(zero));
  EXPECT_FALSE(guard.pinged(zero + seconds(10)));
  EXPECT_FALSE(guard.pinged(zero + seconds(20)));
  EXPECT_TRUE(guard.pinged(zero + seconds(30)));
  EXPECT_FALSE(guard.pinged(zero + seconds(31))) << "it is said once";
}

TEST(PingGuard, ForgivesThoseWhoTakeTheirTimeOrHaveWork) {
  ping_guard patient(seconds(300));
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(patient.pinged(zero + seconds(300 * i)));
  ping_guard busy(seconds(300));
  for (int i = 0; i < 20; ++i) {
    EXPECT_FALSE(busy.pinged(zero + seconds(i)));
    if (i % 2 == 1) busy.answered();
  }
  ping_guard off{nanoseconds(0)};
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(off.pinged(zero));
}

class GoogleGoodbye : public MockOverTls {
 protected:
  void push_to_google(std::size_t count, std::size_t expected) {
    if (access.empty()) access = bearer();
    send(mock->endpoints().google, std::vector<outgoing>(count, fcm(access)), expected);
  }
  std::string access;
};

TEST_F(GoogleGoodbye, SaysTooManyPings) {
  push_to_google(1, 1);
  for (int i = 0; i < 4; ++i) ping();
  ASSERT_TRUE(wait_until([this] { return !log.goodbyes.empty(); }));
  EXPECT_EQ(log.goodbyes, (std::vector<std::string>{"11 too_many_pings"}));
  EXPECT_EQ(mock->counters().providers[2].goaways, 1U);
}

TEST_F(GoogleGoodbye, MindsNoPingsOfApplesClients) {
  push(1, 1);
  for (int i = 0; i < 10; ++i) ping();
  ASSERT_TRUE(wait_until([this] { return log.pongs == 10; }));
  EXPECT_TRUE(log.goodbyes.empty());
}

TEST_F(GoogleGoodbye, SaysSessionTimedOutToTheIdle) {
  behaviour how;
  how.google_idle_limit = seconds(240);
  start(how);
  access.clear();
  push_to_google(1, 1);
  pass(seconds(239));
  settle();
  EXPECT_TRUE(log.goodbyes.empty());
  pass(seconds(2));
  ASSERT_TRUE(wait_until([this] { return !log.goodbyes.empty() && log.closed == 1; }));
  EXPECT_EQ(log.goodbyes.front(), "0 session_timed_out");
}

TEST_F(GoogleGoodbye, LetsNobodyGoWhoWaitsForAnAnswer) {
  behaviour how;
  how.google_idle_limit = seconds(240);
  start(how, R"([{"silence": true}])");
  access.clear();
  push_to_google(1, 0);
  ASSERT_TRUE(wait_for_mock([](const mock_counters& c) { return c.providers[2].silenced == 1; }));
  pass(seconds(1000));
  settle();
  EXPECT_TRUE(log.goodbyes.empty());
}

TEST_F(GoogleGoodbye, SaysExceededMaxConcurrentStreams) {
  // A client that minds no limit: frames by hand, HPACK without a table. Two streams are allowed and acknowledged.
  behaviour how;
  how.google_max_streams = 2;
  start(how, R"([{"silence": true}])");
  struct careless final : byte_session {
    std::string to_send = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + std::string("\0\0\0\4\0\0\0\0\0", 9);
    std::string& got;
    bool& gone;
    int step = 0;
    careless(std::string& g, bool& end) : got(g), gone(end) {}
    void receive(std::span<const std::uint8_t> bytes, const instant&) override {
      got.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      if (step++ > 0) return;
      to_send += std::string("\0\0\0\4\1\0\0\0\0", 9);   // SETTINGS, ACK
      for (const char stream : {'\1', '\3', '\5'}) {      // HEADERS, END_HEADERS: POST https / with a body to come
        to_send += std::string("\0\0\3\1\4\0\0\0", 8) + stream + "\x83\x87\x84";
      }
    }
    void produce(std::vector<std::uint8_t>& out, std::size_t) override {
      out.insert(out.end(), to_send.begin(), to_send.end());
      to_send.clear();
    }
    bool finished() const override { return false; }
    void closed(const instant&) override { gone = true; }
  };
  std::string got;
  bool gone = false;
  line = open_tls(
      io, time, tls("h2"), target(mock->endpoints().google), {},
      [&](std::string_view, const auto&) { return std::make_unique<careless>(got, gone); },
      [&](open_failure, const std::string& what) { ADD_FAILURE() << what; });
  ASSERT_TRUE(wait_until([&] { return gone; }));
  line.reset();
  const std::size_t at = got.find("exceeded_max_concurrent_streams");
  ASSERT_NE(at, std::string::npos);
  EXPECT_EQ(got[at - 1], '\1') << "PROTOCOL_ERROR";
  EXPECT_EQ(got.find("max concurrent streams exceeded"), std::string::npos) << "no second GOAWAY with the library's words";
}

TEST_F(GoogleGoodbye, GivesGooglesWordsTheirCodesInScriptsToo) {
  const std::pair<const char*, const char*> rows[] = {{"exceeded_max_concurrent_streams", "1 exceeded_max_concurrent_streams"},
                                                      {"too_many_pings", "11 too_many_pings"},
                                                      {"session_timed_out", "0 session_timed_out"},
                                                      {"something_else", "0 something_else"}};
  access = bearer();
  for (const auto& [words, said] : rows) {
    mock->use(fault_script::parse(std::string(R"([{"provider": "fcm", "goaway": ")") + words + "\"}]").value());
    push_to_google(1, 1);
    EXPECT_TRUE(wait_until([this] { return !log.goodbyes.empty(); }));
    EXPECT_EQ(log.goodbyes, (std::vector<std::string>{said}));
  }
  mock->use(fault_script::parse(R"([{"goaway": {"reason": "too_many_pings", "code": "internal_error"}}])").value());
  push_to_google(1, 1);
  EXPECT_TRUE(wait_until([this] { return !log.goodbyes.empty(); }));
  EXPECT_EQ(log.goodbyes.front(), "2 too_many_pings") << "what the script says holds";
}

}  // namespace
}  // namespace reveille::mock_providers
