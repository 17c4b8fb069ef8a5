#include "simulator/load/call_truth.hpp"

#include <gtest/gtest.h>

namespace reveille::load {
namespace {

class plain_names final : public call_names {
 public:
  std::string call_id_of(call_number call) const override { return "call-" + std::to_string(call.value); }
};

/// One call from second 100 to its deadline at second 130; `at` counts from the INVITE.
class CallTruth : public ::testing::Test {
 protected:
  static constexpr phone_number phone_{5};
  static steady_time at(nanoseconds since_invite) { return steady_time(seconds(100)) + since_invite; }
  call_number begin(intent meant = intent::answers) { return truth_.begin(phone_, meant, at(seconds(30)), at({})); }
  void woken(call_number c) {
    truth_.push_arrived(c, {1}, at(milliseconds(5)));
    truth_.phone_registered(c, at(seconds(1)));
    truth_.invite_arrived(c, at(seconds(1)));
    truth_.phone_rang(c, at(seconds(1)));
  }
  void answered(call_number c) {
    woken(c);
    truth_.phone_answered(c, at(seconds(3)));
    truth_.caller_heard(c, 200, "t", at(seconds(3)));
    truth_.phone_ended_invite(c);
  }
  void missed(call_number c) {
    truth_.push_arrived(c, {1}, at(milliseconds(5)));
    truth_.caller_heard(c, 480, "e", at(seconds(30)));
    truth_.closed(c);
  }
  std::vector<std::string> rules() const {
    std::vector<std::string> out;
    for (const report::violation& v : truth_.violations()) out.push_back(v.rule);
    return out;
  }
  using list = std::vector<std::string>;

