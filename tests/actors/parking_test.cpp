// A sleeping phone is pushed, its call parked and released: SPEC 3.1 to 3.4, 3.6, 3.7, 4.1, 4.2.
#include "tests/actors/subscriber_fixture.hpp"

namespace reveille {
namespace {

using Parking = SubscriberTest;

TEST_F(Parking, Answers404ForAnUnknownUser) { EXPECT_EQ(invite(), "respond 404"); }

TEST_F(Parking, Answers480ForAKnownUserWithoutABinding) {
  register_(iphone());
  register_(iphone(), {.cseq = 2, .expires = "0"});
  EXPECT_EQ(invite(), "respond 480");
  EXPECT_TRUE(has(last_packet(), "Reason: Q.850;cause=20\r\n"));
}

TEST_F(Parking, WritesTheEntryBeforeThePushIsQueued) {
  register_(iphone());
  store_ = store_manner::silent;
  EXPECT_EQ(invite(), "timer answer_deadline +30000; write entry; timer bucket_write_late +50");
  EXPECT_EQ(written(1), "clear bucket_write_late; push apns invite");
}

TEST_F(Parking, PushesWithoutTheEntryWhenTheDiskIsLate) {
  register_(iphone());
  store_ = store_manner::silent;
  invite();
  EXPECT_EQ(pass(milliseconds(49)), "");
  EXPECT_EQ(pass(milliseconds(1)), "push apns invite");
  EXPECT_TRUE(noted("bucket_write_late"));
  EXPECT_EQ(written(1), "") << "the late write pushes nothing again";
}

TEST_F(Parking, PushesAtOnceWhenTheWriteFails) {
  register_(iphone());
  store_ = store_manner::silent;
  invite();
  EXPECT_EQ(written(1, false), "timer soft_write +5000; clear bucket_write_late; push apns invite");
}

TEST_F(Parking, StoresTheInviteWithItsEntry) {
  register_(iphone());
  invite();
  ASSERT_EQ(stored().parked.size(), 1u);
  EXPECT_EQ(stored().parked[0].invite.substr(0, 6), "INVITE");
  ASSERT_EQ(stored().bucket.size(), 1u);
  EXPECT_EQ(stored().bucket[0].remote_uri, "101");
  EXPECT_EQ(stored().bucket[0].display_name, "Ann");
  EXPECT_EQ(stored().bucket[0].deadline, now_.wall + seconds(30));
}

TEST_F(Parking, PushesEachDeviceOnceWithItsDeadlineLessTheMargin) {
  register_(iphone("10.0.0.1:5060", token_a, ";label=one"));
  register_(android(), {.call_id = "two"});
  const std::string text = invite();
  EXPECT_EQ(count(text, "push apns invite"), 1u);
  EXPECT_EQ(count(text, "push fcm invite"), 1u);
  EXPECT_EQ(count(text, "write entry"), 1u);
  EXPECT_EQ(pushes()[0].expires, now_.wall + seconds(28)) << "the documented 28";
  EXPECT_EQ(pushes()[0].deadline, now_.steady + seconds(30));
}

TEST_F(Parking, NeverDialsAPushDeviceBeforeItRegisters) {
  register_(iphone());
  EXPECT_FALSE(has(invite(), "forward"));
}

TEST_F(Parking, DialsALiveDeviceWhereTheOperatorSaysSo) {
  config_.live_flow = dial_live_flow::yes;
  register_(iphone());
  const std::string text = invite();
  EXPECT_TRUE(has(text, "forward b1 sip:103@10.0.0.1:5060")) << text;
  EXPECT_TRUE(has(text, "push apns invite")) << "push.when = always";
}

TEST_F(Parking, PushesOnlySleepersWhereTheOperatorSaysSo) {
  config_.live_flow = dial_live_flow::yes;
  config_.push = push_when::asleep;
  register_(iphone());
  EXPECT_EQ(count(invite(), "push"), 0u);
  response(1, 486);
  pass(seconds(4000));
  EXPECT_EQ(count(invite("call-2"), "push apns invite"), 1u);
}

TEST_F(Parking, PushesADeviceThatOnlySeemedAwake) {
  config_.live_flow = dial_live_flow::yes;
  config_.push = push_when::asleep;
  register_(iphone());
  EXPECT_FALSE(has(invite(), "push"));
  const std::string text = fail(1, branch_failed::why::transport_error);
  EXPECT_TRUE(has(text, "write entry")) << text;
  EXPECT_TRUE(has(text, "push apns invite")) << text;
  EXPECT_TRUE(has(wake(iphone("10.0.0.7:5060"), "10.0.0.7:5060"), "forward b2"));
}

TEST_F(Parking, ReleasesWhenTheDeviceRegisters) {
  register_(iphone());
  invite();
  register_(iphone(), {.cseq = 2});
  EXPECT_EQ(forwards().size(), 1u);
  response(1, 200);
  invite("call-2");
  EXPECT_EQ(register_(iphone(), {.cseq = 3}), "send 200; forward b1 sip:103@10.0.0.1:5060");
}

TEST_F(Parking, The200GoesBeforeTheInviteOnTheSameFlow) {
  register_(iphone());
  invite();
  const std::string text = register_(iphone(), {.cseq = 2});
  EXPECT_LT(text.find("send 200"), text.find("forward b1"));
}

TEST_F(Parking, TheInviteDoesNotWaitForTheDisk) {
  register_(iphone("10.0.0.1:5060", token_a, ";label=m"));
  invite();
  store_ = store_manner::silent;
  const std::string text = register_(iphone("10.0.0.1:5060", token_b, ";label=m"), {.cseq = 2});
  EXPECT_TRUE(has(text, "forward b1")) << text;
  EXPECT_FALSE(has(text, "send 200")) << text;
}

TEST_F(Parking, GoesToTheFlowAndPathOfTheRegister) {
  register_(iphone());
  invite();
  register_(iphone("10.0.0.1:5060"), {.cseq = 2, .from = "203.0.113.7:40000", .lines = "Path: <sip:edge;lr>\n"});
  ASSERT_EQ(forwards().size(), 1u);
  EXPECT_EQ(forwards()[0].to.remote.text(), "203.0.113.7:40000");
  EXPECT_EQ(forwards()[0].route, "<sip:edge;lr>");
  EXPECT_EQ(forwards()[0].request_uri, "sip:103@10.0.0.1:5060");
}

TEST_F(Parking, ANewTokenAddressAndCallIdReleaseTheSameDevice) {
  register_(iphone("10.0.0.1:5060", token_a, ";label=m"));
  invite();
  EXPECT_TRUE(has(wake(iphone("10.0.0.8:5060", token_b, ";label=m"), "10.0.0.8:5060"), "forward b1 sip:103@10.0.0.8:5060"));
}

TEST_F(Parking, AnotherDevicesRegisterReleasesNothing) {
  register_(iphone("10.0.0.1:5060", token_a, ";label=m"));
  register_(android(), {.call_id = "two"});
  invite();
  EXPECT_EQ(count(wake(desk(), "10.0.0.9:5060"), "forward"), 0u);
  EXPECT_EQ(count(wake(android(), "10.0.0.2:5060"), "forward"), 1u) << "only its own";
}

TEST_F(Parking, ADeviceThatRegistersBeforeItsPushIsReleasedAndStillPushed) {
  register_(iphone());
  store_ = store_manner::silent;
  invite();
  EXPECT_TRUE(has(wake(iphone(), "10.0.0.1:5060"), "forward b1"));
  EXPECT_TRUE(has(written(1), "push apns invite")) << "E: the push still goes out";
}

TEST_F(Parking, NoPushFollowsWhenThePhoneRingsFirst) {
  register_(iphone());
  store_ = store_manner::silent;
  invite();
  wake(iphone(), "10.0.0.1:5060");
  response(1, 180);
  EXPECT_FALSE(has(written(1), "push"));
}

TEST_F(Parking, TheCallersOwnDeviceIsNeitherPushedNorDialled) {
  register_(iphone("10.0.0.1:5060", token_a, ";label=m"), {.from = "198.51.100.1:5060"});
  register_(android(), {.call_id = "two"});
  const std::string text = invite("self", {}, "sip:103@example.com");
  EXPECT_EQ(count(text, "push"), 1u) << text;
  EXPECT_TRUE(has(text, "push fcm")) << text;
}

TEST_F(Parking, ThePhonesBehindTheCallersSbcAreNotTheCallers) {
  register_(iphone("10.0.0.1:5060", token_a, ";label=m"), {.from = "198.51.100.1:5060"});
  register_(android(), {.call_id = "two", .from = "198.51.100.1:5060"});
  EXPECT_EQ(count(invite("self", {}, "sip:103@example.com"), "push"), 2u) << "one flow for all: it tells nothing";
}

TEST_F(Parking, AnEdgesFlowDoesNotTellTheCallersOwnDevice) {
  register_(iphone(), {.from = "198.51.100.1:5060", .lines = "Path: <sip:edge.example.net;lr>\n"});
  EXPECT_EQ(count(invite("path", {}, "sip:103@example.com"), "push"), 1u);
  start(nullptr);
  register_(iphone(), {.from = "198.51.100.1:5060"});
  EXPECT_EQ(count(invite("vias", "Via: SIP/2.0/UDP 10.0.0.5;branch=z9hG4bK-phone\n", "sip:103@example.com"), "push"), 1u)
      << "the INVITE came through a proxy";
}

TEST_F(Parking, TheCallersOwnDeviceIsKnownByItsNames) {
  const auto call_from = [&](std::string_view call_id, const std::string& contact) {
    request_received e;
    e.request = sip::make_message(
        "INVITE sip:103@example.com SIP/2.0\nVia: SIP/2.0/UDP 198.51.100.1;branch=z9hG4bK-" + std::string(call_id) +
        "\nMax-Forwards: 70\nFrom: <sip:103@example.com>;tag=a\nTo: <sip:103@example.com>\nCall-ID: " +
        std::string(call_id) + "\nCSeq: 1 INVITE\nContact: " + contact + "\nContent-Length: 0\n\n");
    e.transaction = {shard_id{0}, 900 + static_cast<std::uint32_t>(pushes().size()), 0};
    e.source.remote = *parse_endpoint("198.51.100.1:5060");
    return apply(e);
  };
  register_(iphone("192.168.1.5:5060", token_a, ";+sip.instance=\"<urn:a>\""));
  register_(android("192.168.1.5:5060", "fcm-token-1", ";+sip.instance=\"<urn:b>\""), {.call_id = "two"});
  const std::string by_instance = call_from("i", "<sip:103@192.168.1.5:5060>;+sip.instance=\"<urn:a>\"");
  EXPECT_EQ(count(by_instance, "push"), 1u) << "the other one has the same private address: " << by_instance;
  EXPECT_TRUE(has(by_instance, "push fcm"));
  start(nullptr);
  register_(iphone());
  register_(android(), {.call_id = "two"});
  const std::string by_token = call_from("t", android("10.9.9.9:5060"));
  EXPECT_EQ(count(by_token, "push"), 1u) << by_token;
  EXPECT_TRUE(has(by_token, "push apns"));
}

TEST_F(Parking, TellsTrustedPeersWhyACallTooManyIsRefused) {
  config_.parked_calls = 1;
  register_(iphone());
  invite("one", {}, "sip:101@example.com", peer_trust::trusted);
  EXPECT_TRUE(has(invite("two", {}, "sip:101@example.com", peer_trust::trusted), "respond 480"));
  EXPECT_TRUE(has(last_packet(), "Warning: 399 reveille \"too many requests wait\"\r\n")) << last_packet();
  invite("three");
  EXPECT_FALSE(has(last_packet(), "Warning"));
}

TEST_F(Parking, LimitsPushesPerCalleeAndParksTheRestWithoutOne) {
  config_.pushes_per_minute = 2;
  register_(iphone());
  EXPECT_EQ(count(invite("c1"), "push apns"), 1u);
  EXPECT_EQ(count(invite("c2"), "push apns"), 1u);
  EXPECT_EQ(count(invite("c3"), "push apns"), 0u);
  EXPECT_TRUE(noted("push_limited"));
  EXPECT_EQ(count(wake(iphone(), "10.0.0.1:5060"), "forward"), 3u) << "parked all the same";
}

TEST_F(Parking, BoundsTheParkedCallsOfOneAor) {
  config_.parked_calls = 2;
  register_(iphone());
  invite("c1");
  invite("c2");
  EXPECT_EQ(invite("c3"), "respond 480");
  EXPECT_TRUE(noted("parked_full"));
  EXPECT_EQ(subscriber_->parked_count(), 2u);
}

TEST_F(Parking, MergesASecondInviteOfTheSameCall) {
  register_(iphone());
  invite("same");
  EXPECT_EQ(invite("same"), "respond 482");
  EXPECT_EQ(pushes().size(), 1u);
}

TEST_F(Parking, Answers480AtTheDeadlineAndKeepsTheEntry) {
  register_(iphone());
  invite();
  EXPECT_EQ(pass(milliseconds(29999)), "");
  EXPECT_EQ(pass(milliseconds(1)), "withdraw p1; respond 480; write remove-parked; write over");
  EXPECT_TRUE(has(last_packet(), "Reason: Q.850;cause=20\r\n"));
  EXPECT_EQ(stored().bucket.size(), 1u);
  EXPECT_TRUE(stored().bucket[0].over);
  EXPECT_TRUE(stored().parked.empty());
}

TEST_F(Parking, TheInvitesExpiresShortensTheDeadline) {
  register_(iphone());
  EXPECT_TRUE(has(invite("c", "Expires: 10\n"), "timer answer_deadline +10000"));
  EXPECT_EQ(pushes()[0].expires, now_.wall + seconds(8));
}

TEST_F(Parking, SendsNoPushThatCannotBeAnsweredAnyMore) {
  register_(iphone());
  const std::string text = invite("c", "Expires: 2\n");
  EXPECT_FALSE(has(text, "push")) << text;
}

TEST_F(Parking, ReleaseDoesNotExtendTheDeadline) {
  register_(iphone());
  invite();
  pass(seconds(20));
  wake(iphone(), "10.0.0.1:5060");
  response(1, 180);
  EXPECT_EQ(pass(seconds(10)), "cancel b1; timer cancel_give_up +32000");
  const std::string text = response(1, 487);
  EXPECT_TRUE(has(text, "respond 480")) << text;
  EXPECT_TRUE(has(last_packet(), "Reason: Q.850;cause=19\r\n")) << "rang, no answer";
}

TEST_F(Parking, TellsATrustedPeerThePreciseCause) {
  register_(iphone());
  invite("c", {}, "sip:101@example.com", peer_trust::trusted);
  push_answer(0, pns::credential_fault{});
  pass(seconds(2));
  EXPECT_TRUE(has(last_packet(), "Warning: 399 reveille \"push credentials refused\"\r\n")) << last_packet();
}

TEST_F(Parking, TellsNobodyElseThePreciseCause) {
  register_(iphone());
  invite();
  pass(seconds(30));
  EXPECT_FALSE(has(last_packet(), "Warning"));
}

TEST_F(Parking, MayTellTheCallerOnceThatAPushWasAccepted) {
  config_.provisional = park_provisional::ringing;
  register_(iphone("10.0.0.1:5060", token_a, ";label=m"));
  register_(android(), {.call_id = "two"});
  invite();
  EXPECT_EQ(push_answer(0, pns::accepted{}), "respond 180");
  EXPECT_EQ(push_answer(1, pns::accepted{}), "");
}

TEST_F(Parking, SaysNothingAboutAcceptedPushesByDefault) {
  register_(iphone());
  invite();
  EXPECT_EQ(push_answer(0, pns::accepted{}), "");
}

TEST_F(Parking, TheBucketNamesTheCallerAsThePushDoes) {
  register_(iphone());
  invite("c1", {}, "sip:bob@other.example");
  EXPECT_EQ(std::get<pns::invite_content>(pushes()[0].content).number, "bob@other.example");
  invite("c2", "Privacy: id\n");
  EXPECT_EQ(std::get<pns::invite_content>(pushes()[1].content).number, "anonymous");
  EXPECT_EQ(std::get<pns::invite_content>(pushes()[1].content).display_name, "");
  EXPECT_EQ(stored().bucket[1].remote_uri, "anonymous");
  EXPECT_EQ(stored().bucket[1].display_name, "");
}

TEST_F(Parking, BelievesPAssertedIdentityOnlyFromATrustedPeer) {
  register_(iphone());
  invite("c1", "P-Asserted-Identity: <sip:777@example.com>\n");
  EXPECT_EQ(std::get<pns::invite_content>(pushes()[0].content).number, "101");
  invite("c2", "P-Asserted-Identity: <sip:777@example.com>\n", "sip:101@example.com", peer_trust::trusted);
  EXPECT_EQ(std::get<pns::invite_content>(pushes()[1].content).number, "777");
}

TEST_F(Parking, AnAnsweredCallLeavesTheBucket) {
  register_(iphone());
  invite();
  wake(iphone(), "10.0.0.1:5060");
  const std::string text = response(1, 200);
  EXPECT_LT(text.find("respond 200"), text.find("write remove-entry")) << "removing never delays the 2xx";
  EXPECT_TRUE(stored().bucket.empty());
  EXPECT_TRUE(stored().parked.empty());
}

TEST_F(Parking, AnAnswerByAPlainPhoneCountsToo) {
  register_(iphone());
  register_(desk(), {.call_id = "desk"});
  const std::string text = invite();
  EXPECT_TRUE(has(text, "forward b1 sip:103@10.0.0.9:5060")) << text;
  EXPECT_TRUE(has(response(1, 200), "withdraw p1"));
  EXPECT_TRUE(stored().bucket.empty());
}

TEST_F(Parking, ACancelThatSaysAnsweredElsewhereEmptiesTheBucket) {
  register_(iphone());
  invite();
  cancel(1, "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\n");
  EXPECT_TRUE(stored().bucket.empty());
}

TEST_F(Parking, AnyOtherCancelLeavesAMissedCall) {
  register_(iphone());
  invite();
  cancel(1, "Reason: Q.850;cause=16\n");
  EXPECT_EQ(stored().bucket.size(), 1u);
}

TEST_F(Parking, ADeclinedCallStaysOrGoesAsTheOperatorSays) {
  register_(iphone());
  invite("c1");
  wake(iphone(), "10.0.0.1:5060");
  response(1, 603);
  EXPECT_EQ(stored().bucket.size(), 1u);
  config_.declined = declined_calls::drop;
  invite("c2");
  wake(iphone(), "10.0.0.1:5060");
  response(1, 486);
  EXPECT_EQ(stored().bucket.size(), 1u) << "the second went";
}

TEST_F(Parking, AMessageGoesToLiveContactsOnly) {
  register_(iphone());
  register_(desk(), {.call_id = "desk"});
  const std::string text = message();
  EXPECT_EQ(count(text, "forward"), 2u) << text;
  EXPECT_EQ(count(text, "push"), 0u);
  EXPECT_TRUE(has(response(1, 200), "respond 200"));
  EXPECT_EQ(response(2, 200), "") << "one final response";
  EXPECT_TRUE(pass(seconds(60)).find("timer") == std::string::npos);
  EXPECT_TRUE(subscriber_->at_rest());
}

TEST_F(Parking, AMessageToSleepersIs480) {
  register_(iphone());
  pass(seconds(4000));
  EXPECT_EQ(message(), "respond 480");
  start(nullptr);
  EXPECT_EQ(message(), "respond 404");
}

TEST_F(Parking, NeverAnswers408ToAMessage) {
  register_(desk());
  message();
  EXPECT_EQ(fail(1, branch_failed::why::timeout), "respond 480");
}

TEST_F(Parking, LeavesNothingAtRestAfterACall) {
  register_(iphone());
  invite();
  wake(iphone(), "10.0.0.1:5060");
  response(1, 180);
  response(1, 200);
  pass(seconds(120));
  EXPECT_TRUE(subscriber_->at_rest());
  EXPECT_EQ(timers(), 0u);
}

}  // namespace
}  // namespace reveille
