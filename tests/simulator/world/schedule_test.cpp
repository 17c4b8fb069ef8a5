#include "simulator/world/schedule.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "simulator/world/network.hpp"

namespace reveille::world {
namespace {

constexpr instant start{steady_time(std::chrono::hours(1)), wall_time(std::chrono::hours(1))};

TEST(Schedule, KeepsTheOrderOfAChannelWhateverTheDelays) {
  for (std::uint64_t seed = 1; seed < 50; ++seed) {
    schedule when(seed, start);
    std::vector<int> seen;
    for (int i = 0; i < 20; ++i) {
      when.in_order("a>b", when.between(nanoseconds(0), seconds(1)), [&seen, i] { seen.push_back(i); });
    }
    while (when.step()) {
    }
    ASSERT_TRUE(std::is_sorted(seen.begin(), seen.end())) << "seed " << seed;
    ASSERT_EQ(seen.size(), 20U);
  }
}

TEST(Schedule, LetsTheSeedPickAmongItemsOfOneInstant) {
  const auto order_of = [](std::uint64_t seed) {
    schedule when(seed, start);
    std::vector<int> seen;
    for (int i = 0; i < 8; ++i) when.after(seconds(1), [&seen, i] { seen.push_back(i); });
    while (when.step()) {
    }
    return seen;
  };
  EXPECT_EQ(order_of(1), order_of(1));
  bool differs = false;
  for (std::uint64_t seed = 2; seed < 10; ++seed) differs = differs || order_of(seed) != order_of(1);
  EXPECT_TRUE(differs);
}

TEST(Schedule, MovesBothClocksTogether) {
  schedule when(1, start);
  for (int i = 1; i <= 10; ++i) when.after(std::chrono::microseconds(1500) * i, [] {});
  while (when.step()) {
  }
  EXPECT_EQ(when.now().steady - start.steady, milliseconds(15));
  EXPECT_EQ(when.now().wall - start.wall, milliseconds(15));
}

TEST(Network, LosesDoublesAndReordersButInventsNothing) {
  schedule when(3, start);
  network_faults faults;
  faults.loss = faults.doubling = 0.3;
  network net(when, faults);
  const endpoint a = virtual_endpoint(1, 5060), b = virtual_endpoint(2, 5060);
  std::map<std::string, int> seen;
  std::vector<std::string> order;
  net.listen(b, [&](const endpoint& from, std::string_view bytes) {
    EXPECT_EQ(from, a);
    ++seen[std::string(bytes)];
    order.emplace_back(bytes);
  });
  for (int i = 0; i < 500; ++i) net.send(a, b, std::to_string(1000 + i));
  net.send(a, virtual_endpoint(3, 5060), "nobody is there");
  while (when.step()) {
  }
  int twice = 0;
  for (const auto& [text, count] : seen) {
    EXPECT_LE(count, 2);
    twice += count == 2;
  }
  EXPECT_GT(twice, 50);
  EXPECT_LT(seen.size(), 450U);
  EXPECT_GT(seen.size(), 250U);
  EXPECT_FALSE(std::is_sorted(order.begin(), order.end()));
}

}  // namespace
}  // namespace reveille::world
