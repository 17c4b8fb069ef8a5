// What a turn of a shard's thread says about how late it is (SPEC 10.4).
#include "engine/shard/turn_delay.hpp"

#include <gtest/gtest.h>

namespace reveille {
namespace {

constexpr steady_time now{std::chrono::hours(12)};

turn_delay begun() {
  turn_delay out;
  out.begin(now);
  return out;
}

TEST(TurnDelay, IsTheLongestOfSocketsAndInbox) {
  turn_delay subject = begun();
  subject.from_inbox(now - milliseconds(20));
  subject.from_socket(milliseconds(70));
  subject.from_socket(milliseconds(0));
  EXPECT_EQ(subject.longest(), nanoseconds(milliseconds(70)));

  subject = begun();
  subject.from_inbox(now - milliseconds(90));
  subject.from_inbox(now - milliseconds(1));
  subject.from_socket(milliseconds(3));
  EXPECT_EQ(subject.longest(), nanoseconds(milliseconds(90))) << "an idle socket hides nothing";
}

TEST(TurnDelay, IsNoneWhenNothingWasTakenThatCouldBeLate) {
  turn_delay subject = begun();
  EXPECT_FALSE(subject.longest());
  subject.from_inbox({});
  EXPECT_FALSE(subject.longest()) << "the store's and the providers' answers are not the shard's lateness";
  subject.from_socket(nanoseconds(0));
  EXPECT_EQ(subject.longest(), nanoseconds(0)) << "in time, which the entrance wants to hear";
}

TEST(TurnDelay, IsForgottenWithItsTurn) {
  turn_delay subject = begun();
  subject.from_socket(milliseconds(70));
  subject.begin(now + milliseconds(1));
  EXPECT_FALSE(subject.longest());
}

TEST(TurnDelay, IsNothingForWhatCameAfterTheTurnBegan) {
  turn_delay subject = begun();
  subject.from_inbox(now + milliseconds(5));
  EXPECT_EQ(subject.longest(), nanoseconds(0));
}

TEST(TurnDelay, LetsWhatIsHandedOnWaitSinceTheKernelHadIt) {
  turn_delay subject = begun();
  EXPECT_EQ(subject.in_hand_since(), now) << "timers";
  subject.from_inbox(now - milliseconds(40));
  EXPECT_EQ(subject.in_hand_since(), now - milliseconds(40));
  subject.from_inbox({});
  EXPECT_EQ(subject.in_hand_since(), now) << "not as long as what was taken before it";
  subject.from_socket(milliseconds(7));
  EXPECT_EQ(subject.in_hand_since(), now - milliseconds(7));
  subject.all_taken();
  EXPECT_EQ(subject.in_hand_since(), now);
  EXPECT_EQ(subject.longest(), nanoseconds(milliseconds(40)));
}

}  // namespace
}  // namespace reveille
