#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "simulator/report/duration_text.hpp"
#include "simulator/report/run_report.hpp"
#include "simulator/report/threshold.hpp"

namespace reveille::report {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

run_report sample() {
  run_report r;
  r.started = "2026-01-01T00:00:00Z";
  r.calls = {.offered = 100, .answered = 90, .cancelled = 4, .not_woken = 3, .unanswered = 2, .failed = 1};
  r.missed = {.expected = 9, .told = 9, .repeated = 1};
  for (int i = 1; i <= 100; ++i) r.stages[index_of(stage::register_to_invite)].add(microseconds(i * 10));
  r.engine_register_to_invite = engine_histogram{{{0.001, 90}, {0.002, 100}}, 100};
  r.engine = engine_usage{.cpu_seconds = 1.5, .rss_bytes = 1000};
  return r;
}

TEST(Duration, IsReadAndWritten) {
  EXPECT_EQ(parse_duration("1.5s").value(), milliseconds(1500));
  EXPECT_EQ(parse_duration("250us").value(), microseconds(250));
  EXPECT_EQ(parse_duration("2m").value(), seconds(120));
  EXPECT_EQ(parse_duration("0").value(), seconds(0));
  for (const char* bad : {"", "s", "1", "-1s", "1 s", "1e3s", "infs", "nans", "1ss", "9999h"}) EXPECT_FALSE(parse_duration(bad)) << bad;
  EXPECT_EQ(write_duration(microseconds(1530)), "1.53 ms");
  EXPECT_EQ(write_duration(seconds(12)), "12.0 s");
  EXPECT_EQ(write_duration(std::chrono::nanoseconds(7)), "7 ns");
}

struct rule_case {
  const char* text;
  bool passes;
};
class ThresholdRule : public ::testing::TestWithParam<rule_case> {};
TEST_P(ThresholdRule, IsChecked) {
  const auto rule = threshold::parse(GetParam().text);
  ASSERT_TRUE(rule.has_value()) << rule.error().what;
  EXPECT_EQ(rule->check(sample()).passed, GetParam().passes) << rule->check(sample()).seen;
}
INSTANTIATE_TEST_SUITE_P(Table, ThresholdRule,
                         ::testing::Values(rule_case{"p99(register_to_invite)<2ms", true}, rule_case{"p99(register_to_invite)<900us", false},
                                           rule_case{" p99.9 ( register_to_invite ) <= 1ms", true}, rule_case{"max(register_to_invite)<=1ms", true},
                                           rule_case{"max(register_to_invite)<1ms", false}, rule_case{"mean(register_to_invite)>400us", true},
                                           rule_case{"p50(register_to_invite)>=1ms", false}, rule_case{"share(answered)>=90%", true},
                                           rule_case{"share(answered)>0.9", false}, rule_case{"share(failed)<=1%", true},
                                           rule_case{"p99(post_dial_delay)<10s", false},
                                           rule_case{"p90(engine_register_to_invite)<=1ms", true},
                                           rule_case{"p99(engine_register_to_invite)<1.5ms", false}));

TEST(Threshold, BreaksWhenNothingWasMeasured) {
  EXPECT_EQ(threshold::parse("p99(wake_up)<1s")->check(sample()).seen, "no values");
  EXPECT_FALSE(threshold::parse("share(failed)<50%")->check(run_report{}).passed);
  EXPECT_FALSE(threshold::parse("p99(engine_register_to_invite)<1s")->check(run_report{}).passed);
}

TEST(Threshold, RefusesWhatItDoesNotUnderstand) {
  for (const char* bad : {"", "p99", "p99()<1s", "p99(wake_up)", "p99(wake_up)=1s", "p99(wake_up)<", "p99(wake_up)<5", "p0(wake_up)<1s",
                          "p101(wake_up)<1s", "q99(wake_up)<1s", "share(wake_up)<1", "share(answered)<2", "share(answered)<x",
                          ")p99(<1s", "max(engine_register_to_invite)<1s", "mean(engine_register_to_invite)<1s", "p(wake_up)<1s"}) {
    EXPECT_FALSE(threshold::parse(bad)) << bad;
  }
}

TEST(RunReport, PassesOnlyWithoutViolationsAndBrokenThresholds) {
  run_report r = sample();
  EXPECT_EQ(r.exit_code(), 0);
  r.thresholds.push_back({"x", "y", false});
  EXPECT_EQ(r.exit_code(), 99);
  r.thresholds[0].passed = true;
  r.violation_count = 1;
  EXPECT_EQ(r.exit_code(), 99);
}

TEST(RunReport, WritesTheKeysThatOthersRead) {
  const auto j = nlohmann::json::parse(write_json(sample()));
  for (const char* key : {"offered", "answered", "cancelled", "not_woken", "failed"}) EXPECT_TRUE(j["calls"].contains(key)) << key;
  EXPECT_EQ(j["calls"]["answered"], 90);
  EXPECT_EQ(j["missed_calls"]["told"], 9);
  EXPECT_EQ(j["missed_calls"]["expected"], 9);
  EXPECT_EQ(j["missed_calls"]["repeated"], 1);
  EXPECT_EQ(j["violations"], 0);
  EXPECT_EQ(j["thresholds_passed"], true);
  EXPECT_NEAR(j["latency_ms"]["register_to_invite"]["p99"].get<double>(), 0.99, 0.02);
  EXPECT_EQ(j["engine"]["cpu_seconds"], 1.5);
  EXPECT_EQ(j["engine"]["rss_bytes"], 1000);
  EXPECT_TRUE(nlohmann::json::parse(write_json(run_report{}))["engine"].is_null());
}

TEST(RunReport, LetsNothingFromTheWireBreakItsViews) {
  run_report r = sample();
  r.violation_count = 1;
  r.violations.push_back({"rule", "\"<script>alert(1)</script>\xff\x01", "a\"b", "c\nd"});
  EXPECT_EQ(nlohmann::json::parse(write_json(r))["violation_list"].size(), 1U);
  const std::string page = write_html(r);
  EXPECT_EQ(page.find("<script"), page.npos);
  EXPECT_EQ(page.find("http"), page.npos) << "nothing is loaded from elsewhere";
  EXPECT_NE(page.find("<svg"), page.npos);
  EXPECT_NE(write_table(r).find("rule"), std::string::npos);
}

TEST(RunReport, ShowsAnEmptyRun) {
  EXPECT_FALSE(write_table(run_report{}).empty());
  EXPECT_FALSE(write_html(run_report{}).empty());
}

}  // namespace
}  // namespace reveille::report
