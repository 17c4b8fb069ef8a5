// Plain and parked branches are one response context: SPEC 3.1, 3.5, RFC 3261 16.7.
#include "tests/actors/subscriber_fixture.hpp"

namespace reveille {
namespace {

struct Forking : SubscriberTest {
  void two_desks() {
    register_(desk("10.0.0.8:5060"));
    register_(desk("10.0.0.9:5060"), {.call_id = "second"});
    invite();
  }
};

TEST_F(Forking, PlainPhonesRingAtOnceAndTogether) {
  register_(desk("10.0.0.8:5060"));
  register_(desk("10.0.0.9:5060"), {.call_id = "second"});
  EXPECT_EQ(invite(), "timer answer_deadline +30000; forward b1 sip:103@10.0.0.8:5060; forward b2 sip:103@10.0.0.9:5060");
}

TEST_F(Forking, ABusyPlainPhoneWaitsForTheParkedOne) {
  register_(desk());
  register_(iphone(), {.call_id = "mobile"});
  invite();
  EXPECT_FALSE(has(response(1, 486), "respond"));
  EXPECT_TRUE(has(wake(iphone(), "10.0.0.1:5060"), "forward b2"));
}

TEST_F(Forking, ARealBusyBeatsAPlaceThatWasNeverDialled) {
  register_(desk());
  register_(iphone(), {.call_id = "mobile"});
  invite();
  response(1, 486);
  EXPECT_TRUE(has(pass(seconds(30)), "respond 486"));
}

TEST_F(Forking, TheLowestClassWins) {
  two_desks();
  response(1, 500);
  EXPECT_TRUE(has(response(2, 486), "respond 486"));
}

TEST_F(Forking, A6xxWinsOverEverythingAndCancelsTheRest) {
  two_desks();
  EXPECT_TRUE(has(response(1, 603), "cancel b2"));
  EXPECT_TRUE(has(response(2, 487), "respond 603"));
}

TEST_F(Forking, A2xxAfterA6xxIsStillForwardedInsteadOfIt) {
  two_desks();
  response(1, 603);
  const std::string text = response(2, 200);
  EXPECT_TRUE(has(text, "respond 200"));
  EXPECT_FALSE(has(text, "603"));
}

TEST_F(Forking, AnAnswerCancelsTheRestAndSaysWhy) {
  two_desks();
  response(2, 180);
  const std::string text = response(1, 200);
  EXPECT_TRUE(has(text, "cancel b2 SIP;cause=200;text=\"Call completed elsewhere\"")) << text;
  EXPECT_TRUE(has(text, "respond 200"));
}

TEST_F(Forking, TheCallersReasonIsCopiedToTheBranches) {
  two_desks();
  EXPECT_TRUE(has(cancel(1, "Reason: Q.850;cause=16\nReason: SIP;cause=487\n"), "cancel b1 Q.850;cause=16, SIP;cause=487"));
}

TEST_F(Forking, ASecond2xxIsForwardedToo) {
  two_desks();
  response(1, 200, {}, "one");
  EXPECT_TRUE(has(response(2, 200, {}, "two"), "respond 200"));
}

TEST_F(Forking, EveryProvisionalGoesUpUntilTheFinal) {
  two_desks();
  EXPECT_EQ(response(1, 180), "respond 180");
  EXPECT_EQ(response(2, 183), "respond 183");
  EXPECT_EQ(response(1, 100), "");
  response(1, 200);
  EXPECT_EQ(response(2, 180), "");
}

TEST_F(Forking, ChallengesOfAllBranchesReachTheCaller) {
  two_desks();
  response(1, 401, "WWW-Authenticate: Digest realm=\"one\"\n");
  response(2, 407, "Proxy-Authenticate: Digest realm=\"two\"\n");
  EXPECT_TRUE(has(last_packet(), "realm=\"one\""));
  EXPECT_TRUE(has(last_packet(), "Proxy-Authenticate: Digest realm=\"two\"\r\n")) << last_packet();
}

TEST_F(Forking, OurViaIsTakenOffAndPushParametersStripped) {
  two_desks();
  response(1, 200, "Contact: <sip:103@10.0.0.8;pn-prid=secret;pn-provider=fcm>\n");
  EXPECT_FALSE(has(last_packet(), "z9hG4bK-ours"));
  EXPECT_TRUE(has(last_packet(), "branch=z9hG4bK-up-1"));
  EXPECT_FALSE(has(last_packet(), "secret"));
}

TEST_F(Forking, ASilentPlainPhoneIs408) {
  register_(desk());
  invite();
  EXPECT_TRUE(has(fail(1, branch_failed::why::timeout), "respond 408"));
}

TEST_F(Forking, AnUnreachablePlainPhoneIs500) {
  register_(desk());
  invite();
  EXPECT_TRUE(has(fail(1, branch_failed::why::transport_error), "respond 500")) << "RFC 3261 16.9, 16.7 step 6";
}

TEST_F(Forking, APlainPhoneForWhichWeHadNoRoomIs503WithRetryAfter) {
  register_(desk());
  invite();
  EXPECT_TRUE(has(fail(1, branch_failed::why::no_room), "respond 503"));
  EXPECT_TRUE(has(last_packet(), "Retry-After: ")) << last_packet();
  EXPECT_TRUE(has(invite("call-2"), "forward b1")) << "nothing is known of the phone";
}

TEST_F(Forking, TheDeadlineEndsPlainPhonesToo) {
  register_(desk());
  invite();
  response(1, 180);
  EXPECT_TRUE(has(pass(seconds(30)), "cancel b1"));
  EXPECT_TRUE(has(response(1, 487), "respond 480"));
}

TEST_F(Forking, ABranchThatStaysSilentAfterItsCancelIsGivenUp) {
  register_(desk());
  invite();
  response(1, 180);
  EXPECT_TRUE(has(pass(seconds(30) + seconds(32)), "respond 480"));
  EXPECT_TRUE(subscriber_->at_rest());
}

TEST_F(Forking, TimerCEndsABranchThatRingsForEver) {
  config_.answer_timeout = seconds(600);
  register_(desk());
  EXPECT_TRUE(has(invite(), "timer timer_c +181000"));
  pass(seconds(100));
  EXPECT_TRUE(has(response(1, 180), "timer timer_c +181000")) << "a sign of life";
  EXPECT_TRUE(has(pass(seconds(181)), "cancel b1"));
}

TEST_F(Forking, ADialogsRequestIsNoneOfTheRegistrars) {
  register_(desk());
  request_received e;
  e.request = sip::make_message(
      "INVITE sip:103@example.com SIP/2.0\nVia: SIP/2.0/UDP 198.51.100.1;branch=z9hG4bK-x\nMax-Forwards: 70\n"
      "From: <sip:101@example.com>;tag=a\nTo: <sip:103@example.com>;tag=b\nCall-ID: d\nCSeq: 2 INVITE\nContent-Length: 0\n\n");
  EXPECT_EQ(apply(e), "respond 481");
}

}  // namespace
}  // namespace reveille
