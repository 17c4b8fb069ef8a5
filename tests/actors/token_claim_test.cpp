// A token that belongs to one AOR at a time: SPEC 2.4, accounts = one.
#include "tests/actors/subscriber_fixture.hpp"

namespace reveille {
namespace {

class TokenClaims : public SubscriberTest {
 protected:
  TokenClaims() { config_.apps.add(pns::provider::apns, "DEF123GHIJ", "com.example.app", {pns::accounts::one}); }
  std::string claimed(wall_time since) { return apply(token_claimed{prid(std::string(token_a)), since}); }
};

TEST_F(TokenClaims, FollowThe200OfARegistration) {
  const std::string text = register_(iphone());
  EXPECT_LT(text.find("send 200"), text.find("claim aa11")) << text;
  ASSERT_EQ(claims().size(), 1U);
  EXPECT_EQ(claims()[0].token.view(), token_a);
  EXPECT_EQ(claims()[0].since, now_.wall);
}

TEST_F(TokenClaims, DoNotComeBeforeTheTokenIsOnDisk) {
  store_ = store_manner::silent;
  EXPECT_FALSE(has(register_(iphone()), "claim"));
  EXPECT_TRUE(has(written(0, true), "claim aa11"));
  EXPECT_FALSE(has(register_(iphone("10.0.0.1:5060", token_b), {.cseq = 2}), "claim"));
  EXPECT_FALSE(has(written(1, false), "claim")) << "503: nobody loses anything by it";
}

TEST_F(TokenClaims, AreNotMadeByARefresh) {
  register_(iphone());
  EXPECT_FALSE(has(register_(iphone("10.0.0.7:5060"), {.cseq = 2, .from = "10.0.0.7:5060"}), "claim"));
}

TEST_F(TokenClaims, AreNotMadeForAppsThatTakeManyAccounts) {
  config_.apps = {};
  config_.apps.add(pns::provider::apns, "DEF123GHIJ", "com.example.other", {pns::accounts::one});
  EXPECT_FALSE(has(register_(iphone()), "claim"));
  EXPECT_FALSE(has(register_(android()), "claim"));
}

TEST_F(TokenClaims, TakeTheBindingOfTheFormerOwnerFromDiskToo) {
  register_(iphone());
  pass(seconds(10));
  EXPECT_EQ(claimed(now_.wall), "write bindings");
  EXPECT_EQ(subscriber_->binding_count(), 0U);
  EXPECT_TRUE(noted("token_moved"));
  EXPECT_EQ(invite(), "respond 480") << "a known user without a phone";
}

TEST_F(TokenClaims, DoNotTakeWhatRegisteredLater) {
  pass(seconds(10));
  register_(iphone());
  EXPECT_EQ(claimed(now_.wall - seconds(1)), "");
  EXPECT_EQ(claimed(now_.wall), "") << "the same moment: nobody is newer";
  EXPECT_EQ(subscriber_->binding_count(), 1U);
}

TEST_F(TokenClaims, LeaveTheOtherDevicesAlone) {
  register_(iphone());
  register_(android(), {.call_id = "droid"});
  pass(seconds(10));
  claimed(now_.wall);
  EXPECT_EQ(subscriber_->binding_count(), 1U);
  EXPECT_EQ(count(invite(), "push fcm invite"), 1U);
}

TEST_F(TokenClaims, EndTheFormerOwnersParkedCall) {
  register_(iphone());
  invite();
  pass(seconds(1));
  const std::string text = claimed(now_.wall);
  EXPECT_TRUE(has(text, "withdraw p1")) << text;
  EXPECT_FALSE(has(text, "respond")) << "its phone may yet register as itself";
  EXPECT_TRUE(has(pass(seconds(4)), "respond 480"));
  EXPECT_EQ(stored().bucket.size(), 1U) << "and is told when it comes back";
}

TEST_F(TokenClaims, FollowATokenThatItsServiceRenames) {
  config_.apps.add(pns::provider::fcm, "", "project-1", {pns::accounts::one});
  EXPECT_TRUE(has(register_(android()), "claim fcm-"));
  invite();
  pns::accepted taken;
  taken.renamed = std::make_shared<const pns::token_change>(pns::token_change{prid("fcm-token-1"), prid("canonical-1")});
  EXPECT_TRUE(has(push_answer(0, taken), "claim cano"));
  EXPECT_EQ(claims().back().token, prid("canonical-1"));
}

TEST(AppAccounts, BelongToTheDefaultAppWhenTheDeviceNamesNone) {
  pns::app_rules rules;
  EXPECT_FALSE(rules.any_one());
  rules.add(pns::provider::fcm, "", "first", {pns::accounts::one});
  rules.add(pns::provider::fcm, "", "second", {pns::accounts::many});
  EXPECT_TRUE(rules.any_one());
  pns::push_target target;
  target.provider = pns::provider::fcm;
  EXPECT_EQ(rules.of(target), pns::accounts::one);
  target.app = "second";
  EXPECT_EQ(rules.of(target), pns::accounts::many);
  target.app = "unknown";
  EXPECT_EQ(rules.of(target), pns::accounts::many);
}

}  // namespace
}  // namespace reveille
