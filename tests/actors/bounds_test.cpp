// What a peer can make grow in one subscriber, and where it ends (SPEC 10.2).
#include "tests/actors/subscriber_fixture.hpp"

namespace reveille {
namespace {

using Bounds = SubscriberTest;

TEST_F(Bounds, DevicesThatComeAndGoWhileACallWaitsAreNotRemembered) {
  register_(iphone());
  invite();
  const std::size_t before = subscriber_->resident_bytes();
  for (int i = 0; i < 3000; ++i) {
    const std::string host = "10.1." + std::to_string(i / 200) + "." + std::to_string(i % 200 + 1) + ":5060";
    register_options o;
    o.call_id = "come-" + std::to_string(i);
    o.from = host;
    register_(android(host, "fcm-" + std::to_string(i)), o);
    o.cseq = 2;
    o.expires = "0";
    register_(android(host, "fcm-" + std::to_string(i)), o);
  }
  EXPECT_LT(subscriber_->resident_bytes(), before + 4096);
}

TEST_F(Bounds, ADeviceThatLeftWhileItsCallWaitsIsKnownThoughOthersComeAndGo) {
  register_(iphone());
  invite();
  register_(iphone(), {.call_id = "leaves", .expires = "0"});
  for (int i = 0; i < 50; ++i) {
    register_options o;
    o.call_id = "come-" + std::to_string(i);
    register_(android("10.0.0.2:5060", "fcm-" + std::to_string(i)), o);
    o.cseq = 2;
    o.expires = "0";
    register_(android("10.0.0.2:5060", "fcm-" + std::to_string(i)), o);
  }
  EXPECT_TRUE(has(wake(iphone("10.0.0.7:5060"), "10.0.0.7:5060"), "forward b1 sip:103@10.0.0.7:5060"));
}

TEST_F(Bounds, ADeviceIsDialledSixteenTimesInOneCallAtMost) {
  register_(iphone());
  invite();
  std::string text;
  for (int i = 1; i <= 100; ++i) {
    const std::string host = "10.0.1." + std::to_string(i) + ":5060";
    text += wake(iphone(host), host) + " ";
  }
  EXPECT_EQ(count(text, "forward b"), 16u);
  EXPECT_TRUE(noted("list_full"));
  EXPECT_FALSE(has(text, "respond"));
}

TEST_F(Bounds, CallsThatWereAnsweredMakeRoomForNewOnes) {
  register_(desk());
  std::string text;
  for (int i = 0; i < 400; ++i) {
    invite("call-" + std::to_string(i));
    text += response(1, 200) + " ";
  }
  EXPECT_EQ(count(text, "respond 200"), 400u);
  EXPECT_TRUE(noted("list_full"));
  EXPECT_LT(subscriber_->resident_bytes(), 257u * 5000u);
  pass(seconds(40));
  EXPECT_TRUE(subscriber_->at_rest());
}

TEST_F(Bounds, CallsThatWereCancelledButNotYetAnsweredMakeRoomToo) {
  register_(desk());
  std::string text;
  for (std::uint32_t i = 0; i < 400; ++i) {
    text += invite("call-" + std::to_string(i)) + " ";
    text += cancel(i + 1) + " ";
  }
  EXPECT_GE(count(text, "respond 487"), 144u);
  EXPECT_TRUE(noted("list_full"));
  pass(seconds(40));
  EXPECT_TRUE(subscriber_->at_rest());
}

TEST_F(Bounds, WritesThatTheStoreNeverAnswersDoNotPileUp) {
  store_ = store_manner::silent;
  for (int i = 0; i < 2000; ++i) {
    register_options o;
    o.call_id = "new-" + std::to_string(i);
    register_(desk("10.0.0.9:" + std::to_string(5060 + i)), o);
    if (i % 50 == 49) pass(seconds(3));
  }
  EXPECT_LT(subscriber_->resident_bytes(), 120'000u);
}

TEST_F(Bounds, AnAddressThatWaitsIsAllThatIsLeftToWrite) {
  register_(iphone());
  EXPECT_FALSE(subscriber_->waits_only_to_write());
  register_(iphone(), {.call_id = "r", .cseq = 2});
  register_(iphone(), {.call_id = "r", .cseq = 3});
  EXPECT_FALSE(subscriber_->at_rest());
  EXPECT_TRUE(subscriber_->waits_only_to_write());
  EXPECT_TRUE(subscriber_->unwritten().has_value());
  invite();
  EXPECT_FALSE(subscriber_->unwritten().has_value());  // a call keeps it
}

TEST_F(Bounds, ACollisionThatEndsLateDialsNoStaleFlow) {
  config_.answer_timeout = seconds(300);
  config_.cancel_give_up = milliseconds(200'000);
  register_(iphone());
  invite();
  wake(iphone(), "10.0.0.1:5060");
  register_(iphone("10.0.0.7:5060"), {.call_id = "moved", .from = "10.0.0.7:5060", .expires = "60"});
  ASSERT_EQ(forwards().size(), 2u);
  response(2, 482);  // the phone holds the first still
  pass(seconds(70));
  response(1, 487);
  EXPECT_EQ(forwards().size(), 2u);
  EXPECT_TRUE(has(wake(iphone("10.0.0.8:5060"), "10.0.0.8:5060"), "forward b3 sip:103@10.0.0.8:5060"));
}

}  // namespace
}  // namespace reveille
