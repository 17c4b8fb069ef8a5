/// Connections that the service ends soon: one is replaced at once, many in a row are not opened push by push.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/engine/push/push_stage.hpp"

namespace reveille::testing {
namespace {

using end_of_wire = push_stage::provider_end;

/// Far below the 200 pushes of the ten seconds, and above what the pauses allow: 250 ms doubling to 5 s.
constexpr int few_connections = 15;
constexpr std::uint32_t pushes = 200;

push_limits with_spare() {
  push_limits l;
  l.spare_connections = 1;
  return l;
}

void farewell(end_of_wire& e) {
  e.session.goaway(e.session.latest_stream(), http2::error_code::no_error, R"({"reason":"Shutdown"})");
}

/// 20 pushes a second for ten seconds.
void ten_seconds(push_stage& s) {
  for (std::uint32_t n = 1; n <= pushes; ++n) {
    s.submit(n);
    s.advance(milliseconds(50));
  }
}

long said(const push_stage& s, std::string_view what) {
  return std::count_if(s.notices.begin(), s.notices.end(),
                       [&](const std::string& n) { return n.find(what) != std::string::npos; });
}

std::uint64_t pauses(const push_stage& s) { return s.worker->apps().at(0).second.shared->reconnect_pauses.value(); }

TEST(PushReconnects, ASingleGoawayCostsNoDelay) {
  push_stage s;
  s.submit(1);
  s.settle();
  farewell(s.end(0));
  s.settle();
  s.submit(2);
  s.settle();  // no time has passed
  EXPECT_EQ(s.outcome(2), "accepted");
  EXPECT_EQ(s.opens, 2);
  EXPECT_EQ(pauses(s), 0u);
}

TEST(PushReconnects, ASingleExpiredTokenCostsNoDelay) {
  push_stage s;
  s.credentials[0]->binds_connection = true;
  s.policy = [](end_of_wire& e, const arrived_push& p) {
    e.answer(p, e.number == 0 ? 403 : 200, e.number == 0 ? "ExpiredProviderToken" : "");
  };
  s.submit(1);
  s.settle();
  EXPECT_EQ(s.outcome(1), "accepted");
  EXPECT_EQ(s.opens, 2);
  EXPECT_EQ(pauses(s), 0u);
}

TEST(PushReconnects, AServiceThatEndsAllConnectionsAtOnceGetsAllAnewAtOnce) {
  push_limits l = with_spare();
  l.connections = l.warm_connections = 4;
  push_stage s(l);
  s.settle();
  ASSERT_EQ(s.opens, 5);
  s.advance(seconds(6));  // they have lasted, though nothing was sent yet
  for (int i = 0; i < 5; ++i) farewell(s.end(i));
  s.settle();
  EXPECT_EQ(s.opens, 10);
  EXPECT_EQ(s.counters().connections.value(), 5u);
  EXPECT_EQ(pauses(s), 0u);
}

TEST(PushReconnects, AGoawayAfterEachPushOpensFewConnectionsAndLosesNothing) {
  for (const push_limits& l : {push_limits{}, with_spare()}) {
    push_stage s(l);
    bool storm = true;
    s.policy = [&](end_of_wire& e, const arrived_push& p) {
      e.answer(p, 200);
      if (storm) farewell(e);
    };
    ten_seconds(s);
    EXPECT_LE(s.opens, few_connections);
    EXPECT_GE(s.opens, 5) << "the service must be tried again";
    EXPECT_GT(pauses(s), 3u);
    EXPECT_EQ(said(s, "after a few pushes"), 1);
    storm = false;
    s.advance(seconds(30));
    EXPECT_EQ(s.ended(push_end::accepted), pushes);
    for (const auto& [number, n] : s.answers) EXPECT_EQ(n, 1) << number;
    EXPECT_EQ(said(s, "last again"), 1);
    EXPECT_EQ(s.counters().connections.value(), 1u + l.spare_connections);
  }
}

TEST(PushReconnects, APushThatTheServiceNeverTakesEndsWithItsDeadline) {
  push_stage s;
  s.policy = [](end_of_wire& e, const arrived_push&) {
    e.session.goaway(0, http2::error_code::no_error, "");  // not even this one was processed
  };
  ten_seconds(s);
  s.advance(seconds(31));
  EXPECT_LE(s.opens, 2 * few_connections);  // in 41 s
  EXPECT_EQ(s.outcomes.size(), pushes);
  for (const auto& [number, n] : s.answers) EXPECT_EQ(n, 1) << number;
  EXPECT_EQ(s.ended(push_end::accepted), 0u);
}

TEST(PushReconnects, AnExpiredTokenForEachPushOpensFewConnections) {
  for (const bool may_renew : {true, false}) {
    for (const std::uint32_t breaker : {10u, 1'000'000u}) {  // with the circuit breaker's help, and without
      push_limits l = with_spare();
      l.breaker_failures = breaker;
      push_stage s(l);
      s.credentials[0]->may_renew = may_renew;
      s.policy = [](end_of_wire& e, const arrived_push& p) { e.answer(p, 403, "ExpiredProviderToken"); };
      ten_seconds(s);
      EXPECT_LE(s.opens, few_connections) << may_renew << ' ' << breaker;
      s.advance(seconds(31));
      EXPECT_EQ(s.outcomes.size(), pushes);
      for (const auto& [number, n] : s.answers) EXPECT_EQ(n, 1) << number;
    }
  }
}

TEST(PushReconnects, AnExpiredTokenThatMayNotBeRenewedOpensTheBreaker) {
  push_limits l;
  l.breaker_failures = 3;
  push_stage s(l);
  s.credentials[0]->may_renew = false;
  s.policy = [](end_of_wire& e, const arrived_push& p) { e.answer(p, 403, "ExpiredProviderToken"); };
  for (std::uint32_t n = 1; n <= 3; ++n) s.submit(n);
  s.advance(seconds(2));
  EXPECT_EQ(s.counters().breaker_opened.value(), 1u);
  EXPECT_EQ(s.outcome(3), "credential_fault");
}

TEST(PushReconnects, ACloseAfterEachAnswerOpensFewConnections) {
  push_stage s;
  bool storm = true;
  s.policy = [&](end_of_wire& e, const arrived_push& p) {
    e.answer(p, 200);
    e.cut = false;
    if (storm) ++e.pings;  // marks it: cut once the answer has left
  };
  for (std::uint32_t n = 1; n <= pushes; ++n) {
    s.submit(n);
    s.settle();
    for (auto& [id, e] : s.ends) e->cut = e->pings > 0;
    s.advance(milliseconds(50));
  }
  EXPECT_LE(s.opens, few_connections);
  EXPECT_GT(pauses(s), 3u);
  storm = false;
  s.advance(seconds(30));
  EXPECT_EQ(s.ended(push_end::accepted), pushes);
}

TEST(PushReconnects, ConnectionsThatHaveServedAreReplacedAtOnce) {
  push_stage s;
  std::map<int, std::uint32_t> carried;
  s.policy = [&](end_of_wire& e, const arrived_push& p) {
    e.answer(p, 200);
    if (++carried[e.number] == push_limits{}.connection_worth + 1) farewell(e);
  };
  for (std::uint32_t n = 1; n <= 1000; ++n) {
    s.submit(n);
    s.settle();
    ASSERT_EQ(s.outcome(n), "accepted") << n;
  }
  EXPECT_EQ(s.opens, 10);
  EXPECT_EQ(pauses(s), 0u);
}

}  // namespace
}  // namespace reveille::testing
