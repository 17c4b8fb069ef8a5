// The queue of a lane: the earliest deadline first, and no more memory than what waits is worth.
#include <gtest/gtest.h>

#include <set>

#include "engine/push/push_table.hpp"

namespace reveille::testing {
namespace {

TEST(DeadlineQueue, GivesTheEarliestFirstAndEqualOnesInTheOrderOfTheirComing) {
  deadline_queue q;
  const steady_time t{seconds(10)};
  q.add(t + seconds(2), 1);
  q.add(t, 2);
  q.add(t + seconds(1), 3);
  q.add(t, 4);
  std::vector<std::uint64_t> tags;
  for (; !q.empty(); q.pop()) tags.push_back(q.front().tag);
  EXPECT_EQ(tags, (std::vector<std::uint64_t>{2, 4, 3, 1}));
}

TEST(DeadlineQueue, KeepsNoMoreOfWhatHasLeftThanOfWhatWaits) {
  deadline_queue q;
  std::set<std::uint64_t> waiting;
  const steady_time t{seconds(10)};
  std::size_t longest = 0;
  for (std::uint64_t n = 0; n < 100'000; ++n) {  // calls that end soon, with deadlines far away
    q.add(t + milliseconds(n), n);
    waiting.insert(n);
    if (waiting.size() > 50) waiting.erase(waiting.begin());
    q.prune(waiting.size(), [&](const deadline_queue::item& i) { return waiting.count(i.tag) == 0; });
    longest = std::max(longest, q.size());
  }
  EXPECT_LE(longest, 2 * 50U + 65U);
  std::uint64_t last = 0;
  for (; !q.empty(); q.pop()) {
    EXPECT_GE(q.front().tag, last);  // still in order
    last = q.front().tag;
    waiting.erase(last);
  }
  EXPECT_TRUE(waiting.empty());
}

}  // namespace
}  // namespace reveille::testing
