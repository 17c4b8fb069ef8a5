// Traps that others fell into (ARCHITECTURE 9), those that a subscriber can fall into, and the planted mistakes.
#include "tests/actors/subscriber_fixture.hpp"

namespace reveille {
namespace {

using Traps = SubscriberTest;

TEST_F(Traps, ABranchToTheOldAddressDoesNotKeepTheInviteFromTheNew) {
  config_.live_flow = dial_live_flow::yes;
  register_(iphone());
  EXPECT_TRUE(has(invite(), "forward b1 sip:103@10.0.0.1:5060"));
  EXPECT_TRUE(has(wake(iphone("10.0.0.7:5060"), "10.0.0.7:5060"), "forward b2 sip:103@10.0.0.7:5060"));
}

TEST_F(Traps, ThreeRegistersPerWakeUpMakeOneInviteAndNoBusy) {
  register_(iphone());
  invite();
  std::string text;
  for (int i = 0; i < 3; ++i) text += wake(iphone(), "10.0.0.1:5060") + " ";
  EXPECT_EQ(count(text, "forward"), 1u);
  EXPECT_FALSE(has(text, "respond"));
}

TEST_F(Traps, AnOldDeadConnectionDoesNotEatTheInvite) {
  register_(iphone());
  invite();
  register_received e;
  wake(iphone(), "10.0.0.1:5060");
  EXPECT_FALSE(has(fail(1, branch_failed::why::transport_error), "respond"));
  EXPECT_TRUE(has(wake(iphone(), "10.0.0.1:5060"), "forward b2"));
}

TEST_F(Traps, No480BeforeThePhoneCouldWake) {
  register_(iphone());
  register_(desk(), {.call_id = "desk"});
  invite();
  EXPECT_FALSE(has(response(1, 404), "respond"));
  EXPECT_FALSE(has(pass(milliseconds(29999)), "respond"));
}

TEST_F(Traps, AQuoteInADisplayNameReachesThePushAsItIs) {
  register_(iphone());
  request_received e;
  e.request = sip::make_message(
      "INVITE sip:103@example.com SIP/2.0\nVia: SIP/2.0/UDP 198.51.100.1;branch=z9hG4bK-q\nMax-Forwards: 70\n"
      "From: \"A \\\"B\\\" C\" <sip:101@example.com>;tag=a\nTo: <sip:103@example.com>\nCall-ID: q\nCSeq: 1 INVITE\n"
      "Content-Length: 0\n\n");
  apply(e);
  EXPECT_EQ(std::get<pns::invite_content>(pushes()[0].content).display_name, "A \"B\" C");
}

TEST_F(Traps, AMassOfSuspectAnswersDeletesNoToken) {
  register_(iphone());
  register_(android(), {.call_id = "two"});
  invite();
  push_answer(0, pns::suspect_token{prid(token_a)});
  push_answer(1, pns::suspect_token{prid("fcm-token-1")});
  EXPECT_EQ(subscriber_->binding_count(), 2u);
}

TEST_F(Traps, ACallerWhoHungUpRingsNoPhantom) {
  register_(iphone());
  store_ = store_manner::silent;
  invite();
  cancel();
  EXPECT_FALSE(has(written(1) + pass(seconds(60)), "push"));
  EXPECT_FALSE(has(wake(iphone(), "10.0.0.1:5060"), "forward"));
}

TEST_F(Traps, EveryCallThatRangNobodySaysWhy) {
  register_(iphone());
  invite("a");
  pass(seconds(30));
  EXPECT_TRUE(noted("not_woken deadline"));
  invite("b");
  push_answer(1, pns::credential_fault{});
  pass(seconds(2));
  EXPECT_TRUE(noted("not_woken push credentials refused"));
}

TEST_F(Traps, NoTokenReachesANote) {
  register_(iphone());
  invite();
  pns::push_answer a;
  a.id = pushes()[0].id;
  a.outcome = pns::suspect_token{prid(token_a)};
  a.reason = "BadDeviceToken";
  apply(push_answered{a});
  for (const std::string& n : notes()) EXPECT_FALSE(has(n, token_a)) << n;
}

// Each planted mistake must show, or the simulator could not catch it.

TEST_F(Traps, PlantedSkipLateRegisterCheck) {
  config_.planted.skip_late_register_check = true;
  register_(iphone());
  store_ = store_manner::silent;
  invite();
  EXPECT_FALSE(has(register_(iphone(), {.cseq = 2}), "forward"));
}

TEST_F(Traps, PlantedSkipBucketWrite) {
  config_.planted.skip_bucket_write = true;
  register_(iphone());
  const std::string text = invite();
  EXPECT_FALSE(has(text, "write entry"));
  EXPECT_TRUE(has(text, "push apns invite"));
}

TEST_F(Traps, PlantedPushAfterCancel) {
  config_.planted.push_after_cancel = true;
  register_(iphone());
  register_(desk(), {.call_id = "desk"});
  store_ = store_manner::silent;
  invite();
  cancel();
  EXPECT_TRUE(has(written(2), "push apns invite"));
}

TEST_F(Traps, PlantedDoubleInvitePerRegister) {
  config_.planted.double_invite_per_register = true;
  register_(iphone());
  invite();
  wake(iphone(), "10.0.0.1:5060");
  EXPECT_TRUE(has(wake(iphone(), "10.0.0.1:5060"), "forward b2"));
}

TEST_F(Traps, PlantedAnswer480And487) {
  config_.planted.answer_480_and_487 = true;
  register_(iphone());
  invite();
  const std::string text = cancel();
  EXPECT_TRUE(has(text, "respond 480") && has(text, "respond 487")) << text;
}

TEST_F(Traps, PlantedForgetParkedOnSecondDevice) {
  config_.planted.forget_parked_on_second_device = true;
  register_(iphone("10.0.0.1:5060", token_a, ";label=m"));
  register_(android(), {.call_id = "two"});
  invite();
  wake(android(), "10.0.0.2:5060");
  EXPECT_FALSE(has(wake(iphone("10.0.0.1:5060", token_a, ";label=m"), "10.0.0.1:5060"), "forward"));
}

TEST_F(Traps, PlantedIgnoreDeadline) {
  config_.planted.ignore_deadline = true;
  register_(iphone());
  invite();
  EXPECT_FALSE(has(pass(seconds(100)), "respond"));
}

TEST_F(Traps, PlantedTellAnsweredCalls) {
  config_.planted.tell_answered_calls = true;
  register_(iphone());
  invite();
  wake(iphone(), "10.0.0.1:5060");
  response(1, 200);
  EXPECT_TRUE(has(wake(iphone(), "10.0.0.1:5060"), "missed 1"));
}

TEST_F(Traps, PlantedRemoveTokenOnStale410) {
  config_.planted.remove_token_on_stale_410 = true;
  register_(iphone());
  invite();
  push_answer(0, pns::dead_token{prid(token_a), now_.wall - std::chrono::hours(1)});
  EXPECT_EQ(subscriber_->binding_count(), 0u);
}

TEST_F(Traps, PlantedReleaseOnOtherDevice) {
  config_.planted.release_on_other_device = true;
  register_(iphone("10.0.0.1:5060", token_a, ";label=m"));
  invite();
  EXPECT_TRUE(has(wake(android(), "10.0.0.2:5060"), "forward b1"));
}

}  // namespace
}  // namespace reveille
