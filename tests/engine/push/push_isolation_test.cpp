// One app's or credential's trouble is its own: lanes, shares, holds, and what operators hear of it.
#include <gtest/gtest.h>

#include "tests/engine/push/push_stage.hpp"

namespace reveille::testing {
namespace {

using end_of_wire = push_stage::provider_end;

/// One credential with two apps: tokens of the first begin with `a`, of the second with `b`.
class PushApps : public ::testing::Test {
 protected:
  void start(push_limits limits = {}, http2::server_config server = push_stage::generous()) {
    s = std::make_unique<push_stage>(limits, server, 1, 2);
  }
  void submit(std::uint32_t number, std::uint32_t app, milliseconds lasts = milliseconds(30'000)) {
    pns::push_order o = s->order(number, lasts);
    o.target.tokens.front().value = prid((app == 0 ? "a" : "b") + std::to_string(number));
    s->worker->take(std::move(o), {0, 0, {app}}, s->now);
  }
  static bool is_a(const arrived_push& p) { return p.token.starts_with('a'); }
  const push_app_counters& app(std::size_t n) const { return *s->worker->apps().at(n).second.counters; }

  std::unique_ptr<push_stage> s;
};

TEST_F(PushApps, OneWhoseTopicIsDisallowedClosesNoOther) {
  push_limits l;
  l.breaker_failures = 5;
  start(l);
  s->policy = [](end_of_wire& e, const arrived_push& p) { e.answer(p, is_a(p) ? 400 : 200, is_a(p) ? "TopicDisallowed" : ""); };
  for (std::uint32_t i = 0; i < 40; ++i) {
    submit(i, 0);
    submit(100 + i, 1);
    s->settle();
  }
  for (std::uint32_t i = 0; i < 40; ++i) EXPECT_EQ(s->outcome(100 + i), "accepted") << i;
  EXPECT_EQ(s->outcome(0), "our_fault");
  EXPECT_EQ(s->outcome(39), "credential_fault");   // answered at once, without asking Apple again
  EXPECT_EQ(s->reasons[39], "breaker");
  EXPECT_EQ(app(0).breaker_open.value(), 1u);
  EXPECT_EQ(app(1).breaker_open.value(), 0u);
  EXPECT_EQ(app(0).reasons[pns::reason_index("TopicDisallowed")].value(), 5u);
  ASSERT_EQ(s->notices.size(), 1u);
  EXPECT_EQ(s->notices[0], "warning: cred-0, app-0: circuit breaker opened: TopicDisallowed");
}

TEST_F(PushApps, OneThatGetsNoAnswersLeavesStreamsToTheOther) {
  http2::server_config eight;
  eight.max_streams = 8;
  start({}, eight);
  s->policy = [](end_of_wire& e, const arrived_push& p) {
    if (!is_a(p)) e.answer(p, 200);
  };
  submit(1000, 1);
  s->settle();  // SETTINGS have come
  for (std::uint32_t i = 0; i < 100; ++i) submit(i, 0);
  s->settle();
  for (std::uint32_t i = 0; i < 50; ++i) submit(2000 + i, 1);
  s->settle();
  for (std::uint32_t i = 0; i < 50; ++i) EXPECT_EQ(s->outcome(2000 + i), "accepted") << i;
}

TEST_F(PushApps, HoweverManyGetNoAnswersSomeStreamsAreLeft) {
  http2::server_config forty = push_stage::generous();
  forty.max_streams = 40;
  s = std::make_unique<push_stage>(push_limits{}, forty, 1, 5);
  const auto submit_to = [&](std::uint32_t number, std::uint32_t to) {
    pns::push_order o = s->order(number);
    o.target.tokens.front().value = prid((to == 4 ? "b" : "a") + std::to_string(number));
    s->worker->take(std::move(o), {0, 0, {to}}, s->now);
  };
  s->policy = [](end_of_wire& e, const arrived_push& p) {
    if (!is_a(p)) e.answer(p, 200);
  };
  submit_to(9999, 4);
  s->settle();  // SETTINGS have come
  for (std::uint32_t i = 0; i < 400; ++i) submit_to(i, i % 4);  // four that are silent
  s->settle();
  for (std::uint32_t i = 0; i < 50; ++i) submit_to(1000 + i, 4);
  s->settle();
  for (std::uint32_t i = 0; i < 50; ++i) EXPECT_EQ(s->outcome(1000 + i), "accepted") << i;
}

TEST_F(PushApps, TheFullQueueOfOneDropsNothingOfTheOther) {
  push_limits l;
  l.calls_queued = 10;
  start(l);
  s->hold_connections = true;
  for (std::uint32_t i = 0; i < 50; ++i) submit(i, 0);
  for (std::uint32_t i = 0; i < 10; ++i) submit(100 + i, 1);
  EXPECT_EQ(s->ended(push_end::queue_full), 40u);
  s->hold_connections = false;
  s->settle();
  for (std::uint32_t i = 0; i < 10; ++i) EXPECT_EQ(s->outcome(100 + i), "accepted") << i;
}

TEST_F(PushApps, TakeTurns) {
  http2::server_config one;
  one.max_streams = 1;
  start({}, one);
  s->hold_connections = true;
  for (std::uint32_t i = 0; i < 200; ++i) submit(i, 0);
  for (std::uint32_t i = 0; i < 5; ++i) submit(1000 + i, 1);
  s->hold_connections = false;
  s->settle();
  std::size_t last_of_b = 0;
  for (std::size_t i = 0; i < s->arrived.size(); ++i) last_of_b = is_a(s->arrived[i]) ? last_of_b : i;
  EXPECT_LE(last_of_b, 10u);
  EXPECT_EQ(s->ended(push_end::accepted), 205u);
}

TEST_F(PushApps, AnAppsOwnRateLeavesTheOtherAlone) {
  s = std::make_unique<push_stage>(push_limits{}, push_stage::generous(), 1, 2, 10.0);
  for (std::uint32_t i = 0; i < 100; ++i) submit(i, 0);
  s->settle();
  EXPECT_EQ(s->arrived.size(), 10u);
  s->advance(milliseconds(500));
  EXPECT_LE(s->arrived.size(), 16u);
  s->advance(seconds(20));
  EXPECT_EQ(s->ended(push_end::accepted), 100u);
}

TEST_F(PushApps, OneWhoseBreakerCouldProbeSleepsAsLongAsTheCredentialIsHeld) {
  push_limits l;
  l.breaker_failures = 2;
  start(l);
  s->policy = [](end_of_wire& e, const arrived_push& p) {
    if (is_a(p)) return e.answer(p, 500, "InternalServerError");
    const http2::header retry[] = {{"retry-after", "20"}};
    e.session.respond(p.stream, 429, retry, R"({"reason":"TooManyProviderTokenUpdates"})");
  };
  submit(1, 0, seconds(60));
  submit(2, 0, seconds(60));
  submit(3, 1, seconds(60));
  s->advance(seconds(5));
  ASSERT_EQ(app(0).breaker_open.value(), 1u);
  const auto due = s->worker->next_due(s->now);
  ASSERT_TRUE(due);
  EXPECT_GT(*due, s->now.steady);   // else the thread spins
  s->policy = &push_stage::accept;
  s->advance(seconds(30));
  for (std::uint32_t i = 1; i <= 3; ++i) EXPECT_EQ(s->outcome(i), "accepted") << i;
}

TEST_F(PushApps, TokensThatAreAllBadRaiseAnAlarmOnce) {
  start();
  bool wrong = true;
  s->policy = [&](end_of_wire& e, const arrived_push& p) {
    e.answer(p, wrong && is_a(p) ? 400 : 200, wrong && is_a(p) ? "BadDeviceToken" : "");
  };
  for (std::uint32_t i = 0; i < 60; ++i) {
    submit(i, 0);
    submit(100 + i, 1);
  }
  s->settle();
  EXPECT_EQ(app(0).token_flood.value(), 1u);
  EXPECT_EQ(app(1).token_flood.value(), 0u);
  ASSERT_EQ(s->notices.size(), 1u);
  EXPECT_NE(s->notices[0].find("20 BadDeviceToken in a row"), std::string::npos);
  EXPECT_EQ(app(0).breaker_open.value(), 0u) << "a bad token is the device's";
  wrong = false;
  submit(500, 0);
  s->settle();
  EXPECT_EQ(app(0).token_flood.value(), 0u);
}

TEST_F(PushApps, AGoawayThatNamesItsReasonIsCountedAndTold) {
  start();
  s->settle();
  s->end(0).session.goaway(0, http2::error_code::no_error, R"({"reason":"BadDeviceToken"})");
  s->settle();
  EXPECT_EQ(s->worker->apps().at(0).second.shared->goaways[pns::reason_index("BadDeviceToken")].value(), 1u);
  ASSERT_EQ(s->notices.size(), 1u);
  EXPECT_EQ(s->notices[0], "warning: cred-0: the service closes a connection: BadDeviceToken");
}

TEST(PushCredentials, AFloodOfOneLeavesTheOtherItsTurn) {
  push_stage s({}, push_stage::generous(), 2);
  s.settle();
  for (std::uint32_t i = 0; i < 5000; ++i) s.submit(s.order(i), 0);
  s.submit(s.order(10'000), 1);
  s.worker->pump(s.now);   // one turn
  s.settle();
  std::size_t place = 0;
  while (s.arrived[place].id != "10000") ++place;
  EXPECT_LE(place, 256u);
  EXPECT_EQ(s.ended(push_end::accepted), 5001u);
}

TEST(PushCredentials, TooManyTokenUpdatesHoldsBackAllConnectionsOfTheKey) {
  push_stage s({}, push_stage::generous(), 2);
  const auto hold = std::make_shared<steady_time>();
  for (fake_credential* c : s.credentials) c->share_hold(hold);
  bool hot = true;
  s.policy = [&](end_of_wire& e, const arrived_push& p) {
    if (!hot) return e.answer(p, 200);
    const http2::header retry[] = {{"retry-after", "3"}};
    e.session.respond(p.stream, 429, retry, R"({"reason":"TooManyProviderTokenUpdates"})");
  };
  s.submit(s.order(1), 0);
  s.settle();
  hot = false;
  s.submit(s.order(2), 1);
  s.submit(s.order(3), 0);
  s.submit(s.order(4, seconds(2)), 1);
  s.settle();
  EXPECT_EQ(s.arrived.size(), 1u);
  EXPECT_EQ(s.outcome(4), "try_later");   // its call is over before the hold is
  EXPECT_EQ(s.reasons[4], "held");
  s.advance(milliseconds(3100));
  for (std::uint32_t i = 1; i <= 3; ++i) EXPECT_EQ(s.outcome(i), "accepted") << i;
}

TEST(PushCredentials, AHoldAnswersWhatWasQueuedAndCannotWait) {
  push_stage s;
  http2::server_config one;
  s.policy = [&](end_of_wire& e, const arrived_push& p) {
    const http2::header retry[] = {{"retry-after", "60"}};
    e.session.respond(p.stream, 429, retry, R"({"reason":"TooManyProviderTokenUpdates"})");
  };
  s.hold_connections = true;
  for (std::uint32_t i = 1; i <= 20; ++i) s.submit(s.order(i, seconds(30)));
  s.submit(s.order(99, seconds(90)));
  s.hold_connections = false;
  s.settle();
  for (std::uint32_t i = 1; i <= 20; ++i) EXPECT_EQ(s.outcome(i), "try_later") << i;
  EXPECT_EQ(s.outcome(99), "");
  s.policy = &push_stage::accept;
  s.advance(seconds(61));
  EXPECT_EQ(s.outcome(99), "accepted");
}

TEST(PushCredentials, SaysOncePerChangeWhyItCannotConnect) {
  push_stage s;
  s.refuse_connections = true;
  s.submit(s.order(1, seconds(300)));
  s.advance(seconds(20));
  ASSERT_GT(s.opens, 3);
  ASSERT_EQ(s.notices.size(), 1u);
  EXPECT_EQ(s.notices[0], "warning: cred-0: cannot connect to push.example (connect): nobody listens");
  s.refusal = open_failure::certificate;
  s.advance(seconds(20));
  ASSERT_EQ(s.notices.size(), 2u);
  s.refuse_connections = false;
  s.advance(seconds(40));
  ASSERT_EQ(s.notices.size(), 3u);
  EXPECT_EQ(s.notices[2], "info: cred-0: connected to push.example again");
  const auto& failures = s.worker->apps().at(0).second.shared->connect_failures;
  EXPECT_GT(failures[static_cast<std::size_t>(open_failure::connect)].value(), 0u);
  EXPECT_GT(failures[static_cast<std::size_t>(open_failure::certificate)].value(), 0u);
  EXPECT_EQ(s.outcome(1), "accepted");
}

TEST(PushCredentials, TellsThatNoAccessTokenIsToBeHadOnce) {
  push_stage s;
  s.credentials[0]->has_token = false;
  s.credentials[0]->wants_purchase = true;
  s.settle();
  s.worker->purchased(0, 400, "", s.now);
  s.credentials[0]->wants_purchase = true;
  s.settle();
  s.worker->purchased(0, 400, "", s.now);
  ASSERT_EQ(s.notices.size(), 1u);
  EXPECT_EQ(s.notices[0], "warning: cred-0: no access token: invalid_grant");
  s.worker->purchased(0, 200, "", s.now);
  ASSERT_EQ(s.notices.size(), 2u);
}

// --- the ramp (Google: from nothing to the quota in no less than a minute)

struct clocked_rate {
  explicit clocked_rate(double rate, rate_limit::ramp climb) : limit(rate, 100, now, climb) {}
  /// What gets through of `wanted` a second, over a second.
  std::uint64_t second(std::uint64_t wanted) {
    std::uint64_t n = 0;
    for (int step = 0; step < 100; ++step) {
      now += milliseconds(10);
      for (std::uint64_t i = 0; i < wanted / 100; ++i) n += limit.take(now) ? 1U : 0U;
    }
    return n;
  }
  steady_time now{seconds(5)};
  rate_limit limit;
};

TEST(QuotaRamp, OrdinaryLoadsAreNeverThrottled) {
  clocked_rate r(10'000, {1000, seconds(60)});
  for (int i = 0; i < 120; ++i) EXPECT_EQ(r.second(800), 800u) << i;
}

TEST(QuotaRamp, ReachesTheQuotaInNoLessThanAMinute) {
  clocked_rate r(10'000, {1000, seconds(60)});
  std::uint64_t seconds_taken = 0;
  for (; r.limit.allowed() < 9'999 && seconds_taken < 200; ++seconds_taken) r.second(20'000);
  EXPECT_GE(seconds_taken, 60u);
  EXPECT_LE(seconds_taken, 70u);
  EXPECT_GT(r.second(20'000), 9'500u);
}

TEST(QuotaRamp, FallsBackWhenItIsNotUsedAndAfterA429) {
  clocked_rate r(10'000, {1000, seconds(60)});
  for (int i = 0; i < 70; ++i) r.second(20'000);
  for (int i = 0; i < 30; ++i) r.second(100);
  EXPECT_LT(r.limit.allowed(), 6'000);
  r.limit.restart(r.now);
  EXPECT_LE(r.second(20'000), 1'200u);
}

TEST(QuotaRamp, NeedsNoRampToLimit) {
  clocked_rate r(500, {0, seconds(60)});
  r.second(20'000);
  EXPECT_LE(r.second(20'000), 501u);
  EXPECT_GE(r.second(20'000), 499u);
}

}  // namespace
}  // namespace reveille::testing
