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
