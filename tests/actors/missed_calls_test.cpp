// Who is told of missed calls, and when: SPEC 4.3, 4.4, 4.7.
#include "tests/actors/subscriber_fixture.hpp"

namespace reveille {
namespace {

struct MissedCalls : SubscriberTest {
  /// One registered iPhone, one call that nobody answered.
  void miss_a_call(std::string_view call_id = "missed") {
    if (subscriber_->binding_count() == 0) register_(iphone());
    invite(call_id);
    pass(seconds(30));
  }
};

TEST_F(MissedCalls, AreToldWhenThePhoneComesBack) {
  miss_a_call();
  const std::string text = wake(iphone(), "10.0.0.1:5060");
  EXPECT_TRUE(has(text, "push apns missed 1")) << text;
  EXPECT_LT(text.find("send 200"), text.find("push apns missed"));
  EXPECT_EQ(push_answer(1, pns::accepted{}), "write remove-entry");
  EXPECT_TRUE(stored().bucket.empty());
}

TEST_F(MissedCalls, ListTheCallersWithTheirDates) {
  miss_a_call("one");
  const wall_time second = now_.wall;
  miss_a_call("two");
  wake(iphone(), "10.0.0.1:5060");
  const auto& content = std::get<pns::missed_calls_content>(pushes().back().content);
  ASSERT_EQ(content.calls.size(), 2u);
  EXPECT_EQ(content.calls[0].remote_uri, "101");
  EXPECT_EQ(content.calls[1].date, second);
  EXPECT_EQ(content.date, now_.wall);
  EXPECT_EQ(pushes().back().expires, now_.wall + seconds(120));
}

TEST_F(MissedCalls, TheEndOfACallTriggersNothing) {
  register_(iphone());
  invite();
  EXPECT_FALSE(has(pass(seconds(60)), "missed"));
}

TEST_F(MissedCalls, TellEveryPushClientOrTheOneThatRegistered) {
  register_(iphone("10.0.0.1:5060", token_a, ";label=m"));
  register_(android(), {.call_id = "two"});
  miss_a_call();
  EXPECT_EQ(count(wake(android(), "10.0.0.2:5060"), "missed"), 2u);
  push_answer(2, pns::try_later{});
  push_answer(3, pns::try_later{});
  config_.missed_to = missed_calls_to::registered;
  const std::string text = wake(android(), "10.0.0.2:5060");
  EXPECT_EQ(count(text, "missed"), 1u);
  EXPECT_TRUE(has(text, "push fcm missed 1"));
}

TEST_F(MissedCalls, AreNotToldByWhatIsNoRegistrationOfAPushClient) {
  miss_a_call();
  EXPECT_FALSE(has(register_("", {.call_id = "f", .cseq = 9}), "missed")) << "fetch";
  EXPECT_FALSE(has(register_(desk(), {.call_id = "desk"}), "missed")) << "a plain phone";
  EXPECT_FALSE(has(register_(iphone(), {.cseq = 2, .expires = "3"}), "missed")) << "refused";
  EXPECT_FALSE(has(register_("<sip:103@10.0.0.44;pn-provider=fcm>", {.call_id = "q"}), "missed")) << "query";
  EXPECT_FALSE(has(register_(iphone(), {.cseq = 1}), "missed")) << "retransmission";
  EXPECT_FALSE(has(register_(iphone(), {.cseq = 2, .expires = "0"}), "missed")) << "un-registration";
}

TEST_F(MissedCalls, OneRoundIsInFlightHoweverManyRegisters) {
  miss_a_call();
  EXPECT_TRUE(has(wake(iphone(), "10.0.0.1:5060"), "missed"));
  EXPECT_FALSE(has(wake(iphone(), "10.0.0.1:5060"), "missed")) << "the push itself may cause a REGISTER";
  push_answer(1, pns::accepted{});
  EXPECT_FALSE(has(wake(iphone(), "10.0.0.1:5060"), "missed")) << "told once";
}

TEST_F(MissedCalls, StayForTheNextRegistrationWhenTheProviderFails) {
  miss_a_call();
  wake(iphone(), "10.0.0.1:5060");
  EXPECT_EQ(push_answer(1, pns::try_later{}), "");
  EXPECT_TRUE(noted("missed_failed"));
  EXPECT_TRUE(has(wake(iphone(), "10.0.0.1:5060"), "missed 1"));
}

TEST_F(MissedCalls, WaitForTheDiskWhereThe200Does) {
  miss_a_call();
  store_ = store_manner::silent;
  EXPECT_FALSE(has(register_(iphone("10.0.0.1:5060", token_b, ";label=new"), {.call_id = "n"}), "missed"));
  EXPECT_TRUE(has(written(writes().size() - 1), "missed"));
}

TEST_F(MissedCalls, ACallThatStillWaitsIsReleasedFirstAndNotTold) {
  miss_a_call("old");
  invite("new");
  const std::string text = wake(iphone(), "10.0.0.1:5060");
  EXPECT_TRUE(has(text, "push apns missed 1")) << text;
  EXPECT_LT(text.find("forward b1"), text.find("missed 1"));
}

TEST_F(MissedCalls, AnAnsweredCallIsNeverTold) {
  register_(iphone());
  invite();
  wake(iphone(), "10.0.0.1:5060");
  response(1, 200);
  pass(seconds(60));
  EXPECT_FALSE(has(wake(iphone(), "10.0.0.1:5060"), "missed"));
}

TEST_F(MissedCalls, ACallWhoseCancelledPhoneMayStillAnswerIsNotTold) {
  register_(iphone());
  invite();
  wake(iphone(), "10.0.0.1:5060");
  response(1, 180);
  pass(seconds(40));
  EXPECT_FALSE(has(wake(iphone(), "10.0.0.1:5060"), "missed")) << "its CANCEL is not answered yet";
  response(1, 200);
  EXPECT_TRUE(stored().bucket.empty());
}

TEST_F(MissedCalls, RespectAMinimumAbsence) {
  config_.missed_min_absence = seconds(600);
  miss_a_call();
  EXPECT_FALSE(has(wake(iphone(), "10.0.0.1:5060"), "missed"));
  pass(seconds(600));
  EXPECT_TRUE(has(wake(iphone(), "10.0.0.1:5060"), "missed"));
}

TEST_F(MissedCalls, ARefusedPushKeepsItsEntry) {
  register_(iphone());
  invite();
  push_answer(0, pns::our_fault{});
  pass(seconds(2));
  EXPECT_EQ(stored().bucket.size(), 1u);
}

TEST_F(MissedCalls, SurviveARestart) {
  miss_a_call();
  const subscriber_record record = stored();
  start(&record);
  EXPECT_TRUE(has(wake(iphone(), "10.0.0.1:5060"), "push apns missed 1"));
}

TEST_F(MissedCalls, AreNotLostWhenTheProcessDiedBeforeTheCallWasOver) {
  register_(iphone());
  invite();
  subscriber_record record = stored();
  record.parked.clear();
  start(&record);
  EXPECT_FALSE(has(wake(iphone(), "10.0.0.1:5060"), "missed")) << "its deadline may yet be met elsewhere";
  pass(seconds(35));
  EXPECT_TRUE(has(wake(iphone(), "10.0.0.1:5060"), "missed 1"));
}

TEST_F(MissedCalls, AFailedWriteOfTheBucketIsRepeatedUntilItSucceeds) {
  register_(iphone());
  store_ = store_manner::silent;
  invite();
  written(1, false);
  EXPECT_FALSE(subscriber_->at_rest()) << "the entry would be lost with the actor";
  EXPECT_EQ(pass(seconds(5)), "write entry");
  wake(iphone(), "10.0.0.1:5060");
  response(1, 200);
  written(writes().size() - 1, false);
  EXPECT_TRUE(has(pass(seconds(60)), "write remove-entry")) << "an answered call must not be told after a restart";
}

TEST_F(MissedCalls, AnEntryWhoseWriteFailsAfterTheCallIsWrittenAgain) {
  register_(iphone());
  store_ = store_manner::silent;
  invite();
  cancel();
  written(1, false);
  EXPECT_TRUE(has(pass(seconds(5)), "write entry"));
  EXPECT_TRUE(stored().bucket.at(0).over);
}

TEST_F(MissedCalls, DropTheOldestBeyondTheBoundAndCountThem) {
  config_.bucket_entries = 2;
  miss_a_call("a");
  miss_a_call("b");
  miss_a_call("c");
  EXPECT_EQ(stored().bucket.size(), 2u);
  EXPECT_TRUE(noted("bucket_dropped"));
}

TEST_F(MissedCalls, WhatIsOlderThanThirtyDaysIsNotTold) {
  register_(iphone());
  invite("old");
  pass(seconds(30));
  pass(std::chrono::hours(24 * 29));
  invite("young");
  pass(std::chrono::hours(24 * 2));
  const std::string text = wake(iphone(), "10.0.0.1:5060");
  EXPECT_TRUE(has(text, "missed 1")) << text;
  EXPECT_TRUE(noted("bucket_dropped"));
}

TEST_F(MissedCalls, AnAnswerWithoutAPushRemovesTheEntryOfAnEarlierInviteOfTheCall) {
  register_(iphone());
  invite("call");
  cancel();
  register_(iphone(), {.cseq = 2, .expires = "0"});
  register_(desk(), {.call_id = "desk"});
  ASSERT_EQ(stored().bucket.size(), 1u);
  invite("call");
  EXPECT_TRUE(has(response(1, 200), "write remove-entry"));
  EXPECT_TRUE(stored().bucket.empty());
}

}  // namespace
}  // namespace reveille
