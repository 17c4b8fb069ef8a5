// What the process does when the system refuses memory (SPEC 9.3).
#include "core/memory_reserve.hpp"

#include <gtest/gtest.h>

#include <new>

namespace reveille {
namespace {

class MemoryReserve : public ::testing::Test {
 protected:
  MemoryReserve() { EXPECT_TRUE(memory_reserve::install(std::size_t{1} << 20)); }
  ~MemoryReserve() override { memory_reserve::uninstall(); }
  /// What operator new does when malloc has nothing. @return whether it may try again.
  static bool refuse_one() {
    try {
      std::get_new_handler()();
      return true;
    } catch (const std::bad_alloc&) {
      return false;
    }
  }
};

TEST_F(MemoryReserve, IsWholeUntilAnAllocationIsRefused) {
  EXPECT_FALSE(memory_reserve::in_use());
  const auto before = memory_reserve::given_out();
  EXPECT_TRUE(refuse_one());
  EXPECT_TRUE(memory_reserve::in_use());
  EXPECT_EQ(memory_reserve::given_out(), before + 1);
}

TEST_F(MemoryReserve, LastsForSeveralRefusalsAndThenThrows) {
  int lasted = 0;
  while (lasted < 100 && refuse_one()) ++lasted;
  EXPECT_GE(lasted, 4) << "several threads may be refused at once";
  EXPECT_LT(lasted, 100);
}

TEST_F(MemoryReserve, IsTakenBackOnceThereIsMemory) {
  while (refuse_one()) {
  }
  EXPECT_TRUE(memory_reserve::refill());
  EXPECT_FALSE(memory_reserve::in_use());
  EXPECT_TRUE(refuse_one());
}

TEST_F(MemoryReserve, SaysWhenTheSystemDoesNotGiveIt) {
  EXPECT_FALSE(memory_reserve::install(std::size_t{1} << 60));
  EXPECT_TRUE(memory_reserve::in_use());
}

}  // namespace
}  // namespace reveille
