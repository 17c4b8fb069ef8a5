#include "core/slab.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>
#include <vector>

namespace reveille {
namespace {

TEST(SlabPool, GivesTheSmallestClassThatFits) {
  slab_pool pool;
  EXPECT_EQ(pool.take(1)->capacity(), 512U);
  EXPECT_EQ(pool.take(512)->capacity(), 512U);
  EXPECT_EQ(pool.take(513)->capacity(), 2048U);
  EXPECT_EQ(pool.take(65536)->capacity(), 65536U);
  EXPECT_EQ(pool.take(65537), nullptr);
  EXPECT_EQ(pool.refused(), 1U);
}

TEST(SlabPool, UsesAReleasedSlabAgain) {
  slab_pool pool;
  const slab* first = nullptr;
  {
    const slab_ptr s = pool.take(2000);
    first = s.get();
  }
  const auto bytes = pool.allocated_bytes();
  EXPECT_EQ(pool.take(2000).get(), first);
  EXPECT_EQ(pool.allocated_bytes(), bytes);
}

TEST(SlabPool, RefusesAtItsBoundAndCounts) {
  slab_pool pool(3000);
  const slab_ptr a = pool.take(2048);
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(pool.take(2048), nullptr);
  EXPECT_EQ(pool.refused(), 1U);
}

TEST(SlabPool, GivesTheRoomOfFreeSlabsToAnotherSize) {
  slab_pool pool(1 << 20);
  {
    std::vector<slab_ptr> large;
    while (slab_ptr s = pool.take(60000)) large.push_back(std::move(s));
    ASSERT_GE(large.size(), 10U);
  }
  std::vector<slab_ptr> usual;
  while (slab_ptr s = pool.take(3000)) usual.push_back(std::move(s));
  EXPECT_GT(usual.size() * 4096, (1U << 20) * 8 / 10) << "as many as if there had been no burst";
  EXPECT_LE(pool.allocated_bytes(), 1U << 20);
}

TEST(SlabPool, KeepsASixteenthForWhatEndsWork) {
  slab_pool pool(1 << 20);
  std::vector<slab_ptr> work, ending;
  while (slab_ptr s = pool.take(500)) work.push_back(std::move(s));
  EXPECT_FALSE(pool.has_room_for_work());
  while (slab_ptr s = pool.take(500, slab_use::ending)) ending.push_back(std::move(s));
  EXPECT_GE(ending.size(), 100U);
  ending.clear();
  EXPECT_EQ(pool.take(500), nullptr) << "free again, but still kept";
  EXPECT_NE(pool.take(3000, slab_use::ending), nullptr);
  work.clear();
  EXPECT_TRUE(pool.has_room_for_work());
}

TEST(SlabPool, GivesBackOverTimeWhatABurstTook) {
  slab_pool pool;
  std::vector<slab_ptr> burst;
  for (int i = 0; i < 2000; ++i) burst.push_back(pool.take(60000));
  pool.give_back_idle();
  const std::size_t most = pool.allocated_bytes();
  burst.clear();
  EXPECT_EQ(pool.give_back_idle(), 0U) << "needed until now";
  EXPECT_GT(pool.give_back_idle(), most / 3);
  for (int second = 0; second < 60 && pool.may_keep_idle(); ++second) pool.give_back_idle();
  EXPECT_FALSE(pool.may_keep_idle());
  EXPECT_LE(pool.allocated_bytes(), slab_pool::kept_free_bytes);
}

TEST(SlabPool, KeepsWhatTheLoadNeedsAgainAndAgain) {
  slab_pool pool;
  for (int second = 0; second < 10; ++second) {
    std::vector<slab_ptr> busy;
    for (int i = 0; i < 1000; ++i) busy.push_back(pool.take(4000));
    const std::size_t bytes = pool.allocated_bytes();
    busy.clear();
    pool.give_back_idle();
    EXPECT_EQ(pool.allocated_bytes(), bytes);
  }
}

TEST(SlabPool, TakesBackWhatOtherThreadsRelease) {
  slab_pool pool;
  std::vector<slab_ptr> slabs;
  for (int i = 0; i < 1000; ++i) {
    slabs.push_back(pool.take(100));
    std::memset(slabs.back()->data(), i, 100);
  }
  const auto bytes = pool.allocated_bytes();
  std::thread half([mine = std::vector<slab_ptr>(slabs.begin(), slabs.begin() + 500)]() mutable { mine.clear(); });
  std::thread rest([mine = std::vector<slab_ptr>(slabs.begin() + 500, slabs.end())]() mutable { mine.clear(); });
  slabs.clear();
  half.join();
  rest.join();
  for (int i = 0; i < 1000; ++i) slabs.push_back(pool.take(100));
  EXPECT_EQ(pool.allocated_bytes(), bytes);
}

TEST(SlabPool, LetsAScannerReadPastTheEnd) {
  slab_pool pool;
  const slab_ptr s = pool.take(512);
  int sum = 0;
  for (std::size_t i = 0; i < slab::tail_slack; ++i) sum += s->data()[s->capacity() + i];
  EXPECT_EQ(sum, 0);
}

}  // namespace
}  // namespace reveille