  plain_names names_;
  call_truth truth_{{milliseconds(500), seconds(2), 1, seconds(5)}, names_};
};

TEST_F(CallTruth, AcceptsAnAnsweredCall) {
  const call_number c = begin();
  answered(c);
  truth_.closed(c);
  truth_.finish();
  EXPECT_EQ(rules(), list{});
  EXPECT_EQ(truth_.calls().answered, 1U);
  EXPECT_EQ(truth_.missed().expected, 0U);
}

TEST_F(CallTruth, AcceptsAMissedCallThatIsToldOnce) {
  const call_number c = begin(intent::never_wakes);
  missed(c);
  EXPECT_TRUE(truth_.told(c, phone_, {9}, false, at(seconds(40))));
  truth_.finish();
  EXPECT_EQ(rules(), list{});
  EXPECT_EQ(truth_.calls().not_woken, 1U);
  EXPECT_EQ(truth_.missed().told, 1U);
}

TEST_F(CallTruth, ExpectsTheTellingOfACallWhosePushCameByAfterItsEnd) {
  const call_number c = begin(intent::caller_hangs_up);
  truth_.caller_cancelled(c, at(milliseconds(4)));
  truth_.caller_heard(c, 487, "e", at(milliseconds(5)));
  truth_.closed(c);
  EXPECT_EQ(truth_.missed().expected, 0U) << "no push as far as anybody knows";
  truth_.push_arrived(c, {1}, at(milliseconds(5)));
  EXPECT_EQ(truth_.missed().expected, 1U);
  truth_.told(c, phone_, {9}, false, at(seconds(40)));
  truth_.finish();
  EXPECT_EQ(rules(), list{});
  EXPECT_EQ(truth_.missed().told, 1U);
}

TEST_F(CallTruth, ExcusesAMissingPushWhileTheProvidersAreSilentButWantsTheCallTold) {
  truth_.expect_silence(at(seconds(-1)), at(seconds(28)));
  const call_number c = begin();
  truth_.caller_heard(c, 480, "e", at(seconds(30)));
  truth_.closed(c);
  EXPECT_EQ(truth_.calls().in_silence, 1U);
  EXPECT_EQ(truth_.missed().expected, 1U);
  truth_.finish();
  EXPECT_EQ(rules(), list{"missed-call-not-told"});
}

TEST_F(CallTruth, FindsTheMissingPushOfACallThatOutlivesTheSilence) {
  truth_.expect_silence(at(seconds(-1)), at(seconds(20)));
  const call_number c = begin();
  truth_.caller_heard(c, 480, "e", at(seconds(30)));
  truth_.closed(c);
  EXPECT_EQ(rules(), list{"no-push"});
  EXPECT_EQ(truth_.calls().in_silence, 0U);
}

TEST_F(CallTruth, FindsTheMissingPushOfACallFromBeforeTheSilence) {
  truth_.expect_silence(at(seconds(2)), at(seconds(40)));
  const call_number c = begin();
  truth_.caller_heard(c, 480, "e", at(seconds(30)));
  truth_.closed(c);
  EXPECT_EQ(rules(), list{"no-push"});
}

TEST_F(CallTruth, FindsASecondLiveInvite) {
  const call_number c = begin();
  woken(c);
  truth_.invite_arrived(c, at(seconds(2)));
  EXPECT_EQ(rules(), list{"second-live-invite"});
  EXPECT_EQ(truth_.violations()[0].call_id, "call-0");
}

TEST_F(CallTruth, TakesAnotherInviteOnceTheFirstIsOver) {
  const call_number c = begin();
  woken(c);
  truth_.phone_ended_invite(c);
  truth_.invite_arrived(c, at(seconds(2)));
  EXPECT_EQ(rules(), list{});
}

TEST_F(CallTruth, FindsAnInviteAfterTheAnswer) {
  const call_number c = begin();
  answered(c);
  truth_.invite_arrived(c, at(seconds(4)));
  EXPECT_EQ(rules(), list{"invite-after-answer"});
}

TEST_F(CallTruth, FindsAnInviteAfterTheEndButNotWithinTheGrace) {
  const call_number c = begin();
  missed(c);
  truth_.invite_arrived(c, at(seconds(30) + milliseconds(400)));
  EXPECT_EQ(rules(), list{});
  truth_.phone_ended_invite(c);
  truth_.invite_arrived(c, at(seconds(31)));
  EXPECT_EQ(rules(), list{"invite-after-end"});
}

TEST_F(CallTruth, Finds487AfterTheAnswer) {
  const call_number c = begin();
  answered(c);
  truth_.caller_heard(c, 487, "e", at(seconds(4)));
  EXPECT_EQ(rules(), list{"second-final-response"});
}

TEST_F(CallTruth, Finds487WhenThePhoneHadAnsweredLongBeforeTheCancel) {
  const call_number c = begin(intent::caller_hangs_up);
  woken(c);
  truth_.phone_answered(c, at(seconds(2)));
  truth_.caller_cancelled(c, at(seconds(3)));
  truth_.caller_heard(c, 487, "e", at(seconds(3)));
  truth_.closed(c);
  EXPECT_EQ(rules(), list{"487-after-answer"});
}

TEST_F(CallTruth, ForgivesA487ThatCrossedTheAnswer) {
  const call_number c = begin(intent::caller_hangs_up);
  woken(c);
  truth_.phone_answered(c, at(milliseconds(2900)));
  truth_.caller_cancelled(c, at(seconds(3)));
  truth_.caller_heard(c, 487, "e", at(seconds(3)));
  truth_.closed(c);
  EXPECT_EQ(rules(), list{});
}

TEST_F(CallTruth, Finds487WithoutACancel) {
  const call_number c = begin();
  truth_.push_arrived(c, {1}, at({}));
  truth_.caller_heard(c, 487, "e", at(seconds(3)));
  truth_.closed(c);
  EXPECT_EQ(rules(), list{"487-without-cancel"});
}

TEST_F(CallTruth, FindsTwoAnswers) {
  const call_number c = begin();
  answered(c);
  truth_.caller_heard(c, 200, "t", at(seconds(4)));
  EXPECT_EQ(rules(), list{}) << "a copy";
  truth_.caller_heard(c, 200, "other", at(seconds(4)));
  EXPECT_EQ(rules(), list{"answered-twice"});
}

TEST_F(CallTruth, FindsACallToldTwice) {
  const call_number c = begin();
  missed(c);
  truth_.told(c, phone_, {9}, false, at(seconds(40)));
  truth_.told(c, phone_, {10}, false, at(seconds(41)));
  EXPECT_EQ(rules(), list{"told-twice"});
}

TEST_F(CallTruth, CountsTheRepeatOfTheSamePushApart) {
  const call_number c = begin();
  missed(c);
  truth_.told(c, phone_, {9}, false, at(seconds(40)));
  truth_.told(c, phone_, {9}, false, at(seconds(41)));
  EXPECT_EQ(rules(), list{});
  EXPECT_EQ(truth_.missed().repeated, 1U);
}

TEST_F(CallTruth, DoesNotTakePushesWithoutAStampForRepeats) {
  const call_number c = begin();
  missed(c);
  truth_.told(c, phone_, {0}, false, at(seconds(40)));
  truth_.told(c, phone_, {0}, false, at(seconds(41)));
  EXPECT_EQ(rules(), list{"told-twice"});
}

TEST_F(CallTruth, FindsALostMissedCall) {
  const call_number c = begin();
  missed(c);
  truth_.finish();
  EXPECT_EQ(rules(), list{"missed-call-not-told"});
}

TEST_F(CallTruth, DoesNotWaitForTheTellingThatIsSwitchedOff) {
  const call_number c = begin();
  truth_.expect_no_telling(c);
  missed(c);
  truth_.finish();
  EXPECT_EQ(rules(), list{});
}

TEST_F(CallTruth, FindsAnAnsweredCallThatIsTold) {
  const call_number c = begin();
  answered(c);
  truth_.closed(c);
  truth_.told(c, phone_, {9}, false, at(seconds(40)));
  EXPECT_EQ(rules(), list{"answered-call-told"});
}

TEST_F(CallTruth, FindsACallToldWhileItRings) {
  const call_number c = begin();
  woken(c);
  truth_.told(c, phone_, {9}, false, at(seconds(2)));
  EXPECT_EQ(rules(), list{"told-too-early"});
}

TEST_F(CallTruth, FindsACallToldToAnotherSubscriber) {
  const call_number c = begin();
  missed(c);
  truth_.told(c, {6}, {9}, false, at(seconds(40)));
  EXPECT_EQ(rules(), list{"told-to-another"});
}

TEST_F(CallTruth, DoesNotKnowCallsOfOtherRuns) { EXPECT_FALSE(truth_.told({77}, phone_, {9}, false, at({}))); }

TEST_F(CallTruth, FindsPushesAfterTheEndAndAfterRinging) {
  const call_number c = begin();
  missed(c);
  truth_.push_arrived(c, {2}, at(seconds(31)));
  EXPECT_EQ(rules(), (list{"too-many-pushes", "push-after-end"}));
  const call_number d = begin();
  truth_.phone_rang(d, at(seconds(1)));
  truth_.push_arrived(d, {1}, at(seconds(2)));
  EXPECT_EQ(rules().back(), "push-after-ringing");
}

TEST_F(CallTruth, DoesNotCountTheSamePushTwice) {
  const call_number c = begin();
  truth_.push_arrived(c, {4}, at(milliseconds(5)));
  truth_.push_arrived(c, {4}, at(milliseconds(50)));
  EXPECT_EQ(rules(), list{});
}

TEST_F(CallTruth, FindsAWokenPhoneThatWasNotCalled) {
  const call_number c = begin();
  truth_.push_arrived(c, {1}, at(milliseconds(5)));
  truth_.phone_registered(c, at(seconds(1)));
  truth_.caller_heard(c, 480, "e", at(seconds(30)));
  truth_.closed(c);
  EXPECT_EQ(rules(), list{"woken-not-called"});
}

TEST_F(CallTruth, ForgivesARegisterAtTheDeadlineItself) {
  const call_number c = begin();
  truth_.push_arrived(c, {1}, at(milliseconds(5)));
  truth_.phone_registered(c, at(milliseconds(29800)));
  truth_.caller_heard(c, 480, "e", at(seconds(30)));
  truth_.closed(c);
  EXPECT_EQ(rules(), list{});
}

TEST_F(CallTruth, FindsALostAnswer) {
  const call_number c = begin();
  woken(c);
  truth_.phone_answered(c, at(seconds(3)));
  truth_.caller_heard(c, 480, "e", at(seconds(30)));
  truth_.closed(c);
  EXPECT_EQ(rules(), list{"answer-lost"});
}

struct final_case {
  int status;
  nanoseconds when;
  const char* rule;
};
class JudgedFinal : public CallTruth, public ::testing::WithParamInterface<final_case> {};
TEST_P(JudgedFinal, OfAParkedCall) {
  const auto& [status, when, rule] = GetParam();
  const call_number c = begin();
  truth_.push_arrived(c, {1}, at(milliseconds(5)));
  if (status != 0) truth_.caller_heard(c, status, "e", at(when));
  truth_.closed(c);
  EXPECT_EQ(rules(), rule[0] == 0 ? list{} : list{rule});
}
INSTANTIATE_TEST_SUITE_P(Table, JudgedFinal,
                         ::testing::Values(final_case{480, seconds(30), ""}, final_case{408, seconds(30), ""},
                                           final_case{480, milliseconds(29700), ""}, final_case{480, seconds(5), "gave-up-early"},
                                           final_case{480, seconds(34), "final-too-late"}, final_case{0, {}, "no-final-response"},
                                           final_case{200, seconds(3), "answered-by-nobody"}, final_case{500, seconds(3), "unexpected-final"},
                                           final_case{404, seconds(3), "unexpected-final"}, final_case{503, seconds(3), "unexpected-final"},
                                           final_case{486, seconds(3), "unexpected-final"}));

TEST_F(CallTruth, CountsARefusalAtTheDoorAsFailedButNotAsAContradiction) {
  const call_number c = begin();
  truth_.caller_heard(c, 503, "e", at(seconds(0)));
  truth_.closed(c);
  EXPECT_EQ(rules(), list{});
  EXPECT_EQ(truth_.calls().failed, 1U);
}

TEST_F(CallTruth, FindsACallWithoutAPush) {
  const call_number c = begin();
  truth_.caller_heard(c, 480, "e", at(seconds(30)));
  truth_.closed(c);
  EXPECT_EQ(rules(), list{"no-push"});
}

TEST_F(CallTruth, FindsACancelThatNobodyAskedFor) {
  const call_number c = begin();
  woken(c);
  truth_.phone_was_cancelled(c, at(seconds(5)));
  EXPECT_EQ(rules(), list{"cancelled-without-reason"});
}

TEST_F(CallTruth, KeepsTheFirstViolationsAndCountsAll) {
  for (std::size_t i = 0; i < report::run_report::kept_violations + 10; ++i) truth_.found("x", "", "", "");
  EXPECT_EQ(truth_.violations().size(), report::run_report::kept_violations);
  EXPECT_EQ(truth_.violation_count(), report::run_report::kept_violations + 10);
}

}  // namespace
}  // namespace reveille::load
