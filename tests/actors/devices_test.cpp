// Which device a Contact speaks of: label, instance, token, address (SPEC 1), and what a removal removes (SPEC 2.3a).
#include "tests/actors/subscriber_fixture.hpp"

namespace reveille {
namespace {

using Devices = SubscriberTest;

TEST_F(Devices, TheSameLabelReplacesTheEarlierBinding) {
  register_(iphone("10.0.0.1:5060", token_a, ";label=mine"));
  register_(iphone("10.0.0.7:5060", token_b, ";label=mine"), {.call_id = "other"});
  EXPECT_EQ(subscriber_->binding_count(), 1u);
  EXPECT_EQ(count(invite(), "push apns invite"), 1u);
}

TEST_F(Devices, TheLabelMayStandInTheUri) {
  register_("<sip:103@10.0.0.1:5060;label=mine;pn-provider=apns;pn-prid=" + std::string(token_a) + ">");
  register_(iphone("10.0.0.7:5060", token_b, ";label=mine"), {.call_id = "other"});
  EXPECT_EQ(subscriber_->binding_count(), 1u);
}

TEST_F(Devices, TheInstancePlaysTheLabelWhereThereIsNone) {
  register_(iphone("10.0.0.1:5060", token_a, ";+sip.instance=\"<urn:a>\""));
  register_(iphone("10.0.0.7:5060", token_b, ";+sip.instance=\"<urn:a>\""), {.call_id = "other"});
  EXPECT_EQ(subscriber_->binding_count(), 1u);
}

TEST_F(Devices, TheSameTokenFromANewAddressMovesItsBinding) {
  register_(iphone());
  const std::string text = register_(iphone("10.0.0.7:5070"), {.call_id = "after-move", .from = "10.0.0.7:5070"});
  EXPECT_FALSE(has(text, "write bindings")) << "an address is soft: " << text;
  EXPECT_EQ(subscriber_->binding_count(), 1u);
  EXPECT_TRUE(has(last_packet(), "sip:103@10.0.0.7:5070"));
}

TEST_F(Devices, AChangedTokenIsDurableBeforeThe200) {
  register_(iphone("10.0.0.1:5060", token_a, ";label=mine"));
  EXPECT_EQ(register_(iphone("10.0.0.1:5060", token_b, ";label=mine"), {.cseq = 2}).substr(0, 14), "write bindings");
}

TEST_F(Devices, TwoPhonesWithTheSamePrivateAddressStayTwo) {
  register_(iphone("192.168.1.5:5060", token_a));
  register_(iphone("192.168.1.5:5060", token_b), {.call_id = "other"});
  EXPECT_EQ(subscriber_->binding_count(), 2u);
}

TEST_F(Devices, APlainPhoneAtTheSameAddressDoesNotTakeThePushBindingAway) {
  register_(iphone("192.168.1.5:5060"));
  register_(desk("192.168.1.5:5060"), {.call_id = "desk"});
  EXPECT_EQ(count(invite(), "push apns invite"), 1u);
}

TEST_F(Devices, APlainPhoneThatStartsToPushIsStillOneDevice) {
  register_(desk("10.0.0.1:5060"));
  register_(iphone("10.0.0.1:5060"), {.cseq = 2});
  EXPECT_EQ(subscriber_->binding_count(), 1u);
}

TEST_F(Devices, UnregistersWithTheSamePushParameters) {
  register_(iphone());
  const std::string text = register_(iphone("10.9.9.9:1"), {.cseq = 2, .expires = "0"});
  EXPECT_TRUE(has(text, "write bindings")) << text;
  EXPECT_EQ(subscriber_->binding_count(), 0u);
}

TEST_F(Devices, UnregistrationWithAnotherTokenRemovesNothing) {
  register_(iphone());
  register_(iphone("10.0.0.1:5060", token_b), {.cseq = 2, .expires = "0"});
  EXPECT_EQ(subscriber_->binding_count(), 1u);
}

TEST_F(Devices, RemovalWithoutPridMatchesByLabelOrInstance) {
  register_(iphone("10.0.0.1:5060", token_a, ";+sip.instance=\"<urn:a>\""));
  register_("<sip:103@10.0.0.77>;+sip.instance=\"<urn:a>\"", {.cseq = 2, .expires = "0"});
  EXPECT_EQ(subscriber_->binding_count(), 0u);
}

TEST_F(Devices, RemovalByAddressNeedsExactlyOneMatch) {
  register_(iphone("192.168.1.5:5060", token_a));
  register_(iphone("192.168.1.5:5060", token_b), {.call_id = "other"});
  register_(desk("192.168.1.5:5060"), {.call_id = "third", .expires = "0"});
  EXPECT_EQ(subscriber_->binding_count(), 2u);
  register_(iphone("192.168.1.5:5060", token_b), {.call_id = "fourth", .expires = "0"});
  register_(desk("192.168.1.5:5060"), {.call_id = "fifth", .expires = "0"});
  EXPECT_EQ(subscriber_->binding_count(), 0u);
}

TEST_F(Devices, ADeskPhonesRemovalLeavesTheMobileAtTheSamePrivateAddress) {
  register_(iphone("192.168.1.5:5060", token_a, ";+sip.instance=\"<urn:a>\""));
  register_(desk("192.168.1.5:5060", ";+sip.instance=\"<urn:b>\""), {.call_id = "desk", .expires = "0"});
  EXPECT_EQ(count(invite(), "push apns invite"), 1u);
}

TEST_F(Devices, AMobilesRemovalLeavesTheDeskPhoneAtTheSamePrivateAddress) {
  register_(iphone("192.168.1.5:5060"));
  register_(desk("192.168.1.5:5060"), {.call_id = "desk"});
  ASSERT_EQ(subscriber_->binding_count(), 2u);
  register_(iphone("192.168.1.5:5060"), {.cseq = 2, .expires = "0"});
  EXPECT_EQ(subscriber_->binding_count(), 1u);
  EXPECT_TRUE(has(invite(), "forward b1 sip:103@192.168.1.5:5060"));
}

TEST_F(Devices, TwoPlainPhonesAtOneAddressDoNotGoByOneRemovalWithoutAName) {
  register_(desk("192.168.1.5:5060", ";label=a"));
  register_(desk("192.168.1.5:5060", ";label=b"), {.call_id = "b"});
  register_(desk("192.168.1.5:5060"), {.call_id = "c", .expires = "0"});
  EXPECT_EQ(subscriber_->binding_count(), 2u);
  register_(desk("192.168.1.5:5060", ";label=a"), {.cseq = 2, .expires = "0"});
  EXPECT_EQ(subscriber_->binding_count(), 1u);
}

TEST_F(Devices, UnregistersWithItsTokenWhileAnotherHopPushes) {
  const std::string hop = "Feature-Caps: *;+sip.pns=\"apns\"\n";
  register_(iphone(), {.lines = hop});
  register_(iphone("10.0.0.9:1"), {.cseq = 2, .expires = "0", .lines = hop});
  EXPECT_EQ(subscriber_->binding_count(), 0u);
}

TEST_F(Devices, ATokensDigitsMayBeLargeOrSmall) {
  std::string large(token_a);
  for (char& c : large) c = static_cast<char>(std::toupper(c));
  register_(iphone());
  register_(iphone("10.0.0.7:5060", large), {.call_id = "other"});
  EXPECT_EQ(subscriber_->binding_count(), 1u);
  register_(iphone("10.0.0.7:5060", token_a), {.call_id = "third", .expires = "0"});
  EXPECT_EQ(subscriber_->binding_count(), 0u);
}

TEST_F(Devices, ALabelIsTheSameEscapedInTheUriAndPlainInTheHeader) {
  register_("<sip:103@10.0.0.1:5060;label=my%20phone;pn-provider=apns;pn-prid=" + std::string(token_a) + ">");
  register_(iphone("10.0.0.7:5060", token_b, ";label=\"my phone\""), {.call_id = "other"});
  EXPECT_EQ(subscriber_->binding_count(), 1u);
}

TEST_F(Devices, ATokenOfFourKilobytesArrivesAndALongerOneIsOrdinary) {
  register_(android("10.0.0.2:5060", std::string(4096, 'x')));
  EXPECT_EQ(count(invite("a"), "push fcm"), 1u);
  start(nullptr);
  register_(android("10.0.0.2:5060", std::string(4097, 'x')));
  EXPECT_EQ(count(invite("b"), "push fcm"), 0u);
  EXPECT_EQ(subscriber_->binding_count(), 1u);
}

TEST_F(Devices, OldAndNewContactTogetherMoveTheDevice) {
  register_(iphone("10.0.0.1:5060", token_a, ";label=m"));
  invite();
  const std::string text = register_(iphone("10.0.0.1:5060", token_a, ";label=m;expires=0") + ", " +
                                         iphone("10.0.0.7:5060", token_a, ";label=m"),
                                     {.cseq = 2, .from = "10.0.0.7:5060"});
  EXPECT_EQ(subscriber_->binding_count(), 1u);
  EXPECT_TRUE(has(text, "forward b1 sip:103@10.0.0.7:5060;label")  || has(text, "forward b1 sip:103@10.0.0.7:5060")) << text;
  EXPECT_FALSE(has(text, "left_grace")) << text;
}

}  // namespace
}  // namespace reveille
