#include "actors/push_bucket.hpp"

#include <gtest/gtest.h>

namespace reveille {
namespace {

const instant t0{steady_time(std::chrono::hours(1)), wall_time(seconds(1'700'000'000))};

call_ref ref(std::uint8_t n) {
  call_ref c;
  c.bytes[0] = n;
  return c;
}

bucket_entry entry(std::uint8_t n, bool over = true) {
  bucket_entry e;
  e.call = ref(n);
  e.remote_uri = std::to_string(100 + n);
  e.date = t0.wall + seconds(n);
  e.deadline = t0.wall + seconds(n + 30);
  e.over = over;
  return e;
}

const push_bucket::recipient phone{device_id{1}, false};
const push_bucket::recipient other_phone{device_id{2}, false};
const push_bucket::recipient voip_phone{device_id{3}, true};

struct PushBucket : ::testing::Test {
  push_bucket bucket;
  subscriber_config config;
  std::vector<call_ref> dropped;

  void add(std::uint8_t n, bool over = true) { bucket.add(entry(n, over), t0.wall, config, dropped); }
  /// So many calls fit a part.
  void calls_per_part(std::size_t n) {
    config.missed_cost = {n, 0, 1, 0, 0};
  }
};

TEST_F(PushBucket, HoldsOneEntryPerCall) {
  EXPECT_TRUE(bucket.add(entry(1), t0.wall, config, dropped));
  EXPECT_FALSE(bucket.add(entry(1), t0.wall, config, dropped));
  EXPECT_EQ(bucket.entries().size(), 1u);
}

TEST_F(PushBucket, KeepsEntriesInOrderOfDate) {
  add(3);
  add(1);
  add(2);
  EXPECT_EQ(bucket.entries()[0].call, ref(1));
  EXPECT_EQ(bucket.entries()[2].call, ref(3));
}

TEST_F(PushBucket, DropsTheOldestBeyondItsBound) {
  config.bucket_entries = 2;
  add(1);
  add(2);
  add(3);
  EXPECT_EQ(dropped, std::vector{ref(1)});
  EXPECT_EQ(bucket.entries().size(), 2u);
}

TEST_F(PushBucket, DropsWhatIsThirtyDaysOld) {
  add(1);
  bucket.add(entry(2), t0.wall + std::chrono::hours(24 * 31), config, dropped);
  EXPECT_EQ(dropped, std::vector{ref(1)});
}

TEST_F(PushBucket, TellsNothingWhileACallIsNotOver) {
  add(1, false);
  EXPECT_FALSE(bucket.start_round({phone}, t0, config));
}

TEST_F(PushBucket, TakesACallForOverFiveSecondsAfterItsDeadline) {
  add(1, false);
  EXPECT_FALSE(bucket.start_round({phone}, t0 + seconds(31 + 4), config));
  EXPECT_TRUE(bucket.start_round({phone}, t0 + seconds(31 + 5), config));
}

TEST_F(PushBucket, ToldEntriesLeaveWhenTheFirstProviderAccepts) {
  add(1);
  add(2);
  ASSERT_TRUE(bucket.start_round({phone, other_phone}, t0, config));
  bucket.sent(1, phone.device);
  bucket.sent(2, other_phone.device);
  EXPECT_EQ(bucket.answered(1, true).told.size(), 2u);
  EXPECT_TRUE(bucket.entries().empty());
  const auto p = bucket.answered(2, false);
  EXPECT_TRUE(p.told.empty());
  EXPECT_TRUE(p.over);
  EXPECT_FALSE(p.failed);
}

TEST_F(PushBucket, KeepsTheEntriesWhenThePushIsRefused) {
  add(1);
  ASSERT_TRUE(bucket.start_round({phone}, t0, config));
  bucket.sent(1, phone.device);
  const auto p = bucket.answered(1, false);
  EXPECT_TRUE(p.failed);
  EXPECT_EQ(bucket.entries().size(), 1u);
  EXPECT_TRUE(bucket.start_round({phone}, t0, config)) << "told with the next registration";
}

TEST_F(PushBucket, HasOneRoundInFlight) {
  add(1);
  ASSERT_TRUE(bucket.start_round({phone}, t0, config));
  EXPECT_FALSE(bucket.start_round({phone}, t0, config));
}

TEST_F(PushBucket, SplitsAListOldestPartFirstEachWithItsOwnCollapseId) {
  calls_per_part(2);
  for (std::uint8_t n = 1; n <= 5; ++n) add(n);
  ASSERT_TRUE(bucket.start_round({phone}, t0, config));
  std::vector<std::string> collapse;
  std::vector<std::size_t> sizes;
  for (std::uint32_t push = 1;; ++push) {
    const auto content = bucket.part(t0.wall);
    collapse.push_back(content.collapse_id);
    sizes.push_back(content.calls.size());
    EXPECT_TRUE(std::is_sorted(content.calls.begin(), content.calls.end(),
                               [](const auto& a, const auto& b) { return a.date < b.date; }));
    EXPECT_LE(content.collapse_id.size(), 64u);
    bucket.sent(push, phone.device);
    const auto p = bucket.answered(push, true);
    EXPECT_EQ(p.told.size(), content.calls.size()) << "entries leave per accepted part";
    if (p.over) break;
    ASSERT_TRUE(p.next_part);
  }
  EXPECT_EQ(sizes, (std::vector<std::size_t>{2, 2, 1}));
  EXPECT_NE(collapse[0], collapse[1]);
  EXPECT_NE(collapse[1], collapse[2]);
  EXPECT_TRUE(bucket.entries().empty());
}

TEST_F(PushBucket, ARefusedPartEndsTheRoundAndKeepsTheRest) {
  calls_per_part(1);
  add(1);
  add(2);
  add(3);
  ASSERT_TRUE(bucket.start_round({phone}, t0, config));
  bucket.sent(1, phone.device);
  EXPECT_TRUE(bucket.answered(1, true).next_part);
  bucket.sent(2, phone.device);
  EXPECT_TRUE(bucket.answered(2, false).over);
  EXPECT_EQ(bucket.entries().size(), 2u);
}

TEST_F(PushBucket, SendsAVoipTokenOnlyThePartWithTheNewestCalls) {
  calls_per_part(1);
  add(1);
  add(2);
  ASSERT_TRUE(bucket.start_round({phone, voip_phone}, t0, config));
  EXPECT_EQ(bucket.recipients().size(), 1u);
  bucket.sent(1, phone.device);
  EXPECT_TRUE(bucket.answered(1, true).next_part);
  EXPECT_EQ(bucket.recipients().size(), 2u);
  EXPECT_EQ(bucket.part(t0.wall).calls[0].call, ref(2));
}

TEST_F(PushBucket, WithVoipTokensOnlyTheOlderPartsStay) {
  calls_per_part(1);
  add(1);
  add(2);
  ASSERT_TRUE(bucket.start_round({voip_phone}, t0, config));
  EXPECT_EQ(bucket.part(t0.wall).calls[0].call, ref(2));
  bucket.sent(1, voip_phone.device);
  EXPECT_TRUE(bucket.answered(1, true).over);
  ASSERT_EQ(bucket.entries().size(), 1u);
  EXPECT_EQ(bucket.entries()[0].call, ref(1));
}

TEST_F(PushBucket, RepeatsAPartUnderTheSameCollapseId) {
  add(1);
  ASSERT_TRUE(bucket.start_round({phone}, t0, config));
  const std::string first = bucket.part(t0.wall).collapse_id;
  push_bucket after_a_crash;
  after_a_crash.load(bucket.entries());
  after_a_crash.add(entry(2), t0.wall, config, dropped);
  ASSERT_TRUE(after_a_crash.start_round({phone}, t0, config));
  EXPECT_EQ(after_a_crash.part(t0.wall).collapse_id, first);
}

TEST_F(PushBucket, AForeignAnswerChangesNothing) {
  add(1);
  bucket.start_round({phone}, t0, config);
  bucket.sent(1, phone.device);
  EXPECT_FALSE(bucket.answered(99, true).known);
  EXPECT_TRUE(bucket.in_round());
}

TEST_F(PushBucket, SkipsEntriesThatWentMeanwhile) {
  calls_per_part(1);
  add(1);
  add(2);
  bucket.start_round({phone}, t0, config);
  bucket.sent(1, phone.device);
  bucket.remove(ref(2));
  EXPECT_TRUE(bucket.answered(1, true).over);
}

TEST_F(PushBucket, ACallTooLargeForAnyPartGoesAlone) {
  config.missed_cost.limit = 1024;
  bucket_entry big = entry(1);
  big.remote_uri = std::string(5000, '\1');
  bucket.add(big, t0.wall, config, dropped);
  add(2);
  ASSERT_TRUE(bucket.start_round({phone}, t0, config));
  EXPECT_EQ(bucket.part(t0.wall).calls.size(), 1u);
}

TEST_F(PushBucket, TwoHundredCallsSplitWithinTheLimit) {
  for (std::uint8_t n = 0; n < 200; ++n) add(n);
  ASSERT_TRUE(bucket.start_round({phone}, t0, config));
  std::size_t told = 0;
  for (std::uint32_t push = 1; bucket.in_round(); ++push) {
    const auto content = bucket.part(t0.wall);
    EXPECT_EQ(pns::missed_calls_that_fit(content.calls, config.missed_cost), content.calls.size());
    bucket.sent(push, phone.device);
    told += bucket.answered(push, true).told.size();
  }
  EXPECT_EQ(told, 200u);
}

}  // namespace
}  // namespace reveille
