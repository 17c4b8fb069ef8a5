#include <gtest/gtest.h>

#include "tests/engine/push/push_stage.hpp"

namespace reveille::testing {
namespace {

using end_of_wire = push_stage::provider_end;

push_limits two_connections() {
  push_limits l;
  l.connections = l.warm_connections = 2;
  return l;
}

TEST(PushSender, SendsAPushAndReportsThatItWasAccepted) {
  push_stage s;
  s.submit(1);
  s.settle();
  EXPECT_EQ(s.outcome(1), "accepted");
  EXPECT_EQ(s.arrived.at(0).token, "t1");
  EXPECT_EQ(s.counters().sent.value(), 1u);
  EXPECT_EQ(s.worker->unanswered(), 0u);
}

TEST(PushSender, OpensItsWarmConnectionsBeforeThereIsAnythingToSend) {
  push_stage s(two_connections());
  s.settle();
  EXPECT_EQ(s.opens, 2);
  EXPECT_EQ(s.counters().connections.value(), 2u);
}

TEST(PushSender, SendsTheFirstPushAloneUntilSettingsAllowMore) {
  http2::server_config one;
  one.max_streams = 1;
  push_stage s({}, one);
  std::vector<arrived_push> held;
  s.policy = [&](end_of_wire&, const arrived_push& p) { held.push_back(p); };
  for (std::uint32_t i = 1; i <= 50; ++i) s.submit(i);
  s.settle();
  ASSERT_EQ(held.size(), 1u);
  s.policy = &push_stage::accept;
  s.end(0).answer(held[0], 200);
  s.end(0).session.set_max_streams(500);
  s.settle();
  EXPECT_EQ(s.ended(push_end::accepted), 50u);
  EXPECT_EQ(s.counters().resent_unprocessed.value(), 0u);  // nothing was ever refused
  for (const auto& [id, n] : s.arrivals) EXPECT_EQ(n, 1) << id;
}

TEST(PushSender, FollowsSettingsDownToOneAndUpAgain) {
  push_stage s;
  s.submit(1);
  s.settle();
  s.policy = nullptr;
  s.end(0).session.set_max_streams(1);
  s.settle();
  for (std::uint32_t i = 2; i <= 10; ++i) s.submit(i);
  s.settle();
  EXPECT_EQ(s.arrived.size(), 2u);
  s.policy = &push_stage::accept;
  s.end(0).answer(s.arrived.at(1), 200);
  s.end(0).session.set_max_streams(100);
  s.settle();
  EXPECT_EQ(s.ended(push_end::accepted), 10u);
}

TEST(PushSender, SendsCallsBeforeMissedCallsAndTheEarliestDeadlineFirst) {
  push_stage s;
  s.hold_connections = true;
  s.submit(s.missed(1));
  s.submit(s.order(2, seconds(20)));
  s.submit(s.order(3, seconds(10)));
  s.submit(s.missed(4, seconds(5)));
  s.submit(s.order(5, seconds(15)));
  s.settle();
  s.hold_connections = false;
  http2::server_config one;
  s.server_config.max_streams = 1;
  s.settle();
  std::vector<std::string> sequence;
  for (const auto& p : s.arrived) sequence.push_back(p.id);
  EXPECT_EQ(sequence, (std::vector<std::string>{"3", "5", "2", "4", "1"}));
}

TEST(PushSender, StartsNoAttemptAfterTheDeadline) {
  push_stage s;
  s.hold_connections = true;
  s.submit(s.order(1, seconds(2)));
  s.submit(s.order(2, seconds(9)));
  s.submit(s.order(3, milliseconds(0)));
  EXPECT_EQ(s.outcome(3), "deadline");
  s.advance(seconds(3));
  EXPECT_EQ(s.outcome(1), "deadline");
  s.hold_connections = false;
  s.settle();
  EXPECT_EQ(s.outcome(2), "accepted");
  EXPECT_EQ(s.arrived.size(), 1u);
}

TEST(PushSender, DropsWhatItsBoundsDoNotHoldAndMissedCallsNeverDisplaceCalls) {
  push_limits l;
  l.calls_queued = 3;
  l.missed_calls_queued = 2;
  push_stage s(l);
  s.hold_connections = true;
  for (std::uint32_t i = 0; i < 5; ++i) s.submit(s.missed(i));
  for (std::uint32_t i = 10; i < 15; ++i) s.submit(i);
  EXPECT_EQ(s.ended(push_end::queue_full), 5u);
  EXPECT_EQ(s.outcome(4), "queue_full");
  EXPECT_EQ(s.outcome(14), "queue_full");
  s.hold_connections = false;
  s.settle();
  EXPECT_EQ(s.ended(push_end::accepted), 5u);
}

TEST(PushSender, WithdrawsWhatIsNotOnTheWire) {
  push_stage s;
  s.hold_connections = true;
  s.submit(1);
  s.submit(2);
  s.worker->withdraw({aor_key{7}, 1}, s.now);
  EXPECT_EQ(s.outcome(1), "withdrawn");
  s.worker->withdraw({aor_key{7}, 1}, s.now);   // twice, and never known: no harm
  s.worker->withdraw({aor_key{7}, 99}, s.now);
  s.hold_connections = false;
  s.settle();
  ASSERT_EQ(s.arrived.size(), 1u);
  EXPECT_EQ(s.arrived[0].id, "2");
  EXPECT_EQ(s.answers[1], 1);
}

TEST(PushSender, WithdrawsAStreamThatWasSubmittedButNotSent) {
  push_stage s;
  s.settle();
  s.submit(1);
  s.worker->pump(s.now);  // submitted to the session; its octets were not taken yet
  s.worker->withdraw({aor_key{7}, 1}, s.now);
  EXPECT_EQ(s.outcome(1), "withdrawn");
  s.settle();
  EXPECT_TRUE(s.arrived.empty());
}

TEST(PushSender, RepeatsNothingForAWithdrawnPushThatIsOnTheWire) {
  push_stage s(two_connections());
  s.policy = nullptr;
  s.submit(1);
  s.submit(2);
  s.settle();
  ASSERT_EQ(s.arrived.size(), 2u);
  s.worker->withdraw({aor_key{7}, 1}, s.now);
  s.worker->withdraw({aor_key{7}, 2}, s.now);
  EXPECT_EQ(s.outcome(1), "");
  s.end(s.arrived[0].connection).answer(s.arrived[0], 503, "ServiceUnavailable");
  s.end(s.arrived[1].connection).answer(s.arrived[1], 200);
  s.settle();
  EXPECT_EQ(s.outcome(std::uint32_t(std::stoi(s.arrived[0].id))), "withdrawn");
  EXPECT_EQ(s.outcome(std::uint32_t(std::stoi(s.arrived[1].id))), "accepted");
  EXPECT_EQ(s.arrived.size(), 2u);
}

TEST(PushSender, ResendsWhatWasRefusedWithTheSameId) {
  push_stage s;
  int seen = 0;
  s.policy = [&](end_of_wire& e, const arrived_push& p) {
    if (++seen <= 2) {
      e.session.reset(p.stream, http2::error_code::refused_stream);
    } else {
      e.answer(p, 200);
    }
  };
  s.submit(1);
  s.advance(seconds(1));
  EXPECT_EQ(s.outcome(1), "accepted");
  EXPECT_EQ(s.arrivals["1"], 3);
  EXPECT_EQ(s.counters().resent_unprocessed.value(), 2u);
  EXPECT_EQ(s.counters().ambiguous.value(), 0u);
}

TEST(PushSender, GivesUpAPushThatIsRefusedWithoutEnd) {
  push_stage s;
  s.policy = [&](end_of_wire& e, const arrived_push& p) { e.session.reset(p.stream, http2::error_code::refused_stream); };
  s.submit(1);
  s.advance(seconds(20));
  EXPECT_EQ(s.outcome(1), "try_later");
  EXPECT_EQ(s.arrivals["1"], 1 + static_cast<int>(push_limits{}.free_resends));
}

TEST(PushSender, ResendsAnAmbiguousLossOnceWithTheSameIdOnAnotherConnection) {
  push_stage s(two_connections());
  std::vector<int> where;
  s.policy = [&](end_of_wire& e, const arrived_push& p) {
    where.push_back(p.connection);
    if (where.size() == 1) {
      e.session.reset(p.stream, http2::error_code::internal_error);
    } else {
      e.answer(p, 200);
    }
  };
  s.submit(1);
  s.settle();
  EXPECT_EQ(s.outcome(1), "accepted");
  ASSERT_EQ(where.size(), 2u);
  EXPECT_NE(where[0], where[1]);
  EXPECT_EQ(s.counters().ambiguous.value(), 1u);
  EXPECT_EQ(s.counters().resent_ambiguous.value(), 1u);
}

TEST(PushSender, NeverSendsAnAmbiguousPushAThirdTime) {
  push_stage s(two_connections());
  s.policy = [&](end_of_wire& e, const arrived_push& p) { e.session.reset(p.stream, http2::error_code::cancel); };
  s.submit(1);
  s.advance(seconds(40));
  EXPECT_EQ(s.outcome(1), "try_later");
  EXPECT_EQ(s.reasons[1], "lost");
  EXPECT_EQ(s.arrivals["1"], 2);
}

TEST(PushSender, RequeuesStreamsAboveGoawaysLastIdAndWaitsForThoseBelow) {
  push_stage s;
  s.policy = nullptr;
  for (std::uint32_t i = 1; i <= 10; ++i) s.submit(i);
  s.settle();
  // SETTINGS came with the first octets, after which all ten are there.
  ASSERT_EQ(s.arrived.size(), 10u);
  const auto first = s.arrived;
  s.policy = &push_stage::accept;
  s.end(0).session.goaway(first[3].stream, http2::error_code::no_error, R"({"reason":"Shutdown"})");
  s.settle();
  EXPECT_EQ(s.ended(push_end::accepted), 6u);  // the six above, on a new connection
  for (int i = 0; i < 4; ++i) s.end(0).answer(first[static_cast<std::size_t>(i)], 200);
  s.settle();
  EXPECT_EQ(s.ended(push_end::accepted), 10u);
  EXPECT_EQ(s.counters().goaways.value(), 1u);
  EXPECT_EQ(s.counters().ambiguous.value(), 0u);
  for (const auto& [number, n] : s.answers) EXPECT_EQ(n, 1) << number;
}

TEST(PushSender, SortsWhatABrokenConnectionLeavesBehind) {
  push_stage s;
  s.policy = nullptr;
  for (std::uint32_t i = 1; i <= 5; ++i) s.submit(i);
  s.settle();
  ASSERT_EQ(s.arrived.size(), 5u);
  s.policy = &push_stage::accept;
  s.cut(0);
  s.advance(seconds(1));
  EXPECT_EQ(s.ended(push_end::accepted), 5u);
  EXPECT_EQ(s.counters().ambiguous.value(), 5u);
  EXPECT_EQ(s.counters().resent_ambiguous.value(), 5u);
}

TEST(PushSender, RepeatsA5xxOnceAtOnceOnAnotherConnectionAndThenWithBackoffUntilTheDeadline) {
  push_stage s(two_connections());
  s.policy = [](end_of_wire& e, const arrived_push& p) { e.answer(p, 503, "ServiceUnavailable"); };
  s.submit(s.order(1, seconds(10)));
  s.settle();
  ASSERT_EQ(s.arrived.size(), 2u);
  EXPECT_NE(s.arrived[0].connection, s.arrived[1].connection);
  EXPECT_EQ(s.arrived[0].at, s.arrived[1].at);
  EXPECT_EQ(s.counters().retries.value(), 2u);
  EXPECT_EQ(s.outcome(1), "");
  s.advance(seconds(10));
  EXPECT_EQ(s.outcome(1), "try_later");  // as soon as no further attempt fits
  EXPECT_GE(s.arrived.size(), 5u);       // after 0.5, 1, 2, 4 s at the longest, half of it by chance
  EXPECT_LE(s.arrived.size(), 7u);
}

TEST(PushSender, ACallWhoseServiceIsUnavailableForAWhileIsPushedWhenItIsBack) {
  push_stage s(two_connections());
  const steady_time back = s.now.steady + seconds(5);
  s.policy = [&](end_of_wire& e, const arrived_push& p) {
    e.answer(p, s.now.steady < back ? 503 : 200, s.now.steady < back ? "ServiceUnavailable" : "");
  };
  for (std::uint32_t n = 1; n <= 100; ++n) s.submit(n);
  s.advance(seconds(15));
  for (std::uint32_t n = 1; n <= 100; ++n) EXPECT_EQ(s.outcome(n), "accepted") << n;
}

TEST(PushSender, OpensOneConnectionMoreWhenARepeatMustGoElsewhere) {
  push_stage s;
  s.policy = [](end_of_wire& e, const arrived_push& p) {
    e.answer(p, e.number == 0 ? 503 : 200, e.number == 0 ? "ServiceUnavailable" : "");
  };
  s.submit(1);
  s.advance(milliseconds(200));
  EXPECT_EQ(s.outcome(1), "accepted");
  EXPECT_EQ(s.opens, 2);
}

TEST(PushSender, WaitsAsLongAsTheServiceAsksAndNotPastTheDeadline) {
  push_stage s;
  s.policy = [](end_of_wire& e, const arrived_push& p) {
    const http2::header retry[] = {{"retry-after", "3"}};
    e.session.respond(p.stream, 429, retry, R"({"reason":"TooManyRequests"})");
  };
  s.submit(s.order(1, seconds(10)));
  s.submit(s.order(2, seconds(2)));
  s.settle();
  EXPECT_EQ(s.outcome(2), "try_later");  // 3 s would be after its deadline
  s.advance(milliseconds(2900));
  EXPECT_EQ(s.arrivals["1"], 1);
  s.advance(milliseconds(200));
  EXPECT_EQ(s.arrivals["1"], 2);
  s.advance(seconds(20));
  EXPECT_EQ(s.outcome(1), "try_later");
  EXPECT_EQ(s.arrivals["2"], 1);
  EXPECT_LE(s.arrivals["1"], 4);
}

TEST(PushSender, ABackoffGrowsAndIsJittered) {
  push_stage s;
  s.policy = [](end_of_wire& e, const arrived_push& p) { e.answer(p, 429, "TooManyRequests"); };
  s.submit(s.order(1, seconds(30)));
  s.advance(seconds(31));
  ASSERT_GE(s.arrived.size(), 3u);
  for (std::size_t i = 1; i < s.arrived.size(); ++i) {
    EXPECT_GE(s.arrived[i].at - s.arrived[i - 1].at, milliseconds(1000));  // the sorter's least pause
  }
  EXPECT_LT(s.arrived.size(), 12u);
}

struct final_row {
  int status;
  const char* reason;
  const char* outcome;
};
class PushSenderFinal : public ::testing::TestWithParam<final_row> {};
TEST_P(PushSenderFinal, NeverRepeatsIt) {
  const final_row& row = GetParam();
  push_stage s;
  s.policy = [&](end_of_wire& e, const arrived_push& p) { e.answer(p, row.status, row.reason); };
  s.submit(1);
  s.advance(seconds(31));
  EXPECT_EQ(s.outcome(1), row.outcome);
  EXPECT_EQ(s.reasons[1], row.reason);
  EXPECT_EQ(s.arrived.size(), 1u);
}
INSTANTIATE_TEST_SUITE_P(Answers, PushSenderFinal,
                         ::testing::Values(final_row{400, "BadDeviceToken", "suspect_token"},
                                           final_row{400, "PayloadEmpty", "our_fault"},
                                           final_row{403, "InvalidProviderToken", "credential_fault"},
                                           final_row{403, "Forbidden", "credential_fault"},
                                           final_row{413, "PayloadTooLarge", "our_fault"}));

TEST(PushSender, ExpiredTokenMintsOnceTakesANewConnectionAndResendsAll) {
  push_stage s;
  s.policy = nullptr;
  for (std::uint32_t i = 1; i <= 5; ++i) s.submit(i);
  s.settle();
  const auto first = s.arrived;
  ASSERT_EQ(first.size(), 5u);
  s.policy = [](end_of_wire& e, const arrived_push& p) { e.answer(p, e.number == 0 ? 403 : 200, e.number == 0 ? "ExpiredProviderToken" : ""); };
  for (const arrived_push& p : first) s.end(0).answer(p, 403, "ExpiredProviderToken");
  s.advance(seconds(1));
  EXPECT_EQ(s.ended(push_end::accepted), 5u);
  EXPECT_EQ(s.credentials[0]->renewals, 1);
  for (std::size_t i = 5; i < s.arrived.size(); ++i) EXPECT_EQ(s.arrived[i].connection, 1);
}

TEST(PushSender, ANewTokenTravelsOnConnectionsThatHaveCarriedNoOther) {
  // Two connections with the old token. The first answer makes a new one, before the other connection has told that it
  // is spoilt: a repeat that went there would be refused too, and for good.
  push_limits two;
  two.connections = two.warm_connections = 2;
  http2::server_config narrow;
  narrow.max_streams = 1;
  push_stage s(two, narrow);
  s.credentials[0]->binds_connection = true;
  s.policy = nullptr;
  s.submit(1);
  s.submit(2);
  s.settle();
  ASSERT_EQ(s.arrived.size(), 2u);
  ASSERT_NE(s.arrived[0].connection, s.arrived[1].connection);
  s.policy = [](end_of_wire& e, const arrived_push& p) {
    if (p.connection < 2) return e.answer(p, 403, "ExpiredProviderToken");
    e.answer(p, 200);
  };
  const auto held = s.arrived;
  s.end(held[0].connection).answer(held[0], 403, "ExpiredProviderToken");
  s.settle();
  s.end(held[1].connection).answer(held[1], 403, "ExpiredProviderToken");
  s.advance(seconds(1));
  EXPECT_EQ(s.outcome(1), "accepted");
  EXPECT_EQ(s.outcome(2), "accepted");
  EXPECT_EQ(s.credentials[0]->renewals, 1);
  // One that is made in the course of time goes there too.
  ++s.credentials[0]->version;
  const int opened = s.opens;
  s.submit(3);
  s.advance(seconds(1));
  EXPECT_EQ(s.outcome(3), "accepted");
  EXPECT_GT(s.opens, opened);
}

TEST(PushSender, AnExpiredTokenThatMayNotBeRenewedIsACredentialFault) {
  push_stage s;
  s.credentials[0]->may_renew = false;
  s.policy = [](end_of_wire& e, const arrived_push& p) { e.answer(p, 403, "ExpiredProviderToken"); };
  s.submit(1);
  s.advance(seconds(1));
  EXPECT_EQ(s.outcome(1), "credential_fault");
  EXPECT_EQ(s.arrived.size(), 1u);
}

TEST(PushSender, AKeyThatIsUnrelatedToTheConnectionTriesANewOneOnce) {
  for (const char* reason : {"UnrelatedKeyIdInToken", "BadEnvironmentKeyIdInToken"}) {
    push_stage s;
    s.policy = [&](end_of_wire& e, const arrived_push& p) { e.answer(p, e.number == 0 ? 403 : 200, e.number == 0 ? reason : ""); };
    s.submit(1);
    s.advance(seconds(1));
    EXPECT_EQ(s.outcome(1), "accepted") << reason;
    ASSERT_EQ(s.arrived.size(), 2u);
    EXPECT_EQ(s.arrived[1].connection, 1);
    s.policy = [&](end_of_wire& e, const arrived_push& p) { e.answer(p, 403, reason); };
    s.submit(2);
    s.advance(seconds(1));
    EXPECT_EQ(s.outcome(2), "credential_fault") << reason;
    EXPECT_EQ(s.arrivals["2"], 2);
  }
}

TEST(PushSender, TooManyTokenUpdatesKeepsTheTokenAndTriesLater) {
  push_stage s;
  int n = 0;
  s.policy = [&](end_of_wire& e, const arrived_push& p) {
    if (++n == 1) return e.answer(p, 429, "TooManyProviderTokenUpdates");
    e.answer(p, 200);
  };
  s.submit(1);
  s.advance(seconds(3));
  EXPECT_EQ(s.outcome(1), "accepted");
  EXPECT_EQ(s.credentials[0]->renewals, 0);
}

TEST(PushSender, BuysOneAccessTokenForManyRefusalsAndResends) {
  push_stage s;
  s.policy = nullptr;
  for (std::uint32_t i = 1; i <= 3; ++i) s.submit(i);
  s.settle();
  const auto first = s.arrived;
  for (const arrived_push& p : first) s.end(0).answer(p, 401);
  s.settle();
  EXPECT_EQ(s.purchases, 1);
  s.policy = &push_stage::accept;
  EXPECT_EQ(s.arrived.size(), 3u);
  s.worker->purchased(0, 200, "", s.now);
  s.settle();
  EXPECT_EQ(s.ended(push_end::accepted), 3u);
}

TEST(PushSender, ACredentialThatCanGetNoTokenAnswersAtOnce) {
  push_stage s;
  s.credentials[0]->has_token = false;
  s.credentials[0]->wants_purchase = true;
  s.submit(1);
  s.settle();
  EXPECT_EQ(s.outcome(1), "");
  s.worker->purchased(0, 400, "", s.now);
  s.settle();
  EXPECT_EQ(s.outcome(1), "credential_fault");
  EXPECT_EQ(s.reasons[1], "invalid_grant");
}

TEST(PushSender, RateLimitSpreadsPushesWithoutLosingAny) {
  push_limits l;
  l.rate = 100;
  l.burst = 10;
  push_stage s(l);
  for (std::uint32_t i = 1; i <= 60; ++i) s.submit(i);
  s.settle();
  EXPECT_EQ(s.arrived.size(), 10u);
  s.advance(milliseconds(250));
  EXPECT_GE(s.arrived.size(), 34u);
  EXPECT_LE(s.arrived.size(), 36u);
  s.advance(seconds(1));
  EXPECT_EQ(s.ended(push_end::accepted), 60u);
  EXPECT_GT(s.counters().throttled.value(), 0u);
}

TEST(PushSender, TheBreakerStopsAfterFailuresInARowAndProbesWithOne) {
  push_limits l = two_connections();
  l.breaker_failures = 4;
  l.breaker_pause = milliseconds(1000);
  push_stage s(l);
  bool healthy = false;
  s.policy = [&](end_of_wire& e, const arrived_push& p) { e.answer(p, healthy ? 200 : 500, healthy ? "" : "InternalServerError"); };
  s.submit(1);
  s.submit(2);
  s.settle();
  EXPECT_EQ(s.counters().breaker_opened.value(), 1u);
  const std::size_t before = s.arrived.size();
  for (std::uint32_t i = 10; i < 20; ++i) s.submit(i);
  s.advance(milliseconds(900));
  EXPECT_EQ(s.arrived.size(), before);
  s.advance(milliseconds(200));
  EXPECT_EQ(s.arrived.size(), before + 1);  // one probe, which failed
  healthy = true;
  s.advance(seconds(3));
  for (std::uint32_t i = 10; i < 20; ++i) EXPECT_EQ(s.outcome(i), "accepted") << i;
}

TEST(PushSender, AProbeWhoseAnswerHasARemedyGivesWayToTheNext) {
  push_limits l;
  l.breaker_failures = 3;
  push_stage s(l);
  s.policy = [](end_of_wire& e, const arrived_push& p) { e.answer(p, 500, "InternalServerError"); };
  s.submit(1);
  s.submit(2);
  s.submit(3);
  s.settle();
  ASSERT_EQ(s.counters().breakers_open.value(), 1u);
  s.policy = [&](end_of_wire& e, const arrived_push& p) {
    const bool old_token = s.credentials[0]->renewals == 0;
    e.answer(p, old_token ? 403 : 200, old_token ? "ExpiredProviderToken" : "");
  };
  s.advance(seconds(5));
  EXPECT_EQ(s.credentials[0]->renewals, 1);
  for (std::uint32_t i = 1; i <= 3; ++i) EXPECT_EQ(s.outcome(i), "accepted") << i;
  s.submit(4);
  s.settle();
  EXPECT_EQ(s.outcome(4), "accepted");
  EXPECT_EQ(s.counters().breakers_open.value(), 0u);
}

TEST(PushSender, ARefusedCredentialAnswersFastUntilAProbeIsAccepted) {
  push_limits l;
  l.breaker_failures = 3;
  push_stage s(l);
  bool healthy = false;
  s.policy = [&](end_of_wire& e, const arrived_push& p) { e.answer(p, healthy ? 200 : 403, healthy ? "" : "InvalidProviderToken"); };
  for (std::uint32_t i = 1; i <= 3; ++i) s.submit(i);
  s.settle();
  s.submit(4);
  s.settle();
  EXPECT_EQ(s.outcome(4), "credential_fault");
  EXPECT_EQ(s.arrived.size(), 3u);
  healthy = true;
  s.advance(seconds(2));
  s.submit(5);
  s.settle();
  EXPECT_EQ(s.outcome(5), "accepted");
  EXPECT_TRUE(s.counters().breakers_open.value() == 0);
}

TEST(PushSender, OneCredentialsTroubleNeverDelaysAnothers) {
  push_stage s({}, push_stage::generous(), 2);
  s.settle();
  s.policy = [&](end_of_wire& e, const arrived_push& p) {
    if (e.number == 1) e.answer(p, 200);  // the other one is silent
  };
  for (std::uint32_t i = 1; i <= 1000; ++i) s.submit(s.order(i), 0);
  for (std::uint32_t i = 2001; i <= 2010; ++i) s.submit(s.order(i), 1);
  s.settle();
  for (std::uint32_t i = 2001; i <= 2010; ++i) EXPECT_EQ(s.outcome(i), "accepted");
}

TEST(PushSender, ConnectFailuresPauseLongerEachTimeAndRecover) {
  push_stage s;
  s.refuse_connections = true;
  s.submit(s.order(1, seconds(60)));
  s.advance(seconds(20));
  EXPECT_GE(s.opens, 4);
  EXPECT_LE(s.opens, 14);
  s.refuse_connections = false;
  s.advance(seconds(40));
  EXPECT_EQ(s.outcome(1), "accepted");
}

TEST(PushSender, ASilentPeerIsFoundByPingAndItsPushesGoElsewhere) {
  push_stage s;
  s.policy = nullptr;
  s.submit(1);
  s.settle();
  ASSERT_EQ(s.arrived.size(), 1u);
  s.end(0).session.hold_windows();
  // From here on nothing comes back from connection 0.
  const push_connection_id first = s.ends.begin()->first;
  auto keeper = std::move(s.ends.begin()->second);
  s.ends.clear();
  s.policy = &push_stage::accept;
  s.advance(push_limits{}.ping_after + push_limits{}.ping_timeout + milliseconds(10));
  EXPECT_EQ(s.counters().silent_connections.value(), 1u);
  s.worker->closed(first, s.now);
  s.advance(seconds(1));
  EXPECT_EQ(s.outcome(1), "accepted");
  EXPECT_EQ(s.counters().ambiguous.value(), 1u);
}

TEST(PushSender, APeerThatAnswersPingsAndNoPushesGetsNoMoreOfThemThanItBears) {
  push_stage s;
  s.policy = nullptr;
  for (std::uint32_t n = 1; n <= 10; ++n) {
    s.submit(n);
    s.advance(seconds(4));
  }
  int most = 0;
  for (const auto& [id, end] : s.ends) most = std::max(most, end->pings);
  EXPECT_EQ(most, 2) << "a third without an answer between is too_many_pings to Google";
  EXPECT_LE(s.opens, 1 + seconds(40) / push_limits{}.answer_timeout) << "another is tried, once a push has waited in vain";
  s.policy = &push_stage::accept;
  s.submit(11);
  s.advance(seconds(10));
  EXPECT_EQ(s.outcome(11), "accepted");
}

TEST(PushSender, APeerThatFallsSilentWhenItsPingsAreUsedUpIsFoundByTheFirstPushItLeavesUnanswered) {
  push_stage s;
  s.policy = nullptr;
  s.submit(1);
  s.advance(push_limits{}.ping_after + milliseconds(10));
  s.advance(push_limits{}.ping_after + milliseconds(10));
  ASSERT_EQ(s.end(0).pings, 2);
  const push_connection_id first = s.ends.begin()->first;
  auto keeper = std::move(s.ends.begin()->second);  // nothing comes back from it any more
  s.ends.clear();
  s.policy = &push_stage::accept;
  s.submit(2);
  s.advance(push_limits{}.answer_timeout + milliseconds(10));
  EXPECT_EQ(s.counters().silent_connections.value(), 1U);
  s.worker->closed(first, s.now);
  s.advance(seconds(1));
  EXPECT_EQ(s.outcome(2), "accepted");
}

TEST(PushSender, AnAnswerThatNeverComesIsAmbiguousAndTriedOnce) {
  push_limits l = two_connections();
  push_stage s(l);
  int n = 0;
  s.policy = [&](end_of_wire& e, const arrived_push& p) {
    if (++n > 1) e.answer(p, 200);
  };
  s.submit(1);
  s.advance(l.answer_timeout + milliseconds(100));
  EXPECT_EQ(s.outcome(1), "accepted");
  EXPECT_EQ(s.arrivals["1"], 2);
  EXPECT_EQ(s.resets_seen, 1);
}

TEST(PushSender, AnswersWhatCannotBeWritten) {
  push_stage s;
  s.credentials[0]->compose_fault = pns::request_fault::too_large;
  s.submit(1);
  s.settle();
  EXPECT_EQ(s.outcome(1), "our_fault");
  s.credentials[0]->compose_fault = pns::request_fault::voip_token_skipped;
  s.submit(2);
  s.settle();
  EXPECT_EQ(s.outcome(2), "skipped");
  EXPECT_EQ(s.reasons[2], "voip_token_skipped");
}

TEST(PushWorker, AnswersNoAppWhenNobodyServesTheTarget) {
  push_stage s;
  s.worker->take(s.order(1), push_destination{}, s.now);
  EXPECT_EQ(s.outcome(1), "no_app");
}

TEST(PushWorker, SaysOfWhatIsSwitchedOffThatItIs) {
  push_stage s;
  s.worker->take(s.order(1), push_destination{0, push_destination::switched_off, {}}, s.now);
  EXPECT_EQ(s.outcome(1), "provider_off");
  EXPECT_EQ(s.ended(push_end::provider_off), 1u);
  s.settle();
  EXPECT_TRUE(s.arrived.empty());
}

TEST(PushSender, AnAppsOwnTtlIsNeverLongerThanTheCall) {
  push_limits l;
  l.call_ttl = seconds(20);
  push_stage s(l, push_stage::generous(), 1, 2, 0, seconds(8));
  for (const auto& [number, lasts, wanted] : {std::tuple{1U, seconds(30), seconds(8)}, {2U, seconds(5), seconds(5)}}) {
    s.submit(s.order(number, lasts));
    s.settle();
    EXPECT_EQ(s.credentials[0]->last_expires, s.now.wall + wanted) << number;
  }
  push_stage provider_wide(l);
  provider_wide.submit(1);
  provider_wide.settle();
  EXPECT_EQ(provider_wide.credentials[0]->last_expires, provider_wide.now.wall + seconds(20));
  provider_wide.submit(provider_wide.missed(2));  // not a call
  provider_wide.settle();
  EXPECT_EQ(provider_wide.credentials[0]->last_expires, provider_wide.now.wall + seconds(30));
}

TEST(PushSender, AnOldConnectionIsReplaced) {
  push_limits l;
  l.connection_age = seconds(3600);
  push_stage s(l);
  s.settle();
  s.advance(seconds(3600) + seconds(1200));
  EXPECT_GE(s.opens, 2);
  s.submit(1);
  s.settle();
  EXPECT_EQ(s.outcome(1), "accepted");
}

/// The whole reachability at once: every push is answered exactly once, and an apns-id is accepted twice only where
/// the protocol cannot tell.
TEST(PushSender, LosesNothingInBadWeather) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    push_limits l;
    l.connections = 3;
    http2::server_config one;
    one.max_streams = 1;
    push_stage s(l, one);
    seeded_random reachability(seed);
    std::map<std::string, int> accepted;
    s.policy = [&](end_of_wire& e, const arrived_push& p) {
      const std::uint64_t dice = reachability.below(100);
      if (dice < 3) return (void)e.session.reset(p.stream, http2::error_code::refused_stream);
      if (dice < 5) return (void)e.session.reset(p.stream, http2::error_code::internal_error);
      if (dice < 8) return e.answer(p, 503, "ServiceUnavailable");
      if (dice < 10) return e.session.set_max_streams(static_cast<std::uint32_t>(1 + reachability.below(50))), e.answer(p, 429, "TooManyRequests");
      if (dice < 11) {
        e.session.goaway(p.stream > 3 ? p.stream - 2 : p.stream, http2::error_code::no_error, R"({"reason":"Shutdown"})");
        e.answer(p, 200);   // above the last id: never reaches the client, which sends it again
        return;
      }
      ++accepted[p.id];
      e.answer(p, 200);
      e.session.set_max_streams(100);
    };
    constexpr std::uint32_t total = 600;
    for (std::uint32_t i = 0; i < total; ++i) {
      s.submit(i);
      if (i % 50 == 0) s.advance(milliseconds(5));
    }
    s.advance(seconds(35));
    EXPECT_EQ(s.outcomes.size(), total) << "seed " << seed;
    for (const auto& [number, n] : s.answers) EXPECT_EQ(n, 1) << "seed " << seed;
    for (const auto& [id, n] : accepted) EXPECT_LE(n, 1) << "seed " << seed << " push " << id;
    EXPECT_EQ(s.worker->unanswered(), 0u);
    const push_counters& c = s.counters();
    std::uint64_t ended = 0;
    for (const auto& e : c.ended) ended += e.value();
    EXPECT_EQ(ended, c.orders.value());
    EXPECT_GT(s.ended(push_end::accepted), total * 9 / 10) << "seed " << seed;
  }
}

}  // namespace
}  // namespace reveille::testing
