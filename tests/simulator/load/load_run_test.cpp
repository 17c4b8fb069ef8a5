#include <gtest/gtest.h>

#include <set>

#include "tests/simulator/load/virtual_load.hpp"

namespace reveille::load {
namespace {

std::set<std::string> rules_in(const report::run_report& r) {
  std::set<std::string> out;
  for (const report::violation& v : r.violations) out.insert(v.rule);
  return out;
}

std::string first_violation(const report::run_report& r) {
  if (r.violations.empty()) return {};
  const report::violation& v = r.violations.front();
  return v.rule + " " + v.call_id + ": expected " + v.expected + ", seen " + v.seen;
}

TEST(LoadRun, FindsNothingWrongWithAnHonestEngine) {
  virtual_load load(small_load(), {});
  const report::run_report r = load.play();
  EXPECT_EQ(r.violation_count, 0U) << first_violation(r);
  EXPECT_EQ(r.registrations.registered, 300U);
  EXPECT_GT(r.calls.offered, 120U);
  EXPECT_EQ(r.calls.offered, r.calls.answered + r.calls.cancelled + r.calls.not_woken + r.calls.unanswered + r.calls.failed);
  EXPECT_GT(r.calls.answered, r.calls.offered * 8 / 10);
  EXPECT_EQ(r.calls.failed, 0U);
  EXPECT_EQ(r.missed.told, r.missed.expected);
  EXPECT_EQ(r.missed.expected, r.calls.cancelled + r.calls.not_woken + r.calls.unanswered);
  EXPECT_EQ(r.exit_code(), 0);
}

TEST(LoadRun, DrawsTheSameCallsFromTheSameSeed) {
  virtual_load one(small_load(), {});
  virtual_load two(small_load(), {});
  EXPECT_EQ(report::write_json(one.play()), report::write_json(two.play()));
}

TEST(LoadRun, SurvivesLostDatagramsByRetransmission) {
  load_options o = small_load();
  // The fake engine does not retransmit: only phones and callers do, so losses towards it are what can be healed.
  o.calls_per_second = 0;
  virtual_load load(o, {}, 0.2);
  const report::run_report r = load.play();
  EXPECT_EQ(r.registrations.registered, 300U);
  EXPECT_GT(r.registrations.retransmitted, 0U);
  EXPECT_EQ(r.violation_count, 0U) << first_violation(r);
}

TEST(LoadRun, CallsNobodyWhenAllPhonesSleepOn) {
  load_options o = small_load();
  o.never_wake = 1;
  o.caller_hangs_up = o.nobody_answers = 0;
  virtual_load load(o, {});
  const report::run_report r = load.play();
  EXPECT_EQ(r.violation_count, 0U) << first_violation(r);
  EXPECT_EQ(r.calls.not_woken, r.calls.offered);
  EXPECT_EQ(r.missed.told, r.calls.offered);
}

TEST(LoadRun, CountsArrivalsThatFindNoFreePhone) {
  load_options o = small_load();
  o.subscribers = 3;
  o.calls_per_second = 50;
  virtual_load load(o, {});
  const report::run_report r = load.play();
  EXPECT_EQ(r.violation_count, 0U) << first_violation(r);
  ASSERT_FALSE(r.notes.empty());
  EXPECT_GT(load.run().state().not_offered, 0U);
}

TEST(LoadRun, EndsEarlyWhenStopped) {
  load_options o = small_load();
  o.duration = std::chrono::hours(1);
  virtual_load load(o, {});
  load.run().stop();
  const report::run_report r = load.play(seconds(120));
  EXPECT_EQ(r.violation_count, 0U);
}

TEST(LoadRun, PassesNoVerdictOnCallsThatWereCutOff) {
  load_options o = small_load();
  o.duration = std::chrono::hours(1);
  virtual_load load(o, {});
  EXPECT_FALSE(load.play_for(seconds(20)));
  load.run().stop();
  load.run().stop();
  const report::run_report r = load.play();
  EXPECT_EQ(r.violation_count, 0U) << first_violation(r);
  EXPECT_GT(r.calls.failed, 0U);
}

struct lie_case {
  const char* name;
  lies told;
  const char* rule;
};
class LyingEngine : public ::testing::TestWithParam<lie_case> {};

TEST_P(LyingEngine, IsFoundOut) {
  const lie_case& given = GetParam();
  virtual_load load(small_load(), given.told);
  const report::run_report r = load.play();
  EXPECT_TRUE(rules_in(r).contains(given.rule)) << "found " << r.violation_count << ", first: " << first_violation(r);
  EXPECT_EQ(r.exit_code(), 99);
  for (const report::violation& v : r.violations) EXPECT_TRUE(v.call_id.starts_with("test1-c")) << v.rule;
}

INSTANTIATE_TEST_SUITE_P(Lies, LyingEngine,
                         ::testing::Values(lie_case{"DoubledInvite", {.double_invites = 1}, "second-live-invite"},
                                           lie_case{"InviteNeverSent", {.lost_invites = 3}, "woken-not-called"},
                                           lie_case{"AnswerSwallowed", {.swallowed_answers = 3}, "answer-lost"},
                                           lie_case{"CancelledAfterAnswer", {.cancelled_answers = 3}, "second-final-response"},
                                           lie_case{"MissedCallLost", {.lost_missed_calls = 1}, "missed-call-not-told"},
                                           lie_case{"ToldTwice", {.told_twice = 1}, "told-twice"},
                                           lie_case{"AnsweredCallTold", {.told_answered = 200}, "answered-call-told"},
                                           lie_case{"PhantomPush", {.phantom_pushes = 1}, "push-after-end"},
                                           lie_case{"TwoPushes", {.double_pushes = 1}, "too-many-pushes"},
                                           lie_case{"NoPush", {.never_pushed = 1}, "no-push"},
                                           lie_case{"NoFinalResponse", {.silent_calls = 3}, "no-final-response"},
                                           lie_case{"RefusedAtOnce", {.early_refusals = 1}, "gave-up-early"},
                                           lie_case{"PhoneRingsOn", {.uncancelled_phones = 200}, "never-cancelled"}),
                         [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace reveille::load
