// REGISTER through the subscriber: SPEC 2, RFC 3261 10.3, RFC 8599.
#include "tests/actors/subscriber_fixture.hpp"

namespace reveille {
namespace {

using Registration = SubscriberTest;

TEST_F(Registration, AnswersANewPushBindingOnlyAfterItIsDurable) {
  store_ = store_manner::silent;
  EXPECT_EQ(register_(iphone()), "write bindings; timer pending_write +2000");
  EXPECT_EQ(written(0), "clear pending_write; send 200");
  EXPECT_EQ(subscriber_->binding_count(), 1u);
}

TEST_F(Registration, AnswersARefreshAtOnceAndWritesItsAddressBehind) {
  register_(iphone());
  const std::string text = register_(iphone(), {.cseq = 2});
  EXPECT_EQ(text.substr(0, 9), "send 200;");
  EXPECT_TRUE(has(text, "timer soft_write")) << text;
  EXPECT_EQ(register_(iphone(), {.cseq = 3}), "send 200") << "one effect once the timer stands";
  EXPECT_EQ(pass(seconds(60)), "write bindings");
  EXPECT_TRUE(subscriber_->at_rest());
}

TEST_F(Registration, MakesEveryRefreshOfAPlainBindingDurable) {
  register_(desk());
  EXPECT_TRUE(has(register_(desk(), {.cseq = 2}), "write bindings"));
}

TEST_F(Registration, Answers503WithRetryAfterWhenTheStoreFails) {
  store_ = store_manner::silent;
  register_(iphone());
  EXPECT_EQ(written(0, false), "clear pending_write; send 503");
  EXPECT_TRUE(has(last_packet(), "Retry-After: "));
  EXPECT_TRUE(noted("register_write_failed"));
}

TEST_F(Registration, Answers503WhenTheStoreNeverAnswers) {
  store_ = store_manner::silent;
  register_(iphone());
  EXPECT_EQ(pass(seconds(2)), "send 503");
  EXPECT_TRUE(noted("register_write_late"));
}

TEST_F(Registration, AsksForTheDiskAgainAfterAFailedWrite) {
  store_ = store_manner::silent;
  register_(iphone());
  written(0, false);
  EXPECT_TRUE(has(register_(iphone(), {.cseq = 2}), "write bindings")) << "a 200 now would promise what is not on disk";
  EXPECT_TRUE(has(written(1), "send 200"));
  EXPECT_EQ(register_(iphone(), {.cseq = 3}).substr(0, 8), "send 200");
}

TEST_F(Registration, OneDevicesFailedWriteDoesNotHoldUpTheOthersRefreshes) {
  register_(iphone("10.0.0.1:5060", token_a, ";label=a"));
  store_ = store_manner::silent;
  const std::size_t before = writes().size();
  register_(android("10.0.0.2:5060", "fcm-token-1", ";label=b"), {.call_id = "two"});
  written(before, false);
  EXPECT_TRUE(has(register_(iphone("10.0.0.1:5060", token_a, ";label=a"), {.cseq = 2}), "send 200"));
  EXPECT_TRUE(has(wake(iphone("10.0.0.1:6060", token_a, ";label=a"), "10.0.0.1:6060"), "send 200")) << "moved, all the same";
  EXPECT_FALSE(has(register_(android("10.0.0.2:5060", "fcm-token-1", ";label=b"), {.call_id = "two", .cseq = 2}), "send 200"))
      << "its own identity is not on disk";
}

TEST_F(Registration, ARemovalThatFailedIsNotAcknowledgedWhenItIsSentAgain) {
  register_(iphone());
  store_ = store_manner::silent;
  const std::size_t before = writes().size();
  register_(iphone(), {.cseq = 2, .expires = "0"});
  written(before, false);
  EXPECT_FALSE(has(register_(iphone(), {.cseq = 3, .expires = "0"}), "send 200")) << "it would come back with the next start";
}

TEST_F(Registration, ComingBackWhileACallWaitsIsDurableBeforeThe200) {
  register_(iphone());
  invite();
  register_(iphone(), {.cseq = 2, .expires = "0"});
  const std::string text = register_(iphone(), {.cseq = 3});
  EXPECT_TRUE(has(text, "write bindings") && text.find("write bindings") < text.find("send 200")) << text;
  const subscriber_record record = stored();
  start(&record);
  EXPECT_EQ(subscriber_->binding_count(), 1u);
}

TEST_F(Registration, ARetransmissionReleasesWhatIsParkedAndTellsNothing) {
  register_(iphone());
  invite("missed");
  pass(seconds(30));
  invite("waits");
  const std::string text = register_(iphone());
  EXPECT_TRUE(has(text, "send 200") && has(text, "forward b1")) << text;
  EXPECT_FALSE(has(text, "missed"));
  EXPECT_FALSE(has(register_(iphone()), "resend")) << "it says nothing about the INVITE that is out";
}

TEST_F(Registration, AbsorbsARetransmissionWhileTheDiskIsAwaited) {
  store_ = store_manner::silent;
  register_(iphone());
  EXPECT_EQ(register_(iphone()), "");
}

TEST_F(Registration, GivesARetransmissionTheSame200WithoutEffect) {
  register_(iphone());
  const std::string first = last_packet();
  EXPECT_EQ(register_(iphone()), "send 200");
  EXPECT_EQ(last_packet(), first);
}

TEST_F(Registration, RefusesAnOlderCSeqOfTheSameCallId) {
  register_(iphone(), {.cseq = 5});
  EXPECT_EQ(register_(iphone(), {.cseq = 4}), "send 500");
  EXPECT_EQ(register_(iphone("10.0.0.8:5060"), {.cseq = 4}), "send 500");
  EXPECT_EQ(register_(iphone(), {.cseq = 5, .branch = "z9hG4bK-other"}), "send 500");
}

TEST_F(Registration, RefusesAnOvertakenRegisterThoughTheDeviceHasOtherNamesSince) {
  register_(iphone("10.0.0.1:5060", token_a, ";label=new"), {.cseq = 7});
  EXPECT_TRUE(has(register_(iphone("10.0.0.1:5060", token_b, ";label=old"), {.cseq = 6}), "send 500"));
  EXPECT_EQ(subscriber_->binding_count(), 1u) << "else it would be two devices";
  EXPECT_FALSE(has(register_(android(), {.cseq = 8}), "send 500")) << "a second device of the same client";
  EXPECT_EQ(subscriber_->binding_count(), 2u);
}

TEST_F(Registration, TakesAnyCSeqOfANewCallId) {
  register_(iphone(), {.cseq = 500});
  EXPECT_TRUE(has(register_(iphone(), {.call_id = "rebooted", .cseq = 1}), "send 200"));
  EXPECT_EQ(subscriber_->binding_count(), 1u);
}

TEST_F(Registration, ALateRegisterDoesNotUndoAnUnregistration) {
  register_(iphone(), {.cseq = 1});
  register_(iphone(), {.cseq = 2, .expires = "0"});
  EXPECT_EQ(register_(iphone(), {.cseq = 1}), "send 500");
  EXPECT_EQ(subscriber_->binding_count(), 0u);
}

TEST_F(Registration, RemembersTheLastRemovalsForAWhileAndOverARestart) {
  register_(iphone());
  register_(android(), {.call_id = "two"});
  register_(iphone(), {.cseq = 2, .expires = "0"});
  register_(android(), {.call_id = "two", .cseq = 2, .expires = "0"});
  EXPECT_EQ(register_(iphone(), {.cseq = 1}), "send 500") << "not only the very last";
  const subscriber_record record = stored();
  start(&record);
  EXPECT_EQ(register_(android(), {.call_id = "two", .cseq = 1}), "send 500");
  pass(seconds(64));
  EXPECT_TRUE(has(register_(iphone(), {.cseq = 1}), "send 200")) << "by now it is no late datagram but a client that counts anew";
}

TEST_F(Registration, Answers423BelowMinExpiresAndChangesNothing) {
  EXPECT_EQ(register_(iphone(), {.expires = "59"}), "send 423");
  EXPECT_TRUE(has(last_packet(), "Min-Expires: 60\r\n"));
  EXPECT_EQ(subscriber_->binding_count(), 0u);
  EXPECT_TRUE(subscriber_->unknown());
}

TEST_F(Registration, GrantsAtMostMaxExpires) {
  register_(iphone(), {.expires = "99999999"});
  EXPECT_TRUE(has(last_packet(), ";expires=604800\r\n"));
}

TEST_F(Registration, TheContactsOwnExpiresWins) {
  register_(iphone("10.0.0.1:5060", token_a, ";expires=120"));
  EXPECT_TRUE(has(last_packet(), ";expires=120\r\n"));
}

TEST_F(Registration, AMalformedExpiresMeansTheDefault) {
  register_(iphone("10.0.0.1:5060", token_a, ";expires=soon"));
  EXPECT_TRUE(has(last_packet(), ";expires=3600\r\n"));
}

TEST_F(Registration, FetchListsWhatIsBoundWithoutPushParameters) {
  register_(iphone());
  EXPECT_EQ(register_("", {.cseq = 2, .expires = ""}), "send 200");
  EXPECT_TRUE(has(last_packet(), "Contact: <sip:103@10.0.0.1:5060>;expires=3600\r\n")) << last_packet();
  EXPECT_FALSE(has(last_packet(), "pn-prid"));
}

TEST_F(Registration, ShowsPushParametersOnlyToTheDeviceThatSentThem) {
  register_(iphone("10.0.0.1:5060", token_a, ";+sip.instance=\"<urn:a>\""));
  register_(android("10.0.0.2:5060", "fcm-token-1", ";+sip.instance=\"<urn:b>\""), {.call_id = "phone-2"});
  EXPECT_TRUE(has(last_packet(), "fcm-token-1"));
  EXPECT_FALSE(has(last_packet(), token_a));
  EXPECT_TRUE(has(last_packet(), "sip:103@10.0.0.1:5060>;+sip.instance=\"<urn:a>\""));
}

TEST_F(Registration, NeverListsForeignPushParametersOfThirdProviders) {
  register_("<sip:103@10.0.0.5;pn-provider=acme;pn-prid=secret>;+sip.instance=\"<urn:x>\"");
  register_(android(), {.call_id = "phone-2"});
  EXPECT_FALSE(has(last_packet(), "secret"));
}

TEST_F(Registration, ARefreshIsTheSameWithOrWithoutADisplayName) {
  const std::string named = "\"Bob\" " + iphone("10.0.0.1:5060", token_a, ";+sip.instance=\"<urn:a>\"");
  register_(named);
  pass(seconds(1));
  EXPECT_FALSE(has(register_(named, {.cseq = 2}), "write bindings")) << "written behind, not before";
  EXPECT_TRUE(has(last_packet(), token_a)) << "its own parameters are shown to it";
  EXPECT_TRUE(has(last_packet(), "Feature-Caps: *;+sip.pns=\"apns\"\r\n"));
  EXPECT_EQ(subscriber_->binding_count(), 1u);
}

TEST_F(Registration, StarLeavesPushBindingsAndListsThem) {
  register_(iphone());
  register_(desk(), {.call_id = "desk"});
  register_("*", {.call_id = "desk", .cseq = 2, .expires = "0"});
  EXPECT_EQ(subscriber_->binding_count(), 1u);
  EXPECT_TRUE(has(last_packet(), "Contact: <sip:103@10.0.0.1:5060>;expires=3600"));
  EXPECT_FALSE(has(last_packet(), token_a));
}

TEST_F(Registration, StarRemovesPushBindingsWhereTheOperatorSaysSo) {
  config_.star = star_removes_push::yes;
  register_(iphone());
  register_("*", {.cseq = 2, .expires = "0"});
  EXPECT_EQ(subscriber_->binding_count(), 0u);
}

TEST_F(Registration, StarNeedsExpiresZero) {
  EXPECT_ANY_THROW(register_("*", {.cseq = 2, .expires = "60"})) << "the scanner refuses it already";
  EXPECT_ANY_THROW(register_("*", {.cseq = 2, .expires = ""}));
}

TEST_F(Registration, IsAllOrNothing) {
  EXPECT_EQ(register_(iphone() + ", " + desk("10.0.0.9:5060", ";expires=3")), "send 423");
  EXPECT_EQ(subscriber_->binding_count(), 0u);
  EXPECT_EQ(register_(iphone() + ", <mailto:a@b>", {.cseq = 2}), "send 400");
  EXPECT_EQ(subscriber_->binding_count(), 0u);
}

TEST_F(Registration, APushBindingOutlivesItsExpiry) {
  register_(iphone());
  pass(std::chrono::hours(24 * 400));
  EXPECT_EQ(count(invite(), "push apns invite"), 1u);
}

TEST_F(Registration, AnOrdinaryBindingExpires) {
  register_(desk());
  pass(seconds(3601));
  EXPECT_TRUE(has(invite(), "respond 480"));
}

TEST_F(Registration, EvictsTheLongestUnseenLapsedPushBindingAtTheBound) {
  config_.contacts = 2;
  register_(iphone("10.0.0.1:5060", token_a), {.expires = "60"});
  pass(seconds(10));
  register_(iphone("10.0.0.2:5060", token_b), {.call_id = "b", .expires = "60"});
  pass(seconds(100));
  EXPECT_TRUE(has(register_(android(), {.call_id = "c", .trust = peer_trust::trusted}), "send 200"));
  EXPECT_EQ(subscriber_->binding_count(), 2u);
  EXPECT_TRUE(noted("binding_evicted"));
  EXPECT_EQ(count(invite(), "push apns"), 1u);
  EXPECT_EQ(pushes().front().target.tokens.front().value.view(), token_b);
}

TEST_F(Registration, Answers403AtTheBoundWhenNobodyHasLapsed) {
  config_.contacts = 1;
  register_(iphone());
  EXPECT_EQ(register_(android(), {.call_id = "c"}), "send 403");
  EXPECT_TRUE(noted("contacts_full"));
  EXPECT_EQ(subscriber_->binding_count(), 1u);
}

TEST_F(Registration, ALoweredBoundShutsNobodyOut) {
  register_(iphone());
  register_(android(), {.call_id = "c"});
  config_.contacts = 1;
  EXPECT_TRUE(has(wake(iphone("10.0.0.7:5060"), "10.0.0.7:5060"), "send 200"));
  EXPECT_EQ(subscriber_->binding_count(), 2u);
  EXPECT_EQ(register_(desk(), {.call_id = "d"}), "send 403") << "but nobody comes in";
}

TEST_F(Registration, KeepsThePathAndUsesItAsRoute) {
  register_(desk(), {.lines = "Supported: path\nPath: <sip:edge1.example.com;lr>\nPath: <sip:edge2.example.com;lr>\n"});
  EXPECT_TRUE(has(last_packet(), "Path: <sip:edge1.example.com;lr>\r\nPath: <sip:edge2.example.com;lr>\r\n"));
  EXPECT_TRUE(has(invite(), "forward b1 sip:103@10.0.0.9:5060 via <sip:edge1.example.com;lr>, <sip:edge2.example.com;lr>"));
}

TEST_F(Registration, AnUnknownUserWhoOnlyUnregistersStaysUnknown) {
  EXPECT_TRUE(has(register_(iphone(), {.expires = "0"}), "send 200"));
  EXPECT_TRUE(subscriber_->unknown());
}

TEST_F(Registration, BoundsTheRegistersThatWaitForTheDisk) {
  config_.messages = 2;
  store_ = store_manner::silent;
  register_(iphone("10.0.0.1:5060", token_a, ";label=a"));
  register_(iphone("10.0.0.2:5060", token_b, ";label=b"), {.call_id = "b"});
  EXPECT_EQ(register_(android(), {.call_id = "c"}), "send 503");
  EXPECT_TRUE(noted("messages_full"));
}

TEST_F(Registration, TwoWritesMayFinishInAnyOrderAndTimeOutApart) {
  store_ = store_manner::silent;
  register_(iphone("10.0.0.1:5060", token_a, ";label=a"));
  pass(seconds(1));
  register_(iphone("10.0.0.2:5060", token_b, ";label=b"), {.call_id = "b"});
  EXPECT_TRUE(has(written(1), "send 200"));
  EXPECT_EQ(pass(seconds(1)), "send 503");
  EXPECT_EQ(timers(), 0u);
  EXPECT_EQ(written(0), "") << "too late to answer";
  EXPECT_TRUE(subscriber_->at_rest());
}

TEST_F(Registration, ADaysWorkFitsTheMemoryBudget) {
  register_(iphone("10.0.0.1:5060", token_a, ";+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\""));
  pass(seconds(120));
  EXPECT_TRUE(subscriber_->at_rest());
  // 1 KB less the lean actor, its directory entry and unique_ptr (docs/roadmap.md).
  EXPECT_LE(subscriber_->resident_bytes(), 700u) << subscriber_->resident_bytes();
}

}  // namespace
}  // namespace reveille
