#include "engine/store/operation_ring.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace reveille {
namespace {

TEST(OperationRing, RefusesWhenFullAndTakesAgainWhenReleased) {
  operation_ring<int> ring(4);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(ring.try_push([&](int& cell) { cell = i; }));
  EXPECT_FALSE(ring.try_push([](int&) { FAIL() << "a full ring has no cell to fill"; }));
  EXPECT_EQ(ring.size(), 4U);
  EXPECT_EQ(*ring.peek(3), 3);
  EXPECT_EQ(ring.peek(4), nullptr);
  ring.release(2);
  EXPECT_EQ(*ring.peek(0), 2);
  EXPECT_TRUE(ring.try_push([](int& cell) { cell = 4; }));
  EXPECT_EQ(*ring.peek(2), 4);
}

TEST(OperationRing, KeepsEachProducersOrder) {
  constexpr std::uint64_t each = 50000;
  operation_ring<std::uint64_t> ring(64);
  const auto produce = [&](std::uint64_t producer) {
    for (std::uint64_t n = 0; n < each;) {
      if (ring.try_push([&](std::uint64_t& cell) { cell = producer << 32 | n; })) {
        ++n;
      } else {
        std::this_thread::yield();
      }
    }
  };
  std::thread first(produce, 0), second(produce, 1);
  std::uint64_t expected[2] = {0, 0};
  for (std::uint64_t taken = 0; taken < 2 * each;) {
    const std::uint64_t* cell = ring.peek(0);
    if (cell == nullptr) {
      std::this_thread::yield();
      continue;
    }
    EXPECT_EQ(*cell & 0xffffffff, expected[*cell >> 32]++);
    ring.release(1);
    ++taken;
  }
  first.join();
  second.join();
  EXPECT_EQ(ring.size(), 0U);
}

}  // namespace
}  // namespace reveille
