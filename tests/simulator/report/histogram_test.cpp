#include "simulator/report/histogram.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "core/random.hpp"

namespace reveille::report {
namespace {

using std::chrono::nanoseconds;

TEST(Histogram, KeepsItsErrorBoundOverAllMagnitudes) {
  seeded_random random(5);
  for (int exponent = 0; exponent < 62; ++exponent) {
    for (int i = 0; i < 200; ++i) {
      const auto value = (std::uint64_t{1} << exponent) + random.below(std::uint64_t{1} << exponent);
      histogram h;
      h.add(nanoseconds(static_cast<std::int64_t>(value)));
      h.add(nanoseconds(static_cast<std::int64_t>(histogram::max_value)));  // so that max() does not help
      const auto seen = static_cast<double>(h.quantile(0.5).count());
      const auto exact = static_cast<double>(value);
      EXPECT_GE(seen, exact);
      EXPECT_LE(seen, exact * (1 + histogram::relative_error));
    }
  }
}

TEST(Histogram, FindsQuantilesByRank) {
  histogram h;
  for (int i = 1; i <= 1000; ++i) h.add(nanoseconds(i * 1000));
  for (const double q : {0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const double exact = std::ceil(q * 1000) * 1000;
    EXPECT_GE(static_cast<double>(h.quantile(q).count()), exact) << q;
    EXPECT_LE(static_cast<double>(h.quantile(q).count()), exact * (1 + histogram::relative_error)) << q;
  }
  EXPECT_EQ(h.quantile(1.0), nanoseconds(1'000'000));
  EXPECT_EQ(h.mean(), nanoseconds(500'500));
}

TEST(Histogram, IsZeroWhenEmpty) {
  const histogram h;
  EXPECT_EQ(h.quantile(0.99), nanoseconds(0));
  EXPECT_EQ(h.mean(), nanoseconds(0));
  EXPECT_EQ(h.max(), nanoseconds(0));
}

TEST(Histogram, TakesZeroNegativeAndHugeValues) {
  histogram h;
  h.add(nanoseconds(0));
  h.add(nanoseconds(-5));
  h.add(nanoseconds::max());
  EXPECT_EQ(h.count(), 3U);
  EXPECT_EQ(h.quantile(0.5), nanoseconds(0));
  EXPECT_EQ(h.max().count(), static_cast<std::int64_t>(histogram::max_value));
}

TEST(Histogram, StepsAscendToTheCount) {
  histogram h;
  for (int i = 0; i < 100; ++i) h.add(nanoseconds(i * i * 1000));
  nanoseconds last{-1};
  std::uint64_t seen = 0;
  h.for_each_step([&](nanoseconds bound, std::uint64_t at_or_below) {
    EXPECT_GT(bound, last);
    EXPECT_GT(at_or_below, seen);
    last = bound;
    seen = at_or_below;
  });
  EXPECT_EQ(seen, 100U);
}

}  // namespace
}  // namespace reveille::report
