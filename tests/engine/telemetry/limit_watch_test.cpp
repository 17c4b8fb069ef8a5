/// The log's words on bounds: once when one is hit, once when it is left.
#include "engine/telemetry/limit_watch.hpp"

#include <gtest/gtest.h>

namespace reveille {
namespace {

constexpr limit rows[] = {{"x_refused_total", "bound", "queue", "messages refused: the queue is full", "queue_limit"},
                          {"x_refused_total", "bound", "memory", "messages refused: no memory", "pool_bytes"},
                          {"y_full_total", "", "", "changes refused: y is full", "y_limit"}};

class LimitWatch : public ::testing::Test {
 protected:
  /// One look a second, while the counts grow by `each`.
  std::vector<std::string> run(int looks, std::vector<double> each) {
    std::vector<std::string> out;
    for (int i = 0; i < looks; ++i) {
      now_ += seconds(1);
      for (std::size_t r = 0; r < counts_.size(); ++r) counts_[r] += each[r];
      for (limit_line& l : watch_.look(counts_, now_)) {
        out.push_back((l.how == limit_line::weight::warning ? "warning: " : "info: ") + l.text);
      }
    }
    return out;
  }
  static int quiet() { return static_cast<int>(limit_watch::first_quiet.count()); }

  limit_watch watch_{rows};
  std::vector<double> counts_ = {0, 0, 0};
  steady_time now_{seconds(1000)};
};

TEST_F(LimitWatch, SaysNothingWhileNothingIsRefused) { EXPECT_TRUE(run(1000, {0, 0, 0}).empty()); }

TEST_F(LimitWatch, SaysOnceThatABoundIsHitAndWhatToDo) {
  const auto said = run(600, {5000, 0, 0});
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0], "warning: bound hit: messages refused: the queue is full; queue_limit [x_refused_total{bound=\"queue\"}]");
}

TEST_F(LimitWatch, SaysHowOftenAndForHowLongWhenItIsLeft) {
  run(10, {0, 0, 7});
  EXPECT_TRUE(run(quiet() - 1, {0, 0, 0}).empty());
  const auto said = run(100, {0, 0, 0});
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0], "info: bound left: changes refused: y is full; it was hit 70 times in 10 s [y_full_total]");
}

TEST_F(LimitWatch, SaysOfASingleRefusalThatItWasOne) {
  run(1, {0, 1, 0});
  const auto said = run(100, {0, 0, 0});
  ASSERT_EQ(said.size(), 1u);
  EXPECT_NE(said[0].find("it was hit once"), std::string::npos) << said[0];
}

TEST_F(LimitWatch, TellsWhatWasCountedBeforeItsFirstLook) { EXPECT_EQ(run(1, {3, 0, 0}).size(), 1u); }

TEST_F(LimitWatch, ABoundThatIsHitNowAndThenAllDayCostsFewLines) {
  std::size_t lines = 0;
  for (int i = 0; i < 24 * 60; ++i) {  // once a minute, for a day
    lines += run(1, {1, 0, 0}).size();
    lines += run(59, {0, 0, 0}).size();
  }
  EXPECT_LE(lines, 10u);
  EXPECT_GE(lines, 3u);
  run(3 * 3600 * 2, {0, 0, 0});
  EXPECT_EQ(run(quiet() + 2, {1, 0, 0}).size(), 1u);
  EXPECT_EQ(run(quiet() + 2, {0, 0, 0}).size(), 1u) << "after a long rest it is judged as at first";
}

TEST_F(LimitWatch, APartThatStopsCountingIsNoNews) {
  run(1, {10, 0, 0});
  run(100, {0, 0, 0});
  counts_[0] = 4;
  EXPECT_TRUE(run(100, {0, 0, 0}).empty());
  EXPECT_EQ(run(1, {1, 0, 0}).size(), 1u);
}

TEST(LimitWatchOfMany, SaysAFewLinesAtATimeAndForgetsNone) {
  const std::vector<limit> many(50, {"z_total", "", "", "z", "z_limit"});
  limit_watch watch(many);
  std::vector<double> counts(many.size(), 3);
  steady_time now{seconds(1000)};
  std::size_t hit = 0, left = 0;
  for (int i = 0; i < 120; ++i) {
    const auto lines = watch.look(counts, now += seconds(1));
    EXPECT_LE(lines.size(), limit_watch::lines_a_look);
    for (const limit_line& l : lines) {
      (l.how == limit_line::weight::warning ? hit : left) += 1;
      const bool is_end = l.how == limit_line::weight::info;
      EXPECT_EQ(l.text.find("3 times") != std::string::npos, is_end) << l.text;
    }
  }
  EXPECT_EQ(hit, many.size());
  EXPECT_EQ(left, many.size());
}

TEST(LimitReading, SumsWhatARowMeansAndPassesOverTheRest) {
  limit_reading reading(rows);
  metric_sink& to = reading;
  for (int again = 0; again < 2; ++again) {
    reading.clear();
    to.counter("x_refused_total", "", {{"shard", "0"}, {"bound", "queue"}}, 2.0);
    to.counter("x_refused_total", "", {{"shard", "1"}, {"bound", "queue"}}, 3.0);
    to.counter("x_refused_total", "", {{"shard", "1"}, {"bound", "other"}}, 100.0);
    to.counter("y_full_total", "", {{"shard", "0"}}, 4.0);
    to.counter("unknown_total", "", {}, 100.0);
    to.gauge("y_full_total", "", {}, 100.0);
    EXPECT_EQ(std::vector<double>(reading.counts().begin(), reading.counts().end()), (std::vector<double>{5, 0, 4}));
  }
}

}  // namespace
}  // namespace reveille
