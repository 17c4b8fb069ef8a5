#include "core/random.hpp"

#include <gtest/gtest.h>

#include "core/system_ports.hpp"

namespace reveille {
namespace {

TEST(SeededRandom, RepeatsForASeedAndDiffersForAnother) {
  seeded_random a(7), b(7), c(8);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const auto x = a.next();
    EXPECT_EQ(x, b.next());
    differs = differs || x != c.next();
  }
  EXPECT_TRUE(differs);
}

TEST(RandomSource, StaysBelowItsBoundAndReachesAllOfIt) {
  seeded_random r(1);
  int hits[6] = {};
  for (int i = 0; i < 6000; ++i) ++hits[r.below(6)];
  for (int h : hits) EXPECT_GT(h, 800);
  for (int i = 0; i < 1000; ++i) {
    const double u = r.unit();
    EXPECT_GE(u, 0.0);
    EXPECT_LT(u, 1.0);
  }
}

TEST(SystemRandom, DoesNotRepeatItself) {
  system_random r;
  EXPECT_NE(r.next(), r.next());
  std::array<std::uint8_t, 37> bytes{};
  r.fill(bytes);
  EXPECT_NE(bytes, (std::array<std::uint8_t, 37>{}));
}

}  // namespace
}  // namespace reveille
