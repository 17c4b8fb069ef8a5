// What a provider's answer does to the call and to the token: SPEC 3.4, 6.5, ARCHITECTURE 5 invariant 5.
#include "tests/actors/subscriber_fixture.hpp"

namespace reveille {
namespace {

using PushAnswer = SubscriberTest;

pns::dropped dropped(pns::dropped::why reason) { return {reason}; }

struct refusal {
  const char* name;
  pns::push_outcome outcome;
  bool ends_the_branch;
};

TEST_F(PushAnswer, EndsTheBranchAfterTheGraceOnlyWhenRefusedForGood) {
  const refusal table[] = {
      {"accepted", pns::accepted{}, false},
      {"our fault", pns::our_fault{}, true},
      {"credential fault", pns::credential_fault{}, true},
      {"suspect token", pns::suspect_token{prid(token_a)}, true},
      {"dead token", pns::dead_token{prid(token_a), wall_time(seconds(2'000'000'000))}, true},
      {"try later", pns::try_later{}, false},
      {"queue full", dropped(pns::dropped::why::queue_full), true},
      {"no app", dropped(pns::dropped::why::no_app), true},
      {"skipped", dropped(pns::dropped::why::skipped), true},
      {"provider off", dropped(pns::dropped::why::provider_off), false},
      {"withdrawn", dropped(pns::dropped::why::withdrawn), false},
      {"too late", dropped(pns::dropped::why::deadline), false},
  };
  std::size_t call = 0;
  for (const refusal& r : table) {
    start(nullptr);
    register_(iphone("10.0.0.1:5060", token_a, ";label=m"));
    invite("call-" + std::to_string(call));
    const std::string text = push_answer(call++, r.outcome);
    EXPECT_EQ(has(text, "timer refused_grace +2000"), r.ends_the_branch) << r.name << ": " << text;
    EXPECT_EQ(has(pass(seconds(2)), "respond 480"), r.ends_the_branch) << r.name;
  }
}

TEST_F(PushAnswer, ARegisterWithinTheGraceStillReleases) {
  register_(iphone());
  invite();
  push_answer(0, pns::our_fault{});
  EXPECT_TRUE(has(wake(iphone(), "10.0.0.1:5060"), "clear refused_grace; forward b1"));
}

TEST_F(PushAnswer, ARefusedPushWaitsForTheOtherDevice) {
  register_(iphone("10.0.0.1:5060", token_a, ";label=m"));
  register_(android(), {.call_id = "two"});
  invite();
  push_answer(0, pns::our_fault{});
  EXPECT_FALSE(has(pass(seconds(5)), "respond"));
  EXPECT_TRUE(has(wake(android(), "10.0.0.2:5060"), "forward b1"));
}

TEST_F(PushAnswer, A410LaterThanTheRegisterRemovesTheBinding) {
  register_(iphone());
  pass(seconds(10));
  invite();
  const std::string text = push_answer(0, pns::dead_token{prid(token_a), now_.wall - seconds(1)});
  EXPECT_TRUE(has(text, "write bindings")) << text;
  EXPECT_EQ(subscriber_->binding_count(), 0u);
  EXPECT_TRUE(noted("token_removed"));
}

TEST_F(PushAnswer, A410OlderThanTheRegisterRemovesNothing) {
  register_(iphone());
  invite();
  push_answer(0, pns::dead_token{prid(token_a), now_.wall - seconds(1)});
  EXPECT_EQ(subscriber_->binding_count(), 1u);
}

TEST_F(PushAnswer, AnUnregisteredFcmTokenGoesOnlyIfNoRegisterCarriedItSinceThePush) {
  register_(android());
  pass(seconds(1));
  invite("one");
  pass(seconds(1));
  register_(android(), {.cseq = 2});
  push_answer(0, pns::dead_token{prid("fcm-token-1"), std::nullopt});
  EXPECT_EQ(subscriber_->binding_count(), 1u) << "it registered since";
  response(1, 486);
  pass(seconds(1));
  invite("two");
  push_answer(1, pns::dead_token{prid("fcm-token-1"), std::nullopt});
  EXPECT_EQ(subscriber_->binding_count(), 0u);
}

TEST_F(PushAnswer, AStampStillCountsAfterTheCallIsOver) {
  register_(iphone());
  pass(seconds(10));
  invite();
  cancel();
  push_answer(0, pns::dead_token{prid(token_a), now_.wall});
  EXPECT_EQ(subscriber_->binding_count(), 0u);
  EXPECT_TRUE(noted("stale_push_answer"));
}

TEST_F(PushAnswer, WithoutAStampALateAnswerRemovesNothing) {
  register_(android());
  pass(seconds(10));
  invite();
  cancel();
  push_answer(0, pns::dead_token{prid("fcm-token-1"), std::nullopt});
  EXPECT_EQ(subscriber_->binding_count(), 1u);
}

TEST_F(PushAnswer, ACredentialFaultNeverTouchesTheToken) {
  register_(iphone());
  pass(seconds(10));
  invite();
  push_answer(0, pns::credential_fault{});
  pass(seconds(60));
  EXPECT_EQ(count(invite("again"), "push apns invite"), 1u);
}

TEST_F(PushAnswer, ASuspectTokenIsQuarantinedUntilTheNextRegister) {
  register_(iphone());
  invite("one");
  push_answer(0, pns::suspect_token{prid(token_a)});
  pass(seconds(2));
  EXPECT_EQ(count(invite("two"), "push"), 0u);
  EXPECT_TRUE(has(pass(seconds(2)), "respond 480")) << "nobody waits for a push that was not sent";
  register_(iphone(), {.cseq = 2});
  EXPECT_EQ(count(invite("three"), "push apns invite"), 1u);
}

TEST_F(PushAnswer, ADoubtOlderThanTheRegisterQuarantinesNothing) {
  register_(iphone());
  pass(seconds(10));
  invite("one");
  pass(seconds(1));
  register_(iphone(), {.cseq = 2});
  push_answer(0, pns::suspect_token{prid(token_a)});
  EXPECT_FALSE(noted("token_quarantined"));
  response(1, 486);
  EXPECT_EQ(count(invite("two"), "push apns invite"), 1u);
}

TEST_F(PushAnswer, ADoubtAboutAPushOfACallThatIsOverQuarantinesNothing) {
  register_(iphone());
  pass(seconds(10));
  invite("one");
  cancel();
  push_answer(0, pns::suspect_token{prid(token_a)});
  EXPECT_EQ(count(invite("two"), "push apns invite"), 1u) << "nothing tells how old the doubt is; the next push will";
}

TEST_F(PushAnswer, ACanonicalTokenTakesThePlaceOfTheOldForGood) {
  register_(android());
  invite("one");
  pns::accepted taken;
  taken.renamed = std::make_shared<const pns::token_change>(pns::token_change{prid("fcm-token-1"), prid("newer:token")});
  const std::string text = push_answer(0, taken);
  EXPECT_TRUE(has(text, "write bindings")) << text;
  EXPECT_TRUE(noted("token_renamed"));
  EXPECT_EQ(subscriber_->binding_count(), 1u);
  // The old token is nobody's now, the new one is the device's.
  push_answer(0, pns::dead_token{prid("fcm-token-1"), now_.wall + seconds(100)});
  EXPECT_EQ(subscriber_->binding_count(), 1u);
  push_answer(0, pns::dead_token{prid("newer:token"), now_.wall + seconds(100)});
  EXPECT_EQ(subscriber_->binding_count(), 0u);
}

TEST_F(PushAnswer, ACanonicalTokenOfAnotherChangesNothing) {
  register_(android());
  invite("one");
  pns::accepted taken;
  taken.renamed = std::make_shared<const pns::token_change>(pns::token_change{prid("foreign"), prid("newer:token")});
  EXPECT_FALSE(has(push_answer(0, taken), "write bindings"));
}

TEST_F(PushAnswer, AForeignTokenIsNobodys) {
  register_(iphone());
  pass(seconds(10));
  invite();
  push_answer(0, pns::dead_token{prid(token_b), now_.wall});
  EXPECT_EQ(subscriber_->binding_count(), 1u);
}

TEST_F(PushAnswer, ADeadTokenFoundByTheTellingGoesToo) {
  register_(iphone());
  invite();
  pass(seconds(30));
  pass(seconds(30));
  register_(android(), {.call_id = "two"});
  ASSERT_EQ(pushes().size(), 3u);
  push_answer(1, pns::dead_token{prid(token_a), now_.wall});
  EXPECT_EQ(subscriber_->binding_count(), 1u);
}

TEST_F(PushAnswer, TheSamePhoneWithANewTokenIsReleasedThoughItsOldOneDied) {
  register_(iphone("10.0.0.1:5060", token_a, ";label=m"));
  pass(seconds(10));
  invite();
  push_answer(0, pns::dead_token{prid(token_a), now_.wall});
  EXPECT_EQ(subscriber_->binding_count(), 0u);
  EXPECT_TRUE(has(wake(iphone("10.0.0.1:5060", token_b, ";label=m"), "10.0.0.1:5060"), "forward b1"));
}

}  // namespace
}  // namespace reveille
