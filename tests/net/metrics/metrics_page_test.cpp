#include "net/metrics/metrics_page.hpp"

#include "core/buckets.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace reveille {
namespace {

TEST(MetricsPage, PrintsOneFamilyOfSamplesOfOneName) {
  metrics_page page;
  page.add_source([](metric_sink& to) {
    to.counter("a_total", "All a.", {{"kind", "x"}}, std::uint64_t{1});
    to.gauge("b", "Now b.", {}, 2.5);
    to.counter("a_total", "", {{"kind", "y"}}, std::uint64_t{3});
  });
  EXPECT_EQ(page.text(),
            "# HELP a_total All a.\n# TYPE a_total counter\na_total{kind=\"x\"} 1\na_total{kind=\"y\"} 3\n"
            "# HELP b Now b.\n# TYPE b gauge\nb 2.5\n");
}

TEST(MetricsPage, PrintsCumulativeBuckets) {
  histogram_slot slots(buckets::batch);
  for (const double v : {1.0, 2.0, 3.0, 1000.0}) slots.observe(v);
  metrics_page page;
  page.add_source([&](metric_sink& to) { to.histogram("batch_items", "Items.", {}, slots.values()); });
  const std::string text = page.text();
  for (const char* line : {"batch_items_count 4", "batch_items_sum 1006", "batch_items_bucket{le=\"1\"} 1",
                           "batch_items_bucket{le=\"2\"} 2", "batch_items_bucket{le=\"4\"} 3",
                           "batch_items_bucket{le=\"512\"} 3", "batch_items_bucket{le=\"+Inf\"} 4"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
  }
}

TEST(MetricsPage, EscapesWhatALabelHolds) {
  metrics_page page;
  page.add_source([](metric_sink& to) { to.gauge("b", "Now b.", {{"version", "a\"b\\c\nd"}}, 1); });
  EXPECT_NE(page.text().find("version=\"a\\\"b\\\\c\\nd\""), std::string::npos);
}

TEST(MetricsPage, LeavesOutAHistogramThatWasNeverMade) {
  metrics_page page;
  page.add_source([](metric_sink& to) { to.histogram("x_seconds", "X.", {}, histogram_values{}); });
  EXPECT_EQ(page.text(), "");
}

TEST(Slots, CountExactlyWithAWriterEach) {
  constexpr std::uint64_t each = 200000;
  slot first, second;
  const auto write = [](slot& s) {
    for (std::uint64_t i = 0; i < each; ++i) s.add();
  };
  std::thread a(write, std::ref(first)), b(write, std::ref(second));
  a.join();
  b.join();
  EXPECT_EQ(first.value() + second.value(), 2 * each);
}

TEST(Slots, PutAValueOnABoundIntoItsBucket) {
  histogram_slot slots(buckets::wake);
  slots.observe(buckets::wake[0]);
  EXPECT_EQ(slots.values().counts[0], 1U);
  slots.observe(1e9);
  EXPECT_EQ(slots.values().counts[std::size(buckets::wake)], 1U);
}

TEST(ProcessMetrics, TellOfThisProcess) {
  metrics_page page;
  page.add_source([](metric_sink& to) { add_process_metrics(to); });
  const std::string text = page.text();
  for (const char* name : {"process_cpu_seconds_total ", "process_resident_memory_bytes ", "process_open_fds ",
                           "process_max_fds ", "process_start_time_seconds "}) {
    const std::size_t at = text.find(std::string("\n") + name);
    ASSERT_NE(at, std::string::npos) << name;
    EXPECT_GT(std::stod(text.substr(at + 1 + std::string(name).size())), 0) << name;
  }
}

}  // namespace
}  // namespace reveille
