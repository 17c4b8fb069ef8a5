// Faults that befall connections rather than requests, over real TLS: SETTINGS on a time line, slow and half-open peers,
// silence at the door, certificates out of their time.
#include "tests/mock_providers/server/tls_fixture.hpp"

namespace reveille::mock_providers {
namespace {

using StandingFaults = MockOverTls;

/// How opening a connection failed; nullopt = it is open, or nothing was heard within the time.
struct opened {
  bool open = false;
  std::optional<open_failure> failed;
};

class Door : public MockOverTls {
 protected:
  std::shared_ptr<tls_connection> open(opened& out) {
    return open_tls(
        io, time, tls("h2"), target(mock->endpoints().apns), {},
        [&](std::string_view, const auto&) {
          out.open = true;
          return std::make_unique<simple_client>(std::vector<outgoing>{}, unused);
        },
        [&](open_failure why, const std::string&) { out.failed = why; });
  }
  opened knock() {
    opened out;
    const auto connection = open(out);
    wait_until([&] { return out.open || out.failed; });
    connection->abort();
    io.restart();
    io.poll();
    return out;
  }
  void use(const char* script) { mock->use(fault_script::parse(script).value()); }
  outcome_log unused;
};

TEST_F(Door, ServesWithoutAScript) { EXPECT_TRUE(knock().open); }

TEST_F(Door, KeepsClientsWaitingInSilence) {
  use(R"([{"connections": {"accept": "silent"}}])");
  opened waiting;
  const auto connection = open(waiting);
  ASSERT_TRUE(wait_for_mock([](const mock_counters& c) { return c.connections_silent == 1; }));
  settle();
  EXPECT_FALSE(waiting.open || waiting.failed) << "neither served nor turned away";
  use("[]");
  ASSERT_TRUE(wait_until([&] { return waiting.failed.has_value(); })) << "reset when the silence is over";
  EXPECT_TRUE(knock().open) << "and served again";
}

TEST_F(Door, ResetsClientsAtOnce) {
  use(R"([{"connections": {"accept": "reset"}}])");
  EXPECT_TRUE(knock().failed);
}

TEST_F(Door, ShowsACertificateOutOfItsTime) {
  use(R"([{"connections": {"certificate": "expired"}}])");
  EXPECT_EQ(knock().failed, open_failure::certificate);
  use(R"([{"provider": "fcm", "connections": {"certificate": "expired"}}])");
  EXPECT_TRUE(knock().open) << "the other service's";
  use(R"([{"connections": {"certificate": {"expires_in": 3600}}}])");
  EXPECT_TRUE(knock().open) << "soon, not yet";
}

TEST_F(Door, ChangesOnTheTimeLine) {
  use(R"([{"from": 10, "until": 20, "connections": {"accept": "reset"}}])");
  pass(milliseconds(9'999));
  EXPECT_TRUE(knock().open);
  pass(milliseconds(1));
  EXPECT_TRUE(knock().failed);
  pass(seconds(10));
  EXPECT_TRUE(knock().open);
}

TEST_F(StandingFaults, LowersAndRestoresTheStreamLimitOfOpenConnections) {
  EXPECT_EQ(push(1, 1), (outcomes{"200"}));
  mock->use(fault_script::parse(R"([{"connections": {"max_concurrent_streams": 3}}])").value());
  ASSERT_TRUE(wait_until([this] { return log.peer_limit == 3; }));
  mock->use({});
  EXPECT_TRUE(wait_until([this] { return log.peer_limit == 1000; }));
}

TEST_F(StandingFaults, SetsTheLimitOfNewConnectionsToo) {
  mock->use(fault_script::parse(R"([{"connections": {"max_concurrent_streams": 2}}])").value());
  EXPECT_EQ(push(20, 20), outcomes(20, "200"));
  EXPECT_EQ(log.peer_limit, 2U) << "also after the first accepted push";
}

TEST_F(StandingFaults, ChangesSettingsAfterEveryNthPush) {
  mock->use(fault_script::parse(R"([{"every": 5, "settings": [{"max_concurrent_streams": 1},
                                                             {"max_concurrent_streams": 7}]}])").value());
  EXPECT_EQ(push(5, 5), outcomes(5, "200"));
  EXPECT_TRUE(wait_until([this] { return log.peer_limit == 1 && log.limits.size() > 1; }));
  for (int i = 0; i < 5; ++i) send_more(voip());
  EXPECT_TRUE(wait_until([this] { return log.outcomes.size() == 10 && log.peer_limit == 7; }));
  EXPECT_EQ(mock->counters().providers[0].settings_changes, 2U);
}

TEST_F(StandingFaults, TakesBodiesThroughATinyWindow) {
  mock->use(fault_script::parse(R"([{"connections": {"initial_window_size": 10}}])").value());
  EXPECT_EQ(push(3, 3), outcomes(3, "200"));
}

TEST_F(StandingFaults, HoldsItsWindowsUntilTheFaultIsOver) {
  EXPECT_EQ(push(1, 1), (outcomes{"200"}));
  ASSERT_TRUE(wait_until([this] { return log.peer_limit == 1000; }));
  const std::size_t settings = log.limits.size();
  mock->use(fault_script::parse(R"([{"connections": {"initial_window_size": 4, "hold_windows": true}}])").value());
  ASSERT_TRUE(wait_until([&] { return log.limits.size() > settings; }));
  send_more(voip());
  ping();
  ASSERT_TRUE(wait_until([this] { return log.pongs == 1; })) << "all that came before the PING was looked at";
  EXPECT_EQ(log.outcomes.size(), 1U) << "four octets of a body are no push";
  EXPECT_EQ(mock->counters().providers[0].requests, 1U);
  mock->use({});
  EXPECT_TRUE(wait_until([this] { return log.outcomes.size() == 2; }));
}

TEST_F(StandingFaults, StopsReadingAndGoesOnWhereItStopped) {
  EXPECT_EQ(push(1, 1), (outcomes{"200"}));
  mock->use(fault_script::parse(R"([{"connections": {"read": "stopped"}}])").value());
  send_more(voip());
  settle();
  EXPECT_EQ(log.outcomes.size(), 1U);
  EXPECT_EQ(mock->counters().providers[0].requests, 1U) << "it lies in the socket";
  mock->use({});
  EXPECT_TRUE(wait_until([this] { return log.outcomes.size() == 2; }));
  EXPECT_EQ(log.closed, 0);
}

TEST_F(StandingFaults, ReadsSlowly) {
  mock->use(fault_script::parse(R"([{"connections": {"read": {"octets_per_second": 25000}}}])").value());
  std::vector<outgoing> big(4, voip());
  for (outgoing& o : big) o.body = "{\"aps\":{},\"pad\":\"" + std::string(5000, 'x') + "\"}";
  const instant begin = mock_time.now();
  send(mock->endpoints().apns, big, 0);
  for (int i = 0; i < 10'000 && log.outcomes.size() < 4; ++i) {
    settle();
    pass(milliseconds(10));
  }
  EXPECT_EQ(log.outcomes, outcomes(4, "200"));
  EXPECT_GE(mock_time.now().steady - begin.steady, milliseconds(200)) << "5 KB and more at 25 KB/s before the last piece";
}

TEST_F(StandingFaults, PromisesNotToHaveJudgedWhatStandsAboveAGoaway) {
  mock->use(fault_script::parse(R"([{"every": 5, "goaway": {"reason": "Shutdown", "drop_unjudged": true}}])").value());
  push(1, 1);  // SETTINGS are up
  for (int i = 0; i < 20; ++i) send_more(voip());
  ASSERT_TRUE(wait_until([this] { return log.outcomes.size() == 21; }));
  const auto accepted = static_cast<std::uint64_t>(std::count(log.outcomes.begin(), log.outcomes.end(), "200"));
  EXPECT_EQ(mock->counters().providers[0].accepted, accepted);
  EXPECT_EQ(accepted + static_cast<std::uint64_t>(std::count_if(log.outcomes.begin(), log.outcomes.end(),
                                                                [](const std::string& o) { return o.starts_with("lost refused") || o.starts_with("lost unsent"); })),
            21U) << "none ambiguous";
  EXPECT_LT(accepted, 21U);
}

TEST_F(StandingFaults, MakesTheTokenEndpointFail) {
  mock->use(fault_script::parse(R"([{"provider": "oauth", "answer": {"status": 503, "reason": "internal_failure"}}])").value());
  EXPECT_EQ(purchase(test_keys(), mock->endpoints().token_url).status, 503);
}

}  // namespace
}  // namespace reveille::mock_providers
