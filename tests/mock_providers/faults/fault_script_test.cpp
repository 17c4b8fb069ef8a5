#include "mock_providers/faults/fault_script.hpp"

#include <gtest/gtest.h>

#include "tests/mock_providers/backend_fixture.hpp"

namespace reveille::mock_providers {
namespace {

/// What a script does to `n` pushes of one connection: a letter each.
std::string played(fault_script& script, int n, fault_request request = {fault_target::apns, "app", "aabb", "/3/device/aabb"},
                   nanoseconds at = nanoseconds(0)) {
  fault_line line;
  seeded_random random(1);
  std::string out;
  for (int i = 0; i < n; ++i) {
    const fault_action a = script.next(request, at, line, random);
    out += a.silence ? 's' : a.reset ? 'r' : a.answer ? 'a' : a.goaway ? 'g' : a.close ? 'c' : a.settings.max_streams ? 'm' : '.';
  }
  return out;
}
std::string played(const char* text, int n, fault_request request = {fault_target::apns, "app", "aabb", "/3/device/aabb"},
                   nanoseconds at = nanoseconds(0)) {
  fault_script script = fault_script::parse(text).value();
  return played(script, n, request, at);
}

TEST(FaultScript, CountsEveryBurstAndTimes) {
  EXPECT_EQ(played(R"([{"every": 3, "silence": true}])", 7), "..s..s.");
  EXPECT_EQ(played(R"([{"every": 4, "burst": 2, "silence": true}])", 10), "...ss..ss.");
  EXPECT_EQ(played(R"([{"every": 2, "times": 2, "silence": true}])", 8), ".s.s....");
  EXPECT_EQ(played(R"([{"silence": true, "times": 1}, {"reset": "cancel"}])", 3), "srr") << "the first that decides wins";
}

TEST(FaultScript, ConcernsWhatItsConditionsSay) {
  const fault_request apns{fault_target::apns, "com.example.phone", "aabb", "/3/device/aabb"};
  const fault_request fcm{fault_target::fcm, "project", "c:d", "/v1/projects/project/messages:send"};
  const fault_request oauth{fault_target::oauth, "", "", "/token"};
  struct row {
    const char* conditions;
    const char* hits;
  };
  const row rows[] = {{R"("provider": "apns")", "s.."},
                      {R"("provider": ["fcm", "oauth"])", ".ss"},
                      {R"("share": 1)", "ss."},
                      {R"("provider": "apns.dev")", "..."},
                      {R"("app": ["x", "project"])", ".s."},
                      {R"("token": "aabb")", "s.."},
                      {R"("token": ["aab", "c:d"])", ".s."},
                      {R"("token_prefix": ["aa", "zz"])", "s.."},
                      {R"("path": "/v1/")", ".s."},
                      {R"("from": 1)", "..."},
                      {R"("until": 1)", "ss."},
                      {R"("share": 0)", "..."}};
  for (const row& r : rows) {
    const std::string text = "[{" + std::string(r.conditions) + R"(, "silence": true}])";
    EXPECT_EQ(played(text.c_str(), 1, apns) + played(text.c_str(), 1, fcm) + played(text.c_str(), 1, oauth), r.hits) << text;
  }
}

TEST(FaultScript, OpensAndClosesItsWindowOfTime) {
  const char* text = R"([{"from": 10, "until": 15.5, "silence": true}])";
  const std::pair<nanoseconds, const char*> rows[] = {
      {milliseconds(9999), "."}, {seconds(10), "s"}, {milliseconds(15499), "s"}, {milliseconds(15500), "."}};
  for (const auto& [at, hit] : rows) EXPECT_EQ(played(text, 1, {}, at), hit);
}

TEST(FaultScript, LowersAndRaisesSettingsOnEachConnectionForItself) {
  fault_script script = fault_script::parse(R"([{"every": 2, "settings": [{"max_concurrent_streams": 1},
      {"max_concurrent_streams": 500, "initial_window_size": 100}]}])").value();
  seeded_random random(1);
  fault_line one, other;
  std::vector<std::uint32_t> seen;
  for (int i = 0; i < 8; ++i) seen.push_back(script.next({}, seconds(0), one, random).settings.max_streams.value_or(0));
  EXPECT_EQ(seen, (std::vector<std::uint32_t>{0, 1, 0, 500, 0, 1, 0, 500}));
  EXPECT_FALSE(script.next({}, seconds(0), other, random).settings.max_streams);
  EXPECT_EQ(script.next({}, seconds(0), other, random).settings.max_streams, 1U);
}

