// REGISTER through the subscriber: SPEC 2, RFC 3261 10.3, RFC 8599.
#include "tests/actors/subscriber_fixture.hpp"

namespace reveille {
namespace {

using Registration = SubscriberTest;

bool has(const std::string& text, std::string_view what) { return text.find(what) != std::string::npos; }

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

TEST_F(Registration, NamesTheProviderAsSentInFeatureCaps) {
  register_("<sip:103@10.0.0.2:5060;pn-provider=Firebase;pn-prid=tok>");
  EXPECT_TRUE(has(last_packet(), "Feature-Caps: *;+sip.pns=\"Firebase\"\r\n")) << last_packet();
  register_("<sip:103@10.0.0.2:5060;pn-provider=Firebase;pn-prid=tok>", {.cseq = 2});
  EXPECT_TRUE(has(last_packet(), "Feature-Caps: *;+sip.pns=\"Firebase\"\r\n")) << "on a refresh too";
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

TEST_F(Registration, TellsASelfWakingDeviceWhenToRefresh) {
  register_(iphone("10.0.0.1:5060", token_a, ";+sip.pnsreg"));
  EXPECT_TRUE(has(last_packet(), "Feature-Caps: *;+sip.pns=\"apns\";+sip.pnsreg=\"130\"\r\n")) << last_packet();
}

TEST_F(Registration, AQueryMakesNoPushBinding) {
  EXPECT_TRUE(has(register_("<sip:103@10.0.0.1:5060;pn-provider=apns>"), "send 200"));
  EXPECT_TRUE(has(last_packet(), "Feature-Caps: *;+sip.pns=\"apns\"\r\n"));
  EXPECT_EQ(count(invite(), "push"), 0u);
}

TEST_F(Registration, AQueryKeepsTheTokenThatItsDeviceIsBoundWith) {
  register_(iphone("10.0.0.1:5060", token_a, ";label=m"));
  pass(seconds(1));
  register_("<sip:103@10.0.0.7:5060;pn-provider=apns>;label=m", {.cseq = 2, .from = "10.0.0.7:5060"});
  EXPECT_TRUE(has(last_packet(), "Feature-Caps: *;+sip.pns=\"apns\"\r\n"));
  EXPECT_EQ(subscriber_->binding_count(), 1u);
  EXPECT_EQ(count(invite(), "push apns invite"), 1u);
  EXPECT_EQ(pushes().front().target.tokens.front().value.view(), token_a);
  EXPECT_EQ(pushes().front().target.app, "com.example.app");
  EXPECT_TRUE(has(register_("<sip:103@10.0.0.7:5060;pn-provider=apns>;label=m", {.cseq = 3, .from = "10.0.0.7:5060"}),
                  "forward b1 sip:103@10.0.0.7:5060"));
  register_(iphone("10.0.0.7:5060", token_a, ";label=m"), {.cseq = 4, .expires = "0"});
  register_("<sip:103@10.0.0.7:5060;pn-provider=apns>;label=m", {.cseq = 5});
  EXPECT_EQ(count(invite("after"), "push"), 0u) << "it creates none";
}

TEST_F(Registration, ARepeatedQueryHearsThatItsProviderIsSwitchedOff) {
  register_("<sip:103@10.0.0.1:5060;pn-provider=apns>");
  config_.enabled = {false, false, false};
  EXPECT_EQ(register_("<sip:103@10.0.0.1:5060;pn-provider=apns>", {.cseq = 2}), "send 555");
}

TEST_F(Registration, AQueryWithoutValueNamesAllProviders) {
  config_.enabled[static_cast<std::size_t>(pns::provider::apns_dev)] = false;
  register_("<sip:103@10.0.0.1:5060;pn-provider>");
  EXPECT_TRUE(has(last_packet(), "Feature-Caps: *;+sip.pns=\"apns\"\r\n")) << last_packet();
  EXPECT_TRUE(has(last_packet(), "Feature-Caps: *;+sip.pns=\"fcm\"\r\n"));
  EXPECT_FALSE(has(last_packet(), "apns.dev"));
}

TEST_F(Registration, Answers555OnlyToAQueryForWhatIsNotSupported) {
  EXPECT_EQ(register_("<sip:103@10.0.0.1:5060;pn-provider=acme>"), "send 555");
  EXPECT_EQ(subscriber_->binding_count(), 0u);
  EXPECT_TRUE(has(register_("<sip:103@10.0.0.1:5060;pn-provider=acme;pn-prid=x>", {.cseq = 2}), "send 200"));
  EXPECT_FALSE(has(last_packet(), "Feature-Caps"));
  config_.enabled = {false, false, false};
  EXPECT_EQ(register_("<sip:103@10.0.0.1:5060;pn-provider>", {.cseq = 3}), "send 555");
}

TEST_F(Registration, LeavesThePushToAnotherHopThatClaimsIt) {
  register_(iphone(), {.lines = "Feature-Caps: *;+sip.pns=\"apns\"\n"});
  EXPECT_FALSE(has(last_packet(), "Feature-Caps"));
  EXPECT_EQ(count(invite(), "push"), 0u);
}

TEST_F(Registration, TakesThePushOverWhenTheOtherHopStops) {
  register_(iphone(), {.lines = "Feature-Caps: *;+SIP.pns=\"apns\"\n"});
  EXPECT_EQ(count(invite("a"), "push"), 0u);
  register_(iphone(), {.cseq = 2});
  EXPECT_TRUE(has(last_packet(), "Feature-Caps: *;+sip.pns=\"apns\""));
  EXPECT_EQ(count(invite("b"), "push apns invite"), 1u);
  EXPECT_EQ(subscriber_->binding_count(), 1u);
}

TEST_F(Registration, GivesThePushUpWhenAnotherHopTakesIt) {
  register_(iphone());
  register_(iphone(), {.cseq = 2, .lines = "Feature-Caps: *;+sip.pns=\"apns\"\n"});
  EXPECT_EQ(subscriber_->binding_count(), 1u) << "one phone, though it has no name but its token";
  EXPECT_EQ(count(invite(), "push"), 0u);
  register_(iphone("10.0.0.7:5060"), {.cseq = 3, .lines = "Feature-Caps: *;+sip.pns=\"apns\"\n"});
  EXPECT_EQ(subscriber_->binding_count(), 1u) << "at another address too";
}

TEST_F(Registration, AMalformedTokenMakesAnOrdinaryBindingWithoutSipPns) {
  EXPECT_TRUE(has(register_("<sip:103@10.0.0.1:5060;pn-provider=apns;pn-prid=not-hex!>"), "send 200"));
  EXPECT_FALSE(has(last_packet(), "Feature-Caps"));
  EXPECT_TRUE(has(invite(), "forward b1"));
}

TEST_F(Registration, TheSameLabelReplacesTheEarlierBinding) {
  register_(iphone("10.0.0.1:5060", token_a, ";label=mine"));
  register_(iphone("10.0.0.7:5060", token_b, ";label=mine"), {.call_id = "other"});
  EXPECT_EQ(subscriber_->binding_count(), 1u);
  EXPECT_EQ(count(invite(), "push apns invite"), 1u);
}

TEST_F(Registration, TheLabelMayStandInTheUri) {
  register_("<sip:103@10.0.0.1:5060;label=mine;pn-provider=apns;pn-prid=" + std::string(token_a) + ">");
  register_(iphone("10.0.0.7:5060", token_b, ";label=mine"), {.call_id = "other"});
  EXPECT_EQ(subscriber_->binding_count(), 1u);
}

TEST_F(Registration, TheInstancePlaysTheLabelWhereThereIsNone) {
  register_(iphone("10.0.0.1:5060", token_a, ";+sip.instance=\"<urn:a>\""));
  register_(iphone("10.0.0.7:5060", token_b, ";+sip.instance=\"<urn:a>\""), {.call_id = "other"});
  EXPECT_EQ(subscriber_->binding_count(), 1u);
}

TEST_F(Registration, TheSameTokenFromANewAddressMovesItsBinding) {
  register_(iphone());
  const std::string text = register_(iphone("10.0.0.7:5070"), {.call_id = "after-move", .from = "10.0.0.7:5070"});
  EXPECT_FALSE(has(text, "write bindings")) << "an address is soft: " << text;
  EXPECT_EQ(subscriber_->binding_count(), 1u);
  EXPECT_TRUE(has(last_packet(), "sip:103@10.0.0.7:5070"));
}

TEST_F(Registration, AChangedTokenIsDurableBeforeThe200) {
  register_(iphone("10.0.0.1:5060", token_a, ";label=mine"));
  EXPECT_EQ(register_(iphone("10.0.0.1:5060", token_b, ";label=mine"), {.cseq = 2}).substr(0, 14), "write bindings");
}

TEST_F(Registration, TwoPhonesWithTheSamePrivateAddressStayTwo) {
  register_(iphone("192.168.1.5:5060", token_a));
  register_(iphone("192.168.1.5:5060", token_b), {.call_id = "other"});
  EXPECT_EQ(subscriber_->binding_count(), 2u);
}

TEST_F(Registration, APlainPhoneAtTheSameAddressDoesNotTakeThePushBindingAway) {
  register_(iphone("192.168.1.5:5060"));
  register_(desk("192.168.1.5:5060"), {.call_id = "desk"});
  EXPECT_EQ(count(invite(), "push apns invite"), 1u);
}

TEST_F(Registration, APlainPhoneThatStartsToPushIsStillOneDevice) {
  register_(desk("10.0.0.1:5060"));
  register_(iphone("10.0.0.1:5060"), {.cseq = 2});
  EXPECT_EQ(subscriber_->binding_count(), 1u);
}

TEST_F(Registration, UnregistersWithTheSamePushParameters) {
  register_(iphone());
  const std::string text = register_(iphone("10.9.9.9:1"), {.cseq = 2, .expires = "0"});
  EXPECT_TRUE(has(text, "write bindings")) << text;
  EXPECT_EQ(subscriber_->binding_count(), 0u);
}

TEST_F(Registration, UnregistrationWithAnotherTokenRemovesNothing) {
  register_(iphone());
  register_(iphone("10.0.0.1:5060", token_b), {.cseq = 2, .expires = "0"});
  EXPECT_EQ(subscriber_->binding_count(), 1u);
}

TEST_F(Registration, RemovalWithoutPridMatchesByLabelOrInstance) {
  register_(iphone("10.0.0.1:5060", token_a, ";+sip.instance=\"<urn:a>\""));
  register_("<sip:103@10.0.0.77>;+sip.instance=\"<urn:a>\"", {.cseq = 2, .expires = "0"});
  EXPECT_EQ(subscriber_->binding_count(), 0u);
}

TEST_F(Registration, RemovalByAddressNeedsExactlyOneMatch) {
  register_(iphone("192.168.1.5:5060", token_a));
  register_(iphone("192.168.1.5:5060", token_b), {.call_id = "other"});
  register_(desk("192.168.1.5:5060"), {.call_id = "third", .expires = "0"});
  EXPECT_EQ(subscriber_->binding_count(), 2u);
  register_(iphone("192.168.1.5:5060", token_b), {.call_id = "fourth", .expires = "0"});
  register_(desk("192.168.1.5:5060"), {.call_id = "fifth", .expires = "0"});
  EXPECT_EQ(subscriber_->binding_count(), 0u);
}

TEST_F(Registration, ADeskPhonesRemovalLeavesTheMobileAtTheSamePrivateAddress) {
  register_(iphone("192.168.1.5:5060", token_a, ";+sip.instance=\"<urn:a>\""));
  register_(desk("192.168.1.5:5060", ";+sip.instance=\"<urn:b>\""), {.call_id = "desk", .expires = "0"});
  EXPECT_EQ(count(invite(), "push apns invite"), 1u);
}

TEST_F(Registration, AMobilesRemovalLeavesTheDeskPhoneAtTheSamePrivateAddress) {
  register_(iphone("192.168.1.5:5060"));
  register_(desk("192.168.1.5:5060"), {.call_id = "desk"});
  ASSERT_EQ(subscriber_->binding_count(), 2u);
  register_(iphone("192.168.1.5:5060"), {.cseq = 2, .expires = "0"});
  EXPECT_EQ(subscriber_->binding_count(), 1u);
  EXPECT_TRUE(has(invite(), "forward b1 sip:103@192.168.1.5:5060"));
}

TEST_F(Registration, TwoPlainPhonesAtOneAddressDoNotGoByOneRemovalWithoutAName) {
  register_(desk("192.168.1.5:5060", ";label=a"));
  register_(desk("192.168.1.5:5060", ";label=b"), {.call_id = "b"});
  register_(desk("192.168.1.5:5060"), {.call_id = "c", .expires = "0"});
  EXPECT_EQ(subscriber_->binding_count(), 2u);
  register_(desk("192.168.1.5:5060", ";label=a"), {.cseq = 2, .expires = "0"});
  EXPECT_EQ(subscriber_->binding_count(), 1u);
}

TEST_F(Registration, UnregistersWithItsTokenWhileAnotherHopPushes) {
  const std::string hop = "Feature-Caps: *;+sip.pns=\"apns\"\n";
  register_(iphone(), {.lines = hop});
  register_(iphone("10.0.0.9:1"), {.cseq = 2, .expires = "0", .lines = hop});
  EXPECT_EQ(subscriber_->binding_count(), 0u);
}

TEST_F(Registration, ATokensDigitsMayBeLargeOrSmall) {
  std::string large(token_a);
  for (char& c : large) c = static_cast<char>(std::toupper(c));
  register_(iphone());
  register_(iphone("10.0.0.7:5060", large), {.call_id = "other"});
  EXPECT_EQ(subscriber_->binding_count(), 1u);
  register_(iphone("10.0.0.7:5060", token_a), {.call_id = "third", .expires = "0"});
  EXPECT_EQ(subscriber_->binding_count(), 0u);
}

TEST_F(Registration, ALabelIsTheSameEscapedInTheUriAndPlainInTheHeader) {
  register_("<sip:103@10.0.0.1:5060;label=my%20phone;pn-provider=apns;pn-prid=" + std::string(token_a) + ">");
  register_(iphone("10.0.0.7:5060", token_b, ";label=\"my phone\""), {.call_id = "other"});
  EXPECT_EQ(subscriber_->binding_count(), 1u);
}

TEST_F(Registration, ATokenOfFourKilobytesArrivesAndALongerOneIsOrdinary) {
  register_(android("10.0.0.2:5060", std::string(4096, 'x')));
  EXPECT_EQ(count(invite("a"), "push fcm"), 1u);
  start(nullptr);
  register_(android("10.0.0.2:5060", std::string(4097, 'x')));
  EXPECT_EQ(count(invite("b"), "push fcm"), 0u);
  EXPECT_EQ(subscriber_->binding_count(), 1u);
}

TEST_F(Registration, OldAndNewContactTogetherMoveTheDevice) {
  register_(iphone("10.0.0.1:5060", token_a, ";label=m"));
  invite();
  const std::string text = register_(iphone("10.0.0.1:5060", token_a, ";label=m;expires=0") + ", " +
                                         iphone("10.0.0.7:5060", token_a, ";label=m"),
                                     {.cseq = 2, .from = "10.0.0.7:5060"});
  EXPECT_EQ(subscriber_->binding_count(), 1u);
  EXPECT_TRUE(has(text, "forward b1 sip:103@10.0.0.7:5060;label")  || has(text, "forward b1 sip:103@10.0.0.7:5060")) << text;
  EXPECT_FALSE(has(text, "left_grace")) << text;
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
  EXPECT_TRUE(has(register_(android(), {.call_id = "c"}), "send 200"));
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

TEST_F(Registration, ASwitchedOffProvidersBindingIsOrdinaryAndComesBack) {
  register_(iphone());
  config_.enabled = {false, false, false};
  EXPECT_TRUE(has(invite("c1"), "forward b1"));
  config_.enabled = {true, true, true};
  EXPECT_EQ(count(invite("c2"), "push apns invite"), 1u);
}

TEST_F(Registration, ASwitchedOffAppsBindingIsOrdinaryAndItsSiblingsAreNot) {
  register_(iphone());
  config_.apps.add(pns::provider::apns, "DEF123GHIJ", "com.example.other", {pns::accounts::many, false});
  EXPECT_EQ(count(invite("c0"), "push apns invite"), 1u);
  config_.apps.add(pns::provider::apns, "DEF123GHIJ", "com.example.app", {pns::accounts::many, false});
  EXPECT_TRUE(has(invite("c1"), "forward b1"));
  register_(iphone(), {.cseq = 2});
  EXPECT_FALSE(has(last_packet(), "Feature-Caps")) << last_packet();
  config_.apps = {};
  EXPECT_EQ(count(invite("c2"), "push apns invite"), 1u);
}

TEST_F(Registration, ALapsedBindingOfASwitchedOffAppGoesAtOnce) {
  register_(iphone());
  pass(seconds(3601));
  config_.apps.add(pns::provider::apns, "", "com.example.app", {pns::accounts::many, false});
  EXPECT_TRUE(has(invite("c1"), "write bindings"));
  config_.apps = {};
  EXPECT_EQ(count(invite("c2"), "push"), 0u);
}

TEST_F(Registration, ALapsedBindingOfASwitchedOffProviderGoesAtOnce) {
  register_(iphone());
  pass(seconds(3601));
  config_.enabled = {false, false, false};
  EXPECT_TRUE(has(invite("c1"), "write bindings"));
  config_.enabled = {true, true, true};
  EXPECT_EQ(count(invite("c2"), "push"), 0u);
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
  // 1 KB less the lean actor, its directory entry and unique_ptr (DESIGN 4).
  EXPECT_LE(subscriber_->resident_bytes(), 700u) << subscriber_->resident_bytes();
}

}  // namespace
}  // namespace reveille
