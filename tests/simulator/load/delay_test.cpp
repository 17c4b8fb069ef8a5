#include "simulator/load/delay.hpp"

#include <gtest/gtest.h>

namespace reveille::load {
namespace {

std::vector<double> draws_ms(std::string_view text, int count = 20000) {
  const auto d = delay::parse(text);
  EXPECT_TRUE(d.has_value());
  seeded_random random(3);
  std::vector<double> out;
  for (int i = 0; i < count; ++i) out.push_back(static_cast<double>(d->draw(random).count()) / 1e6);
  std::sort(out.begin(), out.end());
  return out;
}

TEST(Delay, DrawsAConstant) {
  EXPECT_EQ(draws_ms("600ms", 3), (std::vector<double>{600, 600, 600}));
  EXPECT_EQ(draws_ms("0", 1), std::vector<double>{0});
}

TEST(Delay, StaysBetweenTheEndsOfAUniform) {
  const auto d = draws_ms("uniform:200ms..3s");
  EXPECT_GE(d.front(), 200);
  EXPECT_LE(d.back(), 3000);
  EXPECT_NEAR(d[d.size() / 2], 1600, 50);
}

TEST(Delay, HasTheMeanOfItsExponential) {
  double sum = 0;
  const auto d = draws_ms("exponential:mean=1s");
  for (double x : d) sum += x;
  EXPECT_NEAR(sum / static_cast<double>(d.size()), 1000, 30);
}

TEST(Delay, HitsBothPercentilesOfALognormal) {
  const auto d = draws_ms("lognormal:p50=600ms,p99=3s");
  EXPECT_NEAR(d[d.size() / 2], 600, 15);
  EXPECT_NEAR(d[d.size() * 99 / 100], 3000, 250);
  EXPECT_GT(d.front(), 0);
}

TEST(Delay, RepeatsItselfFromTheSameSeed) {
  EXPECT_EQ(draws_ms("lognormal:p50=600ms,p99=3s", 100), draws_ms("lognormal:p50=600ms,p99=3s", 100));
}

class RefusedDelay : public ::testing::TestWithParam<const char*> {};
TEST_P(RefusedDelay, IsExplained) { EXPECT_FALSE(delay::parse(GetParam()).has_value()); }
INSTANTIATE_TEST_SUITE_P(Table, RefusedDelay,
                         ::testing::Values("", "5", "-1s", "1x", "uniform:", "uniform:1s", "uniform:3s..1s", "uniform:1s..",
                                           "exponential:", "exponential:mean=0s", "exponential:1s", "lognormal:p50=1s",
                                           "lognormal:p50=0s,p99=1s", "lognormal:p99=1s,p50=2s", "pareto:1s", "1e400s", "nan", "2000h",
                                           "inf s", "lognormal:p50=1s,p99=2s,"));

}  // namespace
}  // namespace reveille::load