TEST(FaultScript, SaysWhatStandsAndWhenThatChanges) {
  const fault_script script = fault_script::parse(R"([
      {"provider": "apns", "from": 10, "until": 20, "connections": {"max_concurrent_streams": 1, "read": "stopped"}},
      {"from": 15, "connections": {"accept": "silent", "certificate": "expired", "hold_windows": true}},
      {"silence": true}])").value();
  EXPECT_EQ(script.standing(fault_target::apns, seconds(5)), standing_faults{});
  EXPECT_EQ(script.standing(fault_target::apns, seconds(10)).settings.max_streams, 1U);
  EXPECT_TRUE(script.standing(fault_target::apns, seconds(10)).stop_reading);
  EXPECT_EQ(script.standing(fault_target::fcm, seconds(10)), standing_faults{});
  EXPECT_EQ(script.standing(fault_target::fcm, seconds(15)).admission, admission_kind::silence);
  EXPECT_LT(*script.standing(fault_target::fcm, seconds(15)).certificate_life, seconds(0));
  EXPECT_FALSE(script.standing(fault_target::apns, seconds(20)).stop_reading);
  EXPECT_EQ(script.next_change(seconds(0)), seconds(10));
  EXPECT_EQ(script.next_change(seconds(10)), seconds(15));
  EXPECT_EQ(script.next_change(seconds(15)), seconds(20));
  EXPECT_FALSE(script.next_change(seconds(20)));
}

