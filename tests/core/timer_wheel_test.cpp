#include "core/timer_wheel.hpp"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "core/random.hpp"

namespace reveille {
namespace {

constexpr steady_time origin{std::chrono::hours(1)};

TEST(TimerWheel, NeverFiresEarlyAndAtMostOneTickLate) {
  timer_wheel wheel(origin);
  const steady_time due = origin + std::chrono::microseconds(1500);
  wheel.schedule(due, 1);
  int fired = 0;
  wheel.advance(due - nanoseconds(1), [&](std::uint64_t) { ++fired; });
  EXPECT_EQ(fired, 0);
  wheel.advance(due + timer_wheel::tick, [&](std::uint64_t) { ++fired; });
  EXPECT_EQ(fired, 1);
}

TEST(TimerWheel, AgreesWithASortedMapOverRandomUse) {
  seeded_random random(42);
  timer_wheel wheel(origin);
  std::multimap<steady_time, std::uint64_t> model;
  std::map<std::uint64_t, timer_handle> handles;
  steady_time now = origin;
  std::uint64_t next_id = 1;
  for (int round = 0; round < 3000; ++round) {
    for (auto n = random.below(4); n > 0; --n) {
      static constexpr std::uint64_t spans[] = {5, 300, 70'000, 20'000'000};
      const auto due = now + milliseconds(1 + random.below(spans[random.below(4)]));
      handles[next_id] = wheel.schedule(due, next_id);
      model.emplace(due, next_id++);
    }
    if (!model.empty() && random.below(3) == 0) {
      auto victim = model.begin();
      std::advance(victim, static_cast<long>(random.below(model.size())));
      EXPECT_TRUE(wheel.cancel(handles[victim->second]));
      EXPECT_FALSE(wheel.cancel(handles[victim->second]));
      model.erase(victim);
    }
    if (wheel.next_due() && !model.empty()) {
      EXPECT_LE(*wheel.next_due(), model.begin()->first);
    }
    now += milliseconds(random.below(random.below(50) == 0 ? 100'000 : 60));
    std::vector<std::uint64_t> fired, expected;
    wheel.advance(now, [&](std::uint64_t id) { fired.push_back(id); });
    while (!model.empty() && model.begin()->first <= now) {
      expected.push_back(model.begin()->second);
      model.erase(model.begin());
    }
    std::sort(fired.begin(), fired.end());
    std::sort(expected.begin(), expected.end());
    ASSERT_EQ(fired, expected) << "round " << round;
    EXPECT_EQ(wheel.size(), model.size());
  }
}

TEST(TimerWheel, LetsAFiringTimerScheduleAndCancel) {
  timer_wheel wheel(origin);
  timer_handle other = wheel.schedule(origin + milliseconds(10), 2);
  wheel.schedule(origin + milliseconds(5), 1);
  std::vector<std::uint64_t> fired;
  wheel.advance(origin + milliseconds(20), [&](std::uint64_t id) {
    fired.push_back(id);
    if (id == 1) {
      wheel.cancel(other);
      wheel.schedule(origin + milliseconds(7), 3);
    }
  });
  EXPECT_EQ(fired, (std::vector<std::uint64_t>{1, 3}));
}

}  // namespace
}  // namespace reveille
