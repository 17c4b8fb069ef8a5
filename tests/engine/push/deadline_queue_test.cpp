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

TEST(PushTable, GivesABurstsMemoryBackAndKeepsOldTagsStale) {
  push_table t;
  std::vector<std::uint64_t> tags;
  for (std::uint32_t n = 0; n < 10'000; ++n) {
    push_slot& s = t.take();
    s.order.id = {aor_key{n}, n};
    s.at = push_slot::phase::queued;
    t.enlist(s);
    tags.push_back(s.tag());
  }
  const auto end = [&](std::uint64_t tag) {
    push_slot* const s = t.by_tag(tag);
    ASSERT_NE(s, nullptr);
    t.strike(*s);
    t.release(*s);
    t.rest();
  };
  for (std::size_t i = 0; i + 1 < tags.size(); ++i) end(tags[i]);
  EXPECT_EQ(t.slots(), 10'000u);
  end(tags.back());
  EXPECT_EQ(t.slots(), 0u);
  for (std::uint32_t n = 0; n < 10'000; ++n) {
    push_slot& s = t.take();
    s.order.id = {aor_key{n}, n};
    s.at = push_slot::phase::queued;
    t.enlist(s);
  }
  for (const std::uint64_t tag : tags) EXPECT_EQ(t.by_tag(tag), nullptr);
  EXPECT_NE(t.find({aor_key{77}, 77}), nullptr);
}

}  // namespace
}  // namespace reveille::testing