TEST(FaultScript, NamesTheRuleAndTheKeyThatAreWrong) {
  const std::pair<const char*, const char*> rows[] = {
      {"{}", "does nothing"},
      {"3", "array"},
      {"[1]", "rule 1: a rule is an object"},
      {"[{\"silence\":true},\n {\"silence\" true}]", "line 2, column"},
      {R"([{"silence":true},{"sleep":1}])", "rule 2: unknown key \"sleep\""},
      {R"([{}])", "rule 1: a rule that does nothing"},
      {R"([{"silence":1}])", "\"silence\": wants true or false"},
      {R"([{"provider":"x","silence":true}])", "\"provider\": is apns"},
      {R"([{"provider":[],"silence":true}])", "\"provider\": a list has"},
      {R"([{"every":0,"silence":true}])", "\"every\": wants a whole number from 1"},
      {R"([{"every":2.5,"silence":true}])", "\"every\": wants a whole number"},
      {R"([{"every":2,"burst":3,"silence":true}])", "\"burst\": is more than \"every\""},
      {R"([{"share":1.5,"silence":true}])", "\"share\": wants a number from"},
      {R"([{"from":5,"until":5,"silence":true}])", "\"until\": is not after"},
      {R"([{"from":"5","silence":true}])", "\"from\": wants a number"},
      {R"([{"token":7,"silence":true}])", "\"token\": wants a text"},
      {R"([{"count":"each","silence":true}])", "\"count\": is connection or all"},
      {R"([{"reset":"x"}])", "\"reset\": is refused_stream"},
      {R"([{"answer":{}}])", "\"answer\": wants a \"status\""},
      {R"([{"answer":{"status":99}}])", "\"answer.status\": wants a whole number from 200 to 599"},
      {R"([{"answer":{"status":503,"reasons":"x"}}])", "\"answer\": unknown key \"reasons\""},
      {R"([{"answer":{"status":503,"retry_after":"1\r\nx"}}])", "\"answer.retry_after\": is one line"},
      {R"([{"answer":{"status":503,"content_type":"x"}}])", "\"answer.content_type\": is"},
      {R"([{"goaway":{"code":"x"}}])", "\"goaway.code\": is none of"},
      {R"([{"goaway":5}])", "\"goaway\": wants"},
      {R"([{"delay":{}}])", "\"delay\": wants \"median_ms\""},
      {R"([{"delay":{"fixed_ms":1,"mean_ms":2}}])", "\"delay\": wants"},
      {R"([{"delay":{"median_ms":9,"p99_ms":2}}])", "\"delay.p99_ms\": is below"},
      {R"([{"delay":{"fixed_ms":600001}}])", "\"delay.fixed_ms\": wants a number"},
      {R"([{"settings":{}}])", "\"settings\": wants \"max_concurrent_streams\""},
      {R"([{"settings":[]}])", "\"settings\": a list has"},
      {R"([{"settings":{"max_concurrent_streams":-1}}])", "\"settings.max_concurrent_streams\": wants"},
      {R"([{"connections":{}}])", "\"connections\": says nothing"},
      {R"([{"connections":{"read":"slow"}}])", "\"connections.read\": is"},
      {R"([{"connections":{"accept":"x"}}])", "\"connections.accept\": is silent or reset"},
      {R"([{"connections":{"certificate":"old"}}])", "\"connections.certificate\": is"},
      {R"([{"every":2,"connections":{"accept":"silent"}}])", "\"every\": does not go with \"connections\""}};
  for (const auto& [text, fault] : rows) {
    const auto parsed = fault_script::parse(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_NE(parsed.error().what.find(fault), std::string::npos) << text << " says: " << parsed.error().what;
  }
}

TEST(FaultScript, BoundsItsLength) {
  std::string many = "[{\"silence\":true}";
  for (std::size_t i = 0; i < fault_script::max_rules; ++i) many += ",{\"silence\":true}";
  EXPECT_FALSE(fault_script::parse(many + "]").has_value());
  EXPECT_FALSE(fault_script::parse("[" + std::string(fault_script::max_text, ' ') + "]").has_value());
}

TEST(FaultAnswer, SpeaksAsTheAskedServiceWould) {
  const scripted_answer down{503, "UNAVAILABLE", "Try later", {}, "7", {}, {}};
  const provider_answer google = render(down, fault_target::fcm, "/v1/projects/p/messages:send", "x");
  EXPECT_NE(google.body.find(R"("errorCode":"UNAVAILABLE")"), std::string::npos) << google.body;
  EXPECT_EQ(google.headers.front().second, "7");
  const scripted_answer gone{410, "Unregistered", "", 5, "", {}, {}};
  const provider_answer apple = render(gone, fault_target::apns, "/3/device/aa", "the-id");
  EXPECT_EQ(apple.body, R"({"reason":"Unregistered","timestamp":5})");
  EXPECT_EQ(apple.headers.front(), (std::pair<std::string_view, std::string>("apns-id", "the-id")));
  const provider_answer old = render({200, "Unavailable", "", {}, "", {}, {}}, fault_target::fcm, "/fcm/send", "x");
  EXPECT_NE(old.body.find(R"("results":[{"error":"Unavailable"}])"), std::string::npos) << old.body;
  const provider_answer token = render({400, "invalid_grant", "Bad", {}, "", {}, {}}, fault_target::oauth, "/token", "");
  EXPECT_EQ(token.body, R"({"error":"invalid_grant","error_description":"Bad"})");
  const provider_answer page = render({502, "", "", {}, "", "<html>", "text/html"}, fault_target::fcm, "/v1/x", "");
  EXPECT_EQ(page.body, "<html>");
  EXPECT_EQ(page.content_type, "text/html");
}

TEST(DelayDistribution, HitsItsMedianAndPercentile) {
  seeded_random random(3);
  const delay_distribution d{milliseconds(300), milliseconds(1500), 0};
  std::vector<nanoseconds> all;
  for (int i = 0; i < 20000; ++i) all.push_back(d.draw(random));
  std::sort(all.begin(), all.end());
  EXPECT_NEAR(static_cast<double>(all[10000].count()) / 1e6, 300, 15);
  EXPECT_NEAR(static_cast<double>(all[19800].count()) / 1e6, 1500, 150);
}

TEST(DelayDistribution, DrawsEvenlyBetweenTwoBounds) {
  seeded_random random(3);
  const delay_distribution d{milliseconds(100), milliseconds(300), 0, delay_shape::uniform};
  double sum = 0;
  for (int i = 0; i < 20000; ++i) {
    const nanoseconds n = d.draw(random);
    ASSERT_GE(n, milliseconds(100));
    ASSERT_LE(n, milliseconds(300));
    sum += static_cast<double>(n.count()) / 1e6;
  }
  EXPECT_NEAR(sum / 20000, 200, 3);
}

TEST(DelayDistribution, DrawsExponentiallyAboutAMean) {
  seeded_random random(3);
  const delay_distribution d{milliseconds(100), milliseconds(100), 0, delay_shape::exponential};
  double sum = 0;
  for (int i = 0; i < 20000; ++i) sum += static_cast<double>(d.draw(random).count()) / 1e6;
  EXPECT_NEAR(sum / 20000, 100, 4);
}

}  // namespace
}  // namespace reveille::mock_providers
