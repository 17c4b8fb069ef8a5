// What a REGISTER is told of pushes, and who pushes: queries, Feature-Caps, other hops, switches (SPEC 2.1, 2.3c, 2.5, RFC 8599).
#include "tests/actors/subscriber_fixture.hpp"

namespace reveille {
namespace {

using PushSupport = SubscriberTest;

TEST_F(PushSupport, NamesTheProviderAsSentInFeatureCaps) {
  register_("<sip:103@10.0.0.2:5060;pn-provider=Firebase;pn-prid=tok>");
  EXPECT_TRUE(has(last_packet(), "Feature-Caps: *;+sip.pns=\"Firebase\"\r\n")) << last_packet();
  register_("<sip:103@10.0.0.2:5060;pn-provider=Firebase;pn-prid=tok>", {.cseq = 2});
  EXPECT_TRUE(has(last_packet(), "Feature-Caps: *;+sip.pns=\"Firebase\"\r\n")) << "on a refresh too";
}

TEST_F(PushSupport, TellsASelfWakingDeviceWhenToRefresh) {
  register_(iphone("10.0.0.1:5060", token_a, ";+sip.pnsreg"));
  EXPECT_TRUE(has(last_packet(), "Feature-Caps: *;+sip.pns=\"apns\";+sip.pnsreg=\"130\"\r\n")) << last_packet();
}

TEST_F(PushSupport, AQueryMakesNoPushBinding) {
  EXPECT_TRUE(has(register_("<sip:103@10.0.0.1:5060;pn-provider=apns>"), "send 200"));
  EXPECT_TRUE(has(last_packet(), "Feature-Caps: *;+sip.pns=\"apns\"\r\n"));
  EXPECT_EQ(count(invite(), "push"), 0u);
}

TEST_F(PushSupport, AQueryKeepsTheTokenThatItsDeviceIsBoundWith) {
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

TEST_F(PushSupport, ARepeatedQueryHearsThatItsProviderIsSwitchedOff) {
  register_("<sip:103@10.0.0.1:5060;pn-provider=apns>");
  config_.enabled = {false, false, false};
  EXPECT_EQ(register_("<sip:103@10.0.0.1:5060;pn-provider=apns>", {.cseq = 2}), "send 555");
}

TEST_F(PushSupport, AQueryWithoutValueNamesAllProviders) {
  config_.enabled[static_cast<std::size_t>(pns::provider::apns_dev)] = false;
  register_("<sip:103@10.0.0.1:5060;pn-provider>");
  EXPECT_TRUE(has(last_packet(), "Feature-Caps: *;+sip.pns=\"apns\"\r\n")) << last_packet();
  EXPECT_TRUE(has(last_packet(), "Feature-Caps: *;+sip.pns=\"fcm\"\r\n"));
  EXPECT_FALSE(has(last_packet(), "apns.dev"));
}

TEST_F(PushSupport, Answers555OnlyToAQueryForWhatIsNotSupported) {
  EXPECT_EQ(register_("<sip:103@10.0.0.1:5060;pn-provider=acme>"), "send 555");
  EXPECT_EQ(subscriber_->binding_count(), 0u);
  EXPECT_TRUE(has(register_("<sip:103@10.0.0.1:5060;pn-provider=acme;pn-prid=x>", {.cseq = 2}), "send 200"));
  EXPECT_FALSE(has(last_packet(), "Feature-Caps"));
  config_.enabled = {false, false, false};
  EXPECT_EQ(register_("<sip:103@10.0.0.1:5060;pn-provider>", {.cseq = 3}), "send 555");
}

TEST_F(PushSupport, LeavesThePushToAnotherHopThatClaimsIt) {
  register_(iphone(), {.lines = "Feature-Caps: *;+sip.pns=\"apns\"\n"});
  EXPECT_FALSE(has(last_packet(), "Feature-Caps"));
  EXPECT_EQ(count(invite(), "push"), 0u);
}

TEST_F(PushSupport, TakesThePushOverWhenTheOtherHopStops) {
  register_(iphone(), {.lines = "Feature-Caps: *;+SIP.pns=\"apns\"\n"});
  EXPECT_EQ(count(invite("a"), "push"), 0u);
  register_(iphone(), {.cseq = 2});
  EXPECT_TRUE(has(last_packet(), "Feature-Caps: *;+sip.pns=\"apns\""));
  EXPECT_EQ(count(invite("b"), "push apns invite"), 1u);
  EXPECT_EQ(subscriber_->binding_count(), 1u);
}

TEST_F(PushSupport, GivesThePushUpWhenAnotherHopTakesIt) {
  register_(iphone());
  register_(iphone(), {.cseq = 2, .lines = "Feature-Caps: *;+sip.pns=\"apns\"\n"});
  EXPECT_EQ(subscriber_->binding_count(), 1u) << "one phone, though it has no name but its token";
  EXPECT_EQ(count(invite(), "push"), 0u);
  register_(iphone("10.0.0.7:5060"), {.cseq = 3, .lines = "Feature-Caps: *;+sip.pns=\"apns\"\n"});
  EXPECT_EQ(subscriber_->binding_count(), 1u) << "at another address too";
}

TEST_F(PushSupport, AMalformedTokenMakesAnOrdinaryBindingWithoutSipPns) {
  EXPECT_TRUE(has(register_("<sip:103@10.0.0.1:5060;pn-provider=apns;pn-prid=not-hex!>"), "send 200"));
  EXPECT_FALSE(has(last_packet(), "Feature-Caps"));
  EXPECT_TRUE(has(invite(), "forward b1"));
}

TEST_F(PushSupport, ASwitchedOffProvidersBindingIsOrdinaryAndComesBack) {
  register_(iphone());
  config_.enabled = {false, false, false};
  EXPECT_TRUE(has(invite("c1"), "forward b1"));
  config_.enabled = {true, true, true};
  EXPECT_EQ(count(invite("c2"), "push apns invite"), 1u);
}

TEST_F(PushSupport, ASwitchedOffAppsBindingIsOrdinaryAndItsSiblingsAreNot) {
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

TEST_F(PushSupport, ALapsedBindingOfASwitchedOffAppGoesAtOnce) {
  register_(iphone());
  pass(seconds(3601));
  config_.apps.add(pns::provider::apns, "", "com.example.app", {pns::accounts::many, false});
  EXPECT_TRUE(has(invite("c1"), "write bindings"));
  config_.apps = {};
  EXPECT_EQ(count(invite("c2"), "push"), 0u);
}

TEST_F(PushSupport, ALapsedBindingOfASwitchedOffProviderGoesAtOnce) {
  register_(iphone());
  pass(seconds(3601));
  config_.enabled = {false, false, false};
  EXPECT_TRUE(has(invite("c1"), "write bindings"));
  config_.enabled = {true, true, true};
  EXPECT_EQ(count(invite("c2"), "push"), 0u);
}

}  // namespace
}  // namespace reveille
