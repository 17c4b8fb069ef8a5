#include "engine/store/store_states.hpp"

#include <gtest/gtest.h>

namespace reveille {
namespace {

steady_time at(int second) { return steady_time(seconds(second)); }
bool says(const store_states::line& said, std::string_view what) {
  return said && said->text.find(what) != std::string::npos;
}

TEST(StoreStates, TellsAFailureWithTheSystemsErrorAndWhatToDo) {
  store_states states;
  const auto said = states.refused("IO error: No space left on device", at(1));
  EXPECT_TRUE(says(said, "the disk refuses writes: IO error: No space left on device"));
  EXPECT_TRUE(says(said, "make room"));
  EXPECT_EQ(said->how, store_notice::weight::error);
}

TEST(StoreStates, AdvisesByWhatTheSystemSaid) {
  EXPECT_NE(advice_for("Disk quota exceeded").find("make room"), std::string_view::npos);
  EXPECT_NE(advice_for("Read-only file system").find("mount it"), std::string_view::npos);
  EXPECT_NE(advice_for("files of the store are missing: CURRENT").find("put back"), std::string_view::npos);
  EXPECT_NE(advice_for("Input/output error").find("dmesg"), std::string_view::npos);
}

TEST(StoreStates, TellsAStateOnceThenEveryTenMinutes) {
  store_states states;
  EXPECT_TRUE(states.refused("full", at(0)));
  for (int second = 1; second < 600; ++second) EXPECT_FALSE(states.refused("full", at(second))) << second;
  EXPECT_TRUE(says(states.refused("full", at(600)), "for 600 s"));
}

TEST(StoreStates, TellsAnotherErrorButNotAtOnce) {
  store_states states;
  EXPECT_TRUE(states.refused("full", at(0)));
  EXPECT_FALSE(states.refused("read-only", at(5)));
  EXPECT_TRUE(says(states.refused("read-only", at(31)), "read-only"));
}

TEST(StoreStates, TellsTheRecoveryAndHowLongItTook) {
  store_states states;
  EXPECT_FALSE(states.recovered(at(0))) << "nothing was wrong";
  states.refused("full", at(10));
  EXPECT_TRUE(says(states.recovered(at(52)), "after 42 s"));
  EXPECT_FALSE(states.recovered(at(53)));
}

TEST(StoreStates, CountsWhatADiskThatFlapsLeavesUnsaid) {
  store_states states;
  int lines = 0;
  for (int second = 0; second < 60; ++second) {
    lines += states.refused("full", at(second)) ? 1 : 0;
    lines += states.recovered(at(second)) ? 1 : 0;
  }
  EXPECT_EQ(lines, 4) << "two a minute, with their recoveries";
  EXPECT_TRUE(says(states.refused("full", at(90)), "29 short changes"));
}

TEST(StoreStates, TellsThatTheQueueIsFullAndThatItHasRoomAgain) {
  store_states states;
  EXPECT_FALSE(states.queue(0, at(0)));
  EXPECT_TRUE(says(states.queue(7, at(1)), "the queue is full"));
  EXPECT_FALSE(states.queue(20, at(2)));
  EXPECT_FALSE(states.queue(20, at(11))) << "it may come again";
  EXPECT_TRUE(says(states.queue(20, at(12)), "20 operations were refused in 1 s"));
  EXPECT_FALSE(states.queue(20, at(100)));
  EXPECT_TRUE(states.queue(21, at(101)));
}

}  // namespace
}  // namespace reveille
