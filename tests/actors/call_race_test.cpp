// Who comes first: SPEC 3.3 (many REGISTERs, moves), 3.4a (both orders of every race), 3.6 (no phantom rings).
#include "tests/actors/subscriber_fixture.hpp"

namespace reveille {
namespace {

using CallRace = SubscriberTest;

TEST_F(CallRace, RegisterBeforeCancelTheInviteLeavesAndIsCancelled) {
  register_(iphone());
  invite();
  EXPECT_TRUE(has(wake(iphone(), "10.0.0.1:5060"), "forward b1"));
  const std::string text = cancel();
  EXPECT_TRUE(has(text, "cancel b1; timer cancel_give_up +32000")) << text;
  EXPECT_FALSE(has(text, "respond")) << "487 waits for the branch: " << text;
  EXPECT_TRUE(has(response(1, 487), "respond 487"));
}

TEST_F(CallRace, CancelBeforeRegisterNoInviteEverLeaves) {
  register_(iphone());
  invite();
  EXPECT_TRUE(has(cancel(), "respond 487"));
  EXPECT_FALSE(has(wake(iphone(), "10.0.0.1:5060"), "forward"));
}

TEST_F(CallRace, RegisterBeforeTheDeadlineTheInviteLeaves) {
  register_(iphone());
  invite();
  pass(milliseconds(29999));
  EXPECT_TRUE(has(wake(iphone(), "10.0.0.1:5060"), "forward b1"));
  EXPECT_TRUE(has(pass(milliseconds(1)), "cancel b1"));
}

TEST_F(CallRace, TheDeadlineBeforeRegisterNoInviteEverLeaves) {
  register_(iphone());
  invite();
  pass(seconds(30));
  EXPECT_FALSE(has(wake(iphone(), "10.0.0.1:5060"), "forward"));
}

TEST_F(CallRace, AnAnswerBeforeRegisterNoSecondInviteEverLeaves) {
  register_(iphone("10.0.0.1:5060", token_a, ";label=m"));
  register_(android(), {.call_id = "two"});
  invite();
  wake(android(), "10.0.0.2:5060");
  response(1, 200);
  EXPECT_FALSE(has(wake(iphone("10.0.0.1:5060", token_a, ";label=m"), "10.0.0.1:5060"), "forward"));
}

TEST_F(CallRace, A6xxEndsTheParkedOnes) {
  register_(iphone("10.0.0.1:5060", token_a, ";label=m"));
  register_(desk(), {.call_id = "desk"});
  invite();
  EXPECT_TRUE(has(response(1, 603), "respond 603"));
  EXPECT_FALSE(has(wake(iphone("10.0.0.1:5060", token_a, ";label=m"), "10.0.0.1:5060"), "forward"));
}

TEST_F(CallRace, A2xxThatCrossesTheCancelIsForwardedAndNo487Follows) {
  register_(iphone());
  invite();
  wake(iphone(), "10.0.0.1:5060");
  response(1, 180);
  cancel();
  const std::string text = response(1, 200);
  EXPECT_TRUE(has(text, "respond 200")) << text;
  EXPECT_FALSE(has(text + pass(seconds(100)), "487"));
}

TEST_F(CallRace, A2xxAfterThe487IsNotForwarded) {
  register_(iphone("10.0.0.1:5060", token_a, ";label=m"));
  invite();
  wake(iphone("10.0.0.1:5060", token_a, ";label=m"), "10.0.0.1:5060");
  cancel();
  EXPECT_TRUE(has(pass(seconds(32)), "respond 487")) << "64*T1 after its CANCEL";
  EXPECT_FALSE(has(response(1, 200), "respond"));
}

TEST_F(CallRace, CancelTwiceAnswersOnce) {
  register_(iphone());
  invite();
  EXPECT_EQ(count(cancel() + cancel(), "respond 487"), 1u);
}

TEST_F(CallRace, A487WaitsForEverySentBranch) {
  register_(desk("10.0.0.8:5060"));
  register_(desk("10.0.0.9:5060"), {.call_id = "second"});
  invite();
  cancel();
  EXPECT_FALSE(has(response(1, 487), "respond"));
  EXPECT_TRUE(has(response(2, 487), "respond 487"));
}

TEST_F(CallRace, ManyRegistersMakeOneInvite) {
  register_(iphone());
  invite();
  std::string text;
  for (std::uint32_t i = 2; i < 6; ++i) text += register_(iphone(), {.cseq = i}) + " ";
  EXPECT_EQ(count(text, "forward"), 1u) << text;
}

TEST_F(CallRace, ANewTokenAtTheSameAddressIsNoMove) {
  register_(iphone("10.0.0.1:5060", token_a, ";label=m"));
  invite();
  wake(iphone("10.0.0.1:5060", token_a, ";label=m"), "10.0.0.1:5060");
  EXPECT_FALSE(has(wake(iphone("10.0.0.1:5060", token_b, ";label=m"), "10.0.0.1:5060"), "forward"));
}

TEST_F(CallRace, AMoveBeforeRingingAbandonsTheBranchAndForksOnceMore) {
  register_(iphone());
  invite();
  wake(iphone("10.0.0.1:5060"), "10.0.0.1:5060");
  response(1, 100);
  const std::string text = wake(iphone("10.0.0.7:5060"), "10.0.0.7:5060");
  EXPECT_TRUE(has(text, "cancel b1; timer cancel_give_up +32000; forward b2 sip:103@10.0.0.7:5060")) << text;
  EXPECT_FALSE(has(text, "cause=200")) << text;
}

TEST_F(CallRace, TheSameAddressByAnotherFlowIsAMoveToo) {
  register_(iphone());
  invite();
  wake(iphone(), "10.0.0.1:5060");
  EXPECT_TRUE(has(wake(iphone(), "10.0.0.1:6000"), "forward b2"));
}

TEST_F(CallRace, AnotherContactTextOnTheSameFlowIsNoMove) {
  register_(iphone("192.168.1.5:5060", token_a, ";label=m"), {.from = "203.0.113.7:40000"});
  invite();
  const std::string private_contact = iphone("192.168.1.5:5060", token_a, ";label=m");
  EXPECT_TRUE(has(wake(private_contact, "203.0.113.7:41000"), "forward b1"));
  const std::string text = wake(iphone("203.0.113.7:41000", token_a, ";label=m"), "203.0.113.7:41000");
  EXPECT_FALSE(has(text, "forward") || has(text, "cancel")) << "the phone has b1: a second INVITE would be refused 482: " << text;
  EXPECT_TRUE(has(response(1, 180), "respond 180"));
}

TEST_F(CallRace, BehindAnEdgeTheContactTellsWhereThePhoneIs) {
  const std::string path = "Path: <sip:edge.example.net;lr>\n";
  register_(iphone("10.0.0.1:5060", token_a, ";label=m"), {.from = "192.0.2.99:5060", .lines = path});
  invite();
  register_(iphone("10.0.0.1:5060", token_a, ";label=m"), {.cseq = 2, .from = "192.0.2.99:5060", .lines = path});
  const std::string text = register_(iphone("10.0.0.7:5060", token_a, ";label=m"),
                                     {.cseq = 3, .from = "192.0.2.99:5060", .lines = path});
  EXPECT_TRUE(has(text, "cancel b1") && has(text, "forward b2 sip:103@10.0.0.7:5060")) << text;
}

struct Collision : SubscriberTest {
  /// Behind an edge, its Contact rewritten on waking, the phone has branch 1 and gets branch 2.
  void two_branches() {
    const std::string path = "Path: <sip:edge.example.net;lr>\n";
    register_(iphone("10.0.0.1:5060", token_a, ";label=m"), {.from = "192.0.2.99:5060", .lines = path});
    invite();
    register_(iphone("10.0.0.1:5060", token_a, ";label=m"), {.cseq = 2, .from = "192.0.2.99:5060", .lines = path});
    register_(iphone("10.0.0.7:5060", token_a, ";label=m"), {.cseq = 3, .from = "192.0.2.99:5060", .lines = path});
  }
};

TEST_F(Collision, A482ToTheSecondInviteIsNoAnswerAndTheFirstOnesEndDialsAgain) {
  two_branches();
  response(1, 180);
  EXPECT_FALSE(has(response(2, 482), "respond"));
  EXPECT_TRUE(has(response(1, 487), "forward b3 sip:103@10.0.0.7:5060"));
  EXPECT_TRUE(has(response(3, 180), "respond 180"));
  EXPECT_TRUE(has(response(3, 200), "respond 200"));
}

TEST_F(Collision, ARegisterMeanwhileDoesNotMakeTheNext482AnAnswer) {
  two_branches();
  response(2, 482);
  register_(iphone("10.0.0.7:5060", token_a, ";label=m"),
            {.cseq = 4, .from = "192.0.2.99:5060", .lines = "Path: <sip:edge.example.net;lr>\n"});
  ASSERT_EQ(forwards().size(), 3u);
  response(1, 180);
  response(1, 487);
  EXPECT_TRUE(has(response(3, 482), "forward b4"));
}

TEST_F(Collision, OfThreeBranchesThePhoneHoldsOneAndItsEndDialsAgain) {
  two_branches();
  const std::string path = "Path: <sip:edge.example.net;lr>\n";
  register_(iphone("10.0.0.8:5060", token_a, ";label=m"), {.cseq = 4, .from = "192.0.2.99:5060", .lines = path});
  ASSERT_EQ(forwards().size(), 3u);
  response(2, 482);
  EXPECT_FALSE(has(response(3, 482), "forward")) << "the phone still holds the first";
  response(1, 180);
  EXPECT_TRUE(has(response(1, 487), "forward b4 sip:103@10.0.0.8:5060"));
  EXPECT_TRUE(has(response(4, 200), "respond 200"));
}

TEST_F(Collision, ABusyPhoneThatHasSpokenOnTheFirstIsBusyWithIt) {
  two_branches();
  response(1, 100);
  EXPECT_FALSE(has(response(2, 486), "respond"));
  EXPECT_TRUE(has(response(1, 487), "forward b3"));
  EXPECT_TRUE(has(response(3, 486), "respond 486")) << "now it means it";
}

TEST_F(Collision, WhenTheFirstHasEndedAlreadyItDialsAtOnce) {
  two_branches();
  response(1, 180);
  response(1, 487);
  EXPECT_TRUE(has(response(2, 482), "forward b3"));
  EXPECT_TRUE(has(response(3, 482), "respond 482")) << "and not for ever";
}

TEST_F(Collision, TheFirstOnesTimeoutDialsAgainToo) {
  two_branches();
  response(2, 482);
  EXPECT_TRUE(has(fail(1, branch_failed::why::timeout), "forward b3"));
}

TEST_F(Collision, AfterTheCallersCancelNothingIsDialledAgain) {
  two_branches();
  response(1, 180);
  response(2, 482);
  cancel();
  EXPECT_TRUE(has(response(1, 487), "respond 487"));
  EXPECT_EQ(forwards().size(), 2u);
}

TEST_F(CallRace, ARegisterByTheSameFlowSendsTheUnansweredInviteAgain) {
  register_(iphone());
  invite();
  EXPECT_TRUE(has(wake(iphone(), "10.0.0.1:5060"), "forward b1"));
  EXPECT_TRUE(has(wake(iphone(), "10.0.0.1:5060"), "resend b1"));
  response(1, 180);
  EXPECT_FALSE(has(wake(iphone(), "10.0.0.1:5060"), "resend"));
}

TEST_F(CallRace, TheDeadlineDoesNotWaitForAPhoneThatSaidNothing) {
  register_(iphone());
  invite();
  pass(seconds(29));
  wake(iphone(), "10.0.0.1:5060");
  const std::string text = pass(seconds(1));
  EXPECT_TRUE(has(text, "cancel b1") && has(text, "respond 480")) << text;
  EXPECT_FALSE(has(response(1, 200), "respond")) << "the 480 has left";
}

TEST_F(CallRace, TheDeadlineWaitsForAPhoneThatHasAnsweredAnything) {
  register_(iphone());
  invite();
  wake(iphone(), "10.0.0.1:5060");
  response(1, 100);
  EXPECT_FALSE(has(pass(seconds(30)), "respond"));
  EXPECT_TRUE(has(response(1, 487), "respond 480"));
}

TEST_F(CallRace, AnsweredElsewhereAfterTheDeadlineLeavesNothingToTell) {
  register_(iphone());
  invite();
  wake(iphone(), "10.0.0.1:5060");
  response(1, 180);
  pass(seconds(30));
  ASSERT_EQ(stored().bucket.size(), 1u);
  EXPECT_TRUE(has(cancel(1, "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\n"), "write remove-entry"));
  EXPECT_TRUE(has(response(1, 487), "respond 480"));
  EXPECT_TRUE(stored().bucket.empty());
}

TEST_F(CallRace, AnAbandonedBranchs482AndBusyAreIgnored) {
  register_(iphone());
  invite();
  wake(iphone(), "10.0.0.1:5060");
  wake(iphone("10.0.0.7:5060"), "10.0.0.7:5060");
  EXPECT_FALSE(has(response(1, 482), "respond"));
  EXPECT_TRUE(has(response(2, 180), "respond 180"));
  EXPECT_TRUE(has(response(2, 200), "respond 200"));
}

TEST_F(CallRace, AnAbandonedBranchs180IsNotPassedOnButIts2xxIs) {
  register_(iphone());
  invite();
  wake(iphone(), "10.0.0.1:5060");
  wake(iphone("10.0.0.7:5060"), "10.0.0.7:5060");
  EXPECT_FALSE(has(response(1, 180), "respond"));
  const std::string text = response(1, 200);
  EXPECT_TRUE(has(text, "respond 200")) << text;
  EXPECT_TRUE(has(text, "cancel b2")) << text;
}

TEST_F(CallRace, ABusyDoesNotWaitForAnAbandonedBranch) {
  register_(iphone());
  invite();
  wake(iphone(), "10.0.0.1:5060");
  wake(iphone("10.0.0.7:5060"), "10.0.0.7:5060");
  EXPECT_TRUE(has(response(2, 486), "respond 486"));
}

TEST_F(CallRace, RegistersAfterRingingCauseNothing) {
  register_(iphone());
  invite();
  wake(iphone(), "10.0.0.1:5060");
  response(1, 180);
  EXPECT_FALSE(has(wake(iphone("10.0.0.7:5060"), "10.0.0.7:5060"), "forward"));
}

TEST_F(CallRace, ABranchLostBeforeRingingIsParkedAgainTillTheDeadline) {
  for (const int status : {408, 430, 503}) {
    start(nullptr);
    register_(iphone());
    invite("lost-" + std::to_string(status));
    wake(iphone(), "10.0.0.1:5060");
    EXPECT_FALSE(has(response(1, status), "respond")) << status;
    EXPECT_TRUE(has(wake(iphone(), "10.0.0.1:5060"), "forward b2")) << status;
  }
}

TEST_F(CallRace, ATransportErrorParksAgainToo) {
  register_(iphone());
  invite();
  wake(iphone(), "10.0.0.1:5060");
  EXPECT_FALSE(has(fail(1, branch_failed::why::transport_error), "respond"));
  EXPECT_TRUE(has(pass(seconds(30)), "respond 480"));
}

TEST_F(CallRace, AfterRingingA503IsThePhonesLastWord) {
  register_(iphone());
  invite();
  wake(iphone(), "10.0.0.1:5060");
  response(1, 180);
  EXPECT_TRUE(has(response(1, 503), "respond 500")) << "RFC 3261 16.7 step 6";
}

TEST_F(CallRace, ChallengesToARegisterNeitherReleaseNorEnd) {
  register_(iphone());
  invite();
  EXPECT_EQ(register_(iphone(), {.cseq = 2, .expires = "3"}), "send 423");
  EXPECT_EQ(register_(iphone(), {.call_id = "new", .cseq = 3}).find("send 200"), 0u);
  EXPECT_EQ(forwards().size(), 1u);
}

TEST_F(CallRace, UnregistrationWhileParkedWaitsThreeSecondsForTheSameDevice) {
  register_(iphone("10.0.0.1:5060", token_a, ";label=m"));
  invite();
  EXPECT_TRUE(has(register_(iphone("10.0.0.1:5060", token_a, ";label=m"), {.cseq = 2, .expires = "0"}),
                  "withdraw p1; timer left_grace +3000"));
  EXPECT_EQ(pass(milliseconds(2999)), "");
  EXPECT_TRUE(has(wake(iphone("10.0.0.7:5060", token_b, ";label=m"), "10.0.0.7:5060"), "clear left_grace; forward b1"));
}

TEST_F(CallRace, UnregistrationWhileParkedEndsAs480AndKeepsTheEntry) {
  register_(iphone());
  invite();
  register_(iphone(), {.cseq = 2, .expires = "0"});
  EXPECT_TRUE(has(pass(seconds(3)), "respond 480"));
  EXPECT_EQ(stored().bucket.size(), 1u);
}

TEST_F(CallRace, UnregistrationBeforeThePushWasQueuedSendsNone) {
  register_(iphone());
  store_ = store_manner::silent;
  invite();
  register_(iphone(), {.cseq = 2, .expires = "0"});
  EXPECT_FALSE(has(written(1), "push"));
}

TEST_F(CallRace, CancelBeforeTheEntryIsWrittenSendsNoPush) {
  register_(iphone());
  store_ = store_manner::silent;
  invite();
  cancel();
  EXPECT_FALSE(has(written(1), "push"));
  EXPECT_FALSE(has(pass(seconds(1)), "push"));
}

TEST_F(CallRace, TheOutcomeWithdrawsThePushesOfAllDevices) {
  register_(iphone("10.0.0.1:5060", token_a, ";label=m"));
  register_(android(), {.call_id = "two"});
  invite();
  EXPECT_EQ(count(cancel(), "withdraw"), 2u);
}

TEST_F(CallRace, RingingWithdrawsOnlyItsOwnPush) {
  register_(iphone("10.0.0.1:5060", token_a, ";label=m"));
  register_(android(), {.call_id = "two"});
  invite();
  wake(android(), "10.0.0.2:5060");
  const std::string text = response(1, 180);
  EXPECT_EQ(count(text, "withdraw"), 1u) << text;
  EXPECT_TRUE(has(text, "withdraw p2")) << text;
}

TEST_F(CallRace, AnAnsweredPushIsNotWithdrawn) {
  register_(iphone());
  invite();
  push_answer(0, pns::accepted{});
  EXPECT_EQ(count(cancel(), "withdraw"), 0u);
}

TEST_F(CallRace, RepeatsOfThe2xxArePassedOn) {
  register_(iphone());
  invite();
  wake(iphone(), "10.0.0.1:5060");
  response(1, 200);
  EXPECT_EQ(response(1, 200), "respond 200");
  EXPECT_FALSE(has(pass(seconds(32)), "timer")) << "nobody waits for anything any more";
  EXPECT_EQ(response(1, 200), "");
}

TEST_F(CallRace, NumbersOfALaterIncarnationDoNotMeetOldOnes) {
  register_(iphone());
  invite();
  const branch_id old{forwards().empty() ? 0 : forwards()[0].branch.call, 1};
  const subscriber_record record = stored();
  start(&record);
  EXPECT_EQ(apply(branch_failed{branch_failed::why::timeout, old}).find("respond"), std::string::npos);
}

}  // namespace
}  // namespace reveille
