// A REGISTER shows that what were two devices is one (SPEC 1): one place in each call, one INVITE, one push (SPEC 3.2, 3.3).
#include "tests/actors/subscriber_fixture.hpp"

namespace reveille {
namespace {

class MergedDevice : public SubscriberTest {
 protected:
  /// Two phones that have nothing in common: label m, and instance x.
  void register_two() {
    register_(labelled());
    register_(instanced(), {.call_id = "two"});
  }
  static std::string labelled(std::string_view host = "10.0.0.1:5060") { return iphone(host, token_a, ";label=m"); }
  static std::string instanced(std::string_view more = {}) {
    return android("10.0.0.2:5060", "fcm-token-1", std::string(more) + ";+sip.instance=\"<urn:x>\"");
  }
  /// The second one with the first one's label.
  static std::string both() { return instanced(";label=m"); }
  std::string leave(const std::string& contact, std::string_view from) {
    return register_(contact, {.call_id = "leaves-" + std::to_string(++left_), .from = std::string(from), .expires = "0"});
  }

 private:
  int left_ = 0;
};

TEST_F(MergedDevice, TwoDevicesThatTurnOutToBeOneGetOneInvite) {
  for (const bool label_first : {true, false}) {
    start(nullptr);
    const std::string by_label = iphone("10.0.0.1:5060", token_a, ";label=m");
    const std::string by_instance = android("10.0.0.2:5060", "fcm-token-1", ";+sip.instance=\"<urn:x>\"");
    register_(label_first ? by_label : by_instance);
    register_(label_first ? by_instance : by_label, {.call_id = "two"});
    ASSERT_EQ(subscriber_->binding_count(), 2u);
    EXPECT_EQ(count(invite(label_first ? "m1" : "m2"), "push"), 2u);
    const std::string both = android("10.0.0.3:5060", "fcm-token-1", ";label=m;+sip.instance=\"<urn:x>\"");
    const std::string text = wake(both, "10.0.0.3:5060");
    EXPECT_EQ(subscriber_->binding_count(), 1u);
    EXPECT_EQ(count(text, "forward"), 1u) << text;
    EXPECT_TRUE(has(response(1, 486), "respond 486")) << "no ghost keeps the caller waiting";
  }
}

TEST_F(MergedDevice, TheInviteThatIsOutGoesOnWhenItsDeviceIsMergedIntoASleepingOne) {
  register_(iphone("10.0.0.1:5060", token_a, ";label=m"));
  register_(android("10.0.0.2:5060", "fcm-token-1", ";+sip.instance=\"<urn:x>\""), {.call_id = "two"});
  invite();
  EXPECT_TRUE(has(wake(android("10.0.0.2:5060", "fcm-token-1", ";+sip.instance=\"<urn:x>\""), "10.0.0.2:5060"), "forward b1"));
  const std::string text =
      wake(android("10.0.0.2:5060", "fcm-token-1", ";label=m;+sip.instance=\"<urn:x>\""), "10.0.0.2:5060");
  EXPECT_FALSE(has(text, "forward")) << text;
  EXPECT_TRUE(has(response(1, 486), "respond 486"));
}

TEST_F(MergedDevice, OfTwoInvitesThatAreOutTheOneThatRingsGoesOn) {
  const std::string by_instance = ";+sip.instance=\"<urn:x>\"";
  register_(iphone("10.0.0.1:5060", token_a, ";label=m"));
  register_(android("10.0.0.2:5060", "fcm-token-1", by_instance), {.call_id = "two"});
  invite();
  wake(iphone("10.0.0.1:5060", token_a, ";label=m"), "10.0.0.1:5060");
  wake(android("10.0.0.2:5060", "fcm-token-1", by_instance), "10.0.0.2:5060");
  response(2, 180);
  const std::string text = wake(android("10.0.0.2:5060", "fcm-token-1", ";label=m" + by_instance), "10.0.0.2:5060");
  EXPECT_TRUE(has(text, "cancel b1")) << text;
  EXPECT_FALSE(has(text, "forward")) << text;
  EXPECT_TRUE(has(response(2, 486), "respond 486")) << "the other is not waited for";
}

TEST_F(MergedDevice, OfTwoUnansweredInvitesOneIsCancelledAndTheOtherFollowsThePhone) {
  register_two();
  invite();
  wake(labelled(), "10.0.0.1:5060");
  wake(instanced(), "10.0.0.2:5060");
  const std::string text = wake(both(), "10.0.0.3:5060");
  EXPECT_TRUE(has(text, "cancel b1") && has(text, "cancel b2")) << text;
  EXPECT_LT(text.rfind("cancel b"), text.find("forward b3")) << text;
  EXPECT_EQ(count(text, "forward"), 1u) << text;
  response(1, 487);
  response(2, 487);
  EXPECT_TRUE(has(response(3, 200), "respond 200"));
}

TEST_F(MergedDevice, IsPushedOnceThoughItsSecondPushIsStillToCome) {
  register_two();
  store_ = store_manner::silent;
  invite();  // both pushes wait for the entry
  const std::string text = wake(both(), "10.0.0.2:5060");
  EXPECT_EQ(count(text, "forward"), 1u) << text;
  EXPECT_LE(count(pass(milliseconds(50)), "push"), 1u);
  EXPECT_TRUE(has(response(1, 180), "respond 180"));
}

TEST_F(MergedDevice, ThatHasDeclinedIsNotDialledAtItsOtherAddress) {
  register_two();
  invite();
  wake(labelled(), "10.0.0.1:5060");
  response(1, 486);
  const std::string text = wake(both(), "10.0.0.2:5060");
  EXPECT_FALSE(has(text, "forward")) << text;
  EXPECT_TRUE(has(text, "respond 486")) << "nobody else is waited for: " << text;
}

TEST_F(MergedDevice, IsDialledWhereItIsThoughItsOtherAddressWasDead) {
  for (const bool timeout : {true, false}) {
    start(nullptr);
    register_(desk("10.0.0.9:5060", ";label=d"), {.call_id = "desk"});
    register_(iphone());
    invite(timeout ? "t" : "u");  // b1 is the plain one's, where nobody is
    const std::string lost = timeout ? fail(1, branch_failed::why::timeout) : response(1, 503);
    EXPECT_FALSE(has(lost, "respond")) << lost;
    EXPECT_TRUE(has(wake(iphone("10.0.0.1:5060", token_a, ";label=d"), "10.0.0.1:5060"), "forward b2"));
  }
}

TEST_F(MergedDevice, RemembersWhichInviteItsPhoneStillHolds) {
  register_two();
  invite();
  wake(instanced(), "10.0.0.2:5060");
  EXPECT_TRUE(has(wake(instanced(), "10.0.0.2:5070"), "forward b2"));
  EXPECT_FALSE(has(response(2, 482), "respond")) << "it still has the first";
  EXPECT_TRUE(has(wake(both(), "10.0.0.2:5070"), "forward b3"));
  EXPECT_FALSE(has(response(3, 482), "respond")) << "and still";
  EXPECT_TRUE(has(response(1, 487), "forward b4"));
  EXPECT_TRUE(has(response(4, 200), "respond 200"));
}

TEST_F(MergedDevice, GivesUpOnlyOnePlaceWhenItsGraceHasRunOut) {
  register_two();
  invite();
  push_answer(0, pns::our_fault{});
  pass(seconds(3));  // the first one's place has ended
  EXPECT_TRUE(has(wake(both(), "10.0.0.2:5060"), "forward b1"));
  EXPECT_TRUE(has(response(1, 200), "respond 200"));
}

// What a device was called before it left and came back is another's name by now (SPEC 1: in common with a binding).
TEST_F(MergedDevice, IsNoneWhereOnlyAFormerNameIsShared) {
  const std::string x = ";+sip.instance=\"<urn:x>\"";
  register_(iphone("10.0.0.1:5060", token_a, ";label=m" + x));
  register_(android("10.0.0.2:5060", "fcm-token-1", ";label=n"), {.call_id = "two"});
  invite();
  leave(iphone("10.0.0.1:5060", token_a, ";label=m" + x), "10.0.0.1:5060");
  const std::string renamed = iphone("10.0.0.1:5060", token_a, ";label=m;+sip.instance=\"<urn:y>\"");
  EXPECT_TRUE(has(wake(renamed, "10.0.0.1:5060"), "forward b1"));
  leave(renamed, "10.0.0.1:5060");
  const std::string text = wake(android("10.0.0.2:5060", "fcm-token-1", ";label=n" + x), "10.0.0.2:5060");
  EXPECT_TRUE(has(text, "forward b2 sip:103@10.0.0.2:5060")) << text;
  EXPECT_FALSE(has(text, "cancel")) << "the first phone may still answer: " << text;
}

TEST_F(MergedDevice, LeavesItsOldNameToWhoeverTakesIt) {
  const std::string x = ";+sip.instance=\"<urn:x>\"";
  register_two();
  register_(android("10.0.0.5:5060", "fcm-token-2", ";label=o"), {.call_id = "three"});
  invite();
  leave(labelled(), "10.0.0.1:5060");
  // The second phone takes the place of the one that left; then the third one takes the second one's instance, once the
  // second has another.
  wake(both(), "10.0.0.2:5060");
  wake(android("10.0.0.2:5060", "fcm-token-1", ";label=m;+sip.instance=\"<urn:y>\""), "10.0.0.2:5060");
  const std::string text = wake(android("10.0.0.5:5060", "fcm-token-2", ";label=o" + x), "10.0.0.5:5060");
  EXPECT_TRUE(has(text, "forward") && has(text, "10.0.0.5:5060")) << text;
  EXPECT_FALSE(has(text, "cancel")) << text;
}

}  // namespace
}  // namespace reveille
