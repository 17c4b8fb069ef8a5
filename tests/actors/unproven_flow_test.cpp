// Of contacts behind a flow that has answered nothing so far (SPEC 2.4c).
#include "tests/actors/subscriber_fixture.hpp"

namespace reveille {
namespace {

class UnprovenFlow : public SubscriberTest {
 protected:
  void several_by_one_flow(std::size_t count) {
    for (std::size_t n = 0; n < count; ++n) {
      register_(desk("10.0.0.9:" + std::to_string(5000 + n)), {.call_id = "d" + std::to_string(n), .from = "10.0.0.9:5060"});
      pass(seconds(1));
    }
  }
};

TEST_F(UnprovenFlow, GetsOneCopyOfAMessageHoweverManyContactsItHas) {
  several_by_one_flow(12);
  const std::string text = message();
  EXPECT_EQ(count(text, "forward"), 1u) << text;
  EXPECT_TRUE(has(text, "sip:103@10.0.0.9:5011")) << "the newest";
  EXPECT_TRUE(noted("branch_withheld"));
}

TEST_F(UnprovenFlow, GetsOneInviteAndTheRestWhenItAnswers) {
  several_by_one_flow(3);
  EXPECT_EQ(count(invite(), "forward"), 1u);
  const std::string text = response(1, 100);
  EXPECT_EQ(count(text, "forward"), 2u) << text;
  EXPECT_EQ(count(response(2, 180), "forward"), 0u);
  EXPECT_EQ(count(invite("again"), "forward"), 3u) << "it is proven";
}

TEST_F(UnprovenFlow, ThatRefusesStillHasItsOtherContactsRung) {
  several_by_one_flow(2);
  invite();
  const std::string text = response(1, 486);
  EXPECT_EQ(count(text, "forward"), 1u) << text;
  EXPECT_FALSE(has(text, "respond 486"));
  EXPECT_TRUE(has(response(2, 200), "respond 200"));
}

TEST_F(UnprovenFlow, ThatAnswersOrDeclinesForAllIsAskedNoMore) {
  several_by_one_flow(2);
  invite();
  EXPECT_FALSE(has(response(1, 603), "forward"));
  start(nullptr);
  several_by_one_flow(2);
  invite();
  EXPECT_FALSE(has(response(1, 200), "forward"));
}

TEST_F(UnprovenFlow, OfAPhoneOfItsOwnKeepsNobodyWaiting) {
  register_(desk("10.0.0.8:5060"));
  register_(desk("10.0.0.9:5060"), {.call_id = "other"});
  EXPECT_EQ(count(invite(), "forward"), 2u);
}

TEST_F(UnprovenFlow, OfATrustedPeerIsProvenFromTheStart) {
  register_(desk("10.0.0.8:5060"), {.from = "10.0.0.1:5060", .trust = peer_trust::trusted});
  register_(desk("10.0.0.9:5060"), {.call_id = "other", .from = "10.0.0.1:5060", .trust = peer_trust::trusted});
  EXPECT_EQ(count(invite(), "forward"), 2u);
}

TEST_F(UnprovenFlow, IsNotAWakingPhonesHindrance) {
  register_(iphone("10.0.0.9:5060"), {.from = "10.0.0.9:5060"});
  register_(desk("10.0.0.9:5061"), {.call_id = "desk", .from = "10.0.0.9:5060"});
  pass(seconds(1));
  register_(iphone("10.0.0.9:5060"), {.cseq = 2, .from = "10.0.0.9:5060"});  // newer, but it is woken, not dialled
  EXPECT_TRUE(has(invite(), "forward b1 sip:103@10.0.0.9:5061"));
  EXPECT_TRUE(has(wake(iphone("10.0.0.9:5060"), "10.0.0.9:5060"), "forward b2 sip:103@10.0.0.9:5060"));
}

TEST_F(UnprovenFlow, OneRegisterOfSeveralSleepersReleasesOneUntilItAnswers) {
  const std::string both = iphone("10.0.0.1:5060", token_a, ";label=a") + ", " + iphone("10.0.0.1:5061", token_b, ";label=b");
  register_(both);
  invite();
  const std::string text = register_(both, {.cseq = 2});
  EXPECT_EQ(count(text, "forward"), 1u) << text;
  EXPECT_EQ(count(response(1, 180), "forward"), 1u);
}

TEST_F(UnprovenFlow, IsItAgainAfterTheSourceHasChanged) {
  several_by_one_flow(2);
  invite();
  response(1, 180);
  for (int n = 0; n < 2; ++n) {
    register_(desk("10.0.0.9:" + std::to_string(5000 + n)), {.call_id = "d" + std::to_string(n), .cseq = 2, .from = "203.0.113.66:6666"});
  }
  EXPECT_EQ(count(invite("second"), "forward"), 1u);
}

}  // namespace
}  // namespace reveille
