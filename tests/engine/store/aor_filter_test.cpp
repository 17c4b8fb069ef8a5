#include "engine/store/aor_filter.hpp"

#include <gtest/gtest.h>

#include <string>

namespace reveille {
namespace {

std::string name(std::size_t i) { return "u" + std::to_string(i) + "@example.com"; }

std::size_t wrongly_held(const aor_filter& filter, std::size_t from, std::size_t count) {
  std::size_t wrong = 0;
  for (std::size_t i = from; i < from + count; ++i) wrong += filter.may_contain(name(i)) ? 1U : 0U;
  return wrong;
}

TEST(AorFilter, HoldsNothingAtFirst) {
  const aor_filter filter({1, 2});
  EXPECT_EQ(wrongly_held(filter, 0, 1000), 0U);
}

TEST(AorFilter, NeverDeniesWhatWasAddedAndSeldomHoldsWhatWasNot) {
  aor_filter filter({1, 2});
  constexpr std::size_t count = aor_filter::first_stage;
  for (std::size_t i = 0; i < count; ++i) filter.add(name(i));
  for (std::size_t i = 0; i < count; ++i) ASSERT_TRUE(filter.may_contain(name(i))) << i;
  EXPECT_LT(wrongly_held(filter, count, 100'000), 500U);  // 0.5 %
}

TEST(AorFilter, GrowsAndStaysRightWhenAStageIsFull) {
  aor_filter filter({1, 2});
  const std::size_t first = filter.bytes();
  constexpr std::size_t count = aor_filter::first_stage + aor_filter::first_stage / 4;
  for (std::size_t i = 0; i < count; ++i) filter.add(name(i));
  EXPECT_EQ(filter.bytes(), first * 3);
  for (std::size_t i = 0; i < count; ++i) ASSERT_TRUE(filter.may_contain(name(i))) << i;
  EXPECT_LT(wrongly_held(filter, count, 100'000), 1000U);
}

TEST(AorFilter, DoesNotGrowByRepetition) {
  aor_filter filter({1, 2});
  const std::size_t first = filter.bytes();
  for (std::size_t i = 0; i < 2 * aor_filter::first_stage; ++i) filter.add(name(i % 100));
  EXPECT_EQ(filter.bytes(), first);
}

}  // namespace
}  // namespace reveille
