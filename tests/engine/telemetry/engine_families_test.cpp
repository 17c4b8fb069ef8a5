#include "engine/telemetry/engine_families.hpp"
#include "engine/telemetry/limit_table.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

namespace reveille {
namespace {

/// Everything that the engine can show, fed from counters that have counted a little.
class EngineFamilies : public ::testing::Test {
 protected:
  struct sample {
    std::string name, kind, series;
    double value;
  };
  class collector final : public metric_sink {
   public:
    void counter(std::string_view name, std::string_view help, metric_labels labels, double value) override {
      add("counter", name, help, labels, value);
    }
    void gauge(std::string_view name, std::string_view help, metric_labels labels, double value) override {
      add("gauge", name, help, labels, value);
    }
    void histogram(std::string_view name, std::string_view help, metric_labels labels,
                   const histogram_values& values) override {
      add("histogram", name, help, labels, static_cast<double>(values.count()));
    }
    std::vector<sample> samples;
    std::map<std::string, std::string> helps;

   private:
    void add(std::string kind, std::string_view name, std::string_view help, metric_labels labels, double value) {
      std::string series(name);
      for (const metric_label& l : labels) series += "," + std::string(l.name) + "=" + std::string(l.value);
      helps.try_emplace(std::string(name), help);
      samples.push_back({std::string(name), std::move(kind), std::move(series), value});
    }
  };

  void collect() { collect(to_); }
  void collect(metric_sink& to) const {
    const shard_counters* const both[] = {&first_, nullptr, &second_};
    add_shard_families(to, both);
    add_thread_families(to, threads_);
    const push_reading senders[] = {
        {pns::provider::apns, &apns_}, {pns::provider::apns, &more_apns_}, {pns::provider::fcm, &fcm_}};
    add_push_families(to, senders);
    add_push_thread_families(to, 0);
    const std::pair<pns::provider, push_app_reading> apps[] = {
        {pns::provider::apns, {"DEF123GHIJ.ABC123DEFG", "com.example.phone", &phone_, &key_}},
        {pns::provider::apns, {"DEF123GHIJ.ABC123DEFG", "com.example.desk", &desk_, &key_}}};
    add_push_app_families(to, apps);
    const certificate_reading certificates[] = {{"com.example.old", seconds(-5)}};
    add_certificate_families(to, certificates);
    add_store_families(to, store_);
    add_admin_families(to, {});
    add_lifecycle_families(to, {});
  }
  double value_of(std::string_view series) const {
    for (const sample& s : to_.samples) {
      if (s.series == series) return s.value;
    }
    ADD_FAILURE() << "no series " << series;
    return -1;
  }

  shard_counters first_, second_;
  std::vector<shard_thread_counters> threads_{2};
  push_counters apns_, more_apns_, fcm_;
  push_app_counters phone_, desk_;
  push_credential_counters key_;
  store_counters store_;
  collector to_;
};

TEST_F(EngineFamilies, SumWhatTheThreadsHaveCounted) {
  first_.requests[static_cast<std::size_t>(sip::method::invite)].add(3);
  first_.branches_refused[static_cast<std::size_t>(sip::lack::caller)].add(5);
  second_.requests[static_cast<std::size_t>(sip::method::invite)].add(4);
  second_.stages[static_cast<std::size_t>(trace_step::answered)].add(2);
  first_.wake.observe(1.5);
  apns_.ended[static_cast<std::size_t>(push_end::accepted)].add(5);
  more_apns_.ended[static_cast<std::size_t>(push_end::accepted)].add(6);
  threads_[0].home.resident = 7;
  threads_[1].home.resident = 8;
  collect();
  EXPECT_EQ(value_of("reveille_sip_requests_total,direction=in,method=INVITE"), 7);
  EXPECT_EQ(value_of("reveille_sip_branches_refused_total,bound=caller"), 5);
  EXPECT_EQ(value_of("reveille_calls_total,outcome=answered"), 2);
  EXPECT_EQ(value_of("reveille_wake_duration_seconds"), 1);
  EXPECT_EQ(value_of("reveille_push_requests_total,provider=apns,outcome=accepted"), 11);
  EXPECT_EQ(value_of("reveille_push_requests_total,provider=fcm,outcome=accepted"), 0);
  EXPECT_EQ(value_of("reveille_resident_subscribers"), 15);
}

TEST_F(EngineFamilies, NameEverySeriesOnce) {
  collect();
  std::set<std::string> seen;
  for (const sample& s : to_.samples) EXPECT_TRUE(seen.insert(s.series).second) << s.series;
}

TEST_F(EngineFamilies, ExplainEveryFamilyAndNameItByItsKind) {
  collect();
  for (const auto& [name, help] : to_.helps) {
    EXPECT_TRUE(name.starts_with("reveille_")) << name;
    EXPECT_FALSE(help.empty()) << name;
  }
  for (const sample& s : to_.samples) {
    EXPECT_EQ(s.kind == "counter", s.name.ends_with("_total")) << s.name;
    const bool has_unit = s.name.ends_with("_seconds") || s.name.ends_with("_items");
    EXPECT_TRUE(s.kind != "histogram" || has_unit) << s.name;
  }
}

TEST_F(EngineFamilies, CountEveryStageOfACallSomewhere) {
  for (slot& s : first_.stages) s.add();
  collect();
  double total = 0;
  for (const sample& s : to_.samples) {
    for (const char* family : {"reveille_calls_total", "reveille_call_steps_total", "reveille_bucket_events_total",
                               "reveille_subscriber_bounds_total", "reveille_push_token_events_total"}) {
      if (s.name == family) total += s.value;
    }
  }
  EXPECT_EQ(total, static_cast<double>(stage_count));
}

TEST_F(EngineFamilies, SayOfEachAppWhyItsPhonesDidNotRing) {
  phone_.reasons[pns::reason_index("TopicDisallowed")].add(3);
  phone_.breaker_open.set(1);
  desk_.token_flood.set(1);
  desk_.cannot_wake.add();
  key_.connect_failures[static_cast<std::size_t>(open_failure::certificate)].add();
  key_.goaways[pns::reason_index("BadDeviceToken")].add();
  key_.token_made.set(1'700'000'000);
  collect();
  const std::string key = ",provider=apns,credential=DEF123GHIJ.ABC123DEFG";
  const std::string phone = key + ",app=com.example.phone", desk = key + ",app=com.example.desk";
  EXPECT_EQ(value_of("reveille_push_app_refusals_total" + phone + ",reason=TopicDisallowed"), 3);
  EXPECT_EQ(value_of("reveille_push_app_circuit_open" + phone), 1);
  EXPECT_EQ(value_of("reveille_push_app_circuit_open" + desk), 0);
  EXPECT_EQ(value_of("reveille_push_app_token_flood" + desk), 1);
  EXPECT_EQ(value_of("reveille_push_app_cannot_wake_total" + desk), 1);
  EXPECT_EQ(value_of("reveille_push_connect_failures_total" + key + ",reason=certificate"), 1);
  EXPECT_EQ(value_of("reveille_push_goaway_reasons_total" + key + ",reason=BadDeviceToken"), 1);
  EXPECT_EQ(value_of("reveille_push_token_timestamp_seconds" + key), 1'700'000'000);
  EXPECT_EQ(value_of("reveille_push_certificate_expiry_seconds,provider=apns,app=com.example.old"), -5);
}

TEST_F(EngineFamilies, StayWithinTheBudgetOfSeries) {
  collect();
  std::size_t series = 0;
  for (const sample& s : to_.samples) series += s.kind == "histogram" ? std::size_t{18} : std::size_t{1};
  EXPECT_LT(series, 2000U);
}

std::string contents(const char* path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// What the shipped rules ask for is what there is: names of families, and of the labels in their selectors.
TEST_F(EngineFamilies, HaveAllThatTheAlertRulesAskFor) {
  for (slot& s : phone_.ended) s.add();
  key_.connect_failures[0].add();
  key_.token_made.set(1'700'000'000);
  collect();
  add_process_metrics(to_);
  std::map<std::string, std::set<std::string>> labels_of;
  for (const sample& s : to_.samples) {
    std::set<std::string>& labels = labels_of[s.name];
    std::istringstream series(s.series);
    for (std::string part; std::getline(series, part, ',');) labels.insert(part);   // name, then label=value each
  }
  const std::string rules = contents("grafana/prometheus/rules/alerts.yml");
  const std::regex selector(R"re(\b((?:reveille|process)_[a-z_]+)(?:\{([^}]*)\})?)re");
  const std::regex label(R"re(([a-z_]+)=(~?)"([^"]*)")re");
  std::size_t asked = 0;
  for (std::sregex_iterator at(rules.begin(), rules.end(), selector), end; at != end; ++at) {
    std::string name = (*at)[1];
    if (const std::string tail = "_bucket"; name.ends_with(tail)) name.resize(name.size() - tail.size());
    ++asked;
    const auto found = labels_of.find(name);
    ASSERT_NE(found, labels_of.end()) << "the engine has no metric " << name;
    const std::string matchers = (*at)[2];
    for (std::sregex_iterator m(matchers.begin(), matchers.end(), label); m != end; ++m) {
      if ((*m)[1] == "job") continue;   // Prometheus adds it
      std::istringstream values((*m)[3]);
      for (std::string value; std::getline(values, value, '|');) {
        const std::string wanted = std::string((*m)[1]).append("=").append(value);
        EXPECT_TRUE(found->second.count(wanted) == 1) << name << " never has " << wanted;
      }
    }
  }
  EXPECT_GT(asked, 30U) << "the rules are read wrongly";
}

/// docs/alerts.md has a section for each alert, and each alert leads there and says how bad it is.
TEST(AlertsPage, ExplainsEveryAlertAndNoOther) {
  const std::string rules = contents("grafana/prometheus/rules/alerts.yml"), page = contents("docs/alerts.md");
  std::set<std::string> alerts, sections;
  const std::regex alert(R"(- alert: (\w+)\n([^]*?)(?=\n\n|$))"), section(R"(\n## (Reveille\w+)\n)");
  for (std::sregex_iterator at(rules.begin(), rules.end(), alert), end; at != end; ++at) {
    std::string name = (*at)[1];
    const std::string body = (*at)[2];
    EXPECT_TRUE(alerts.insert(name).second) << name << " is there twice";
    EXPECT_TRUE(body.find("severity: critical") != body.npos || body.find("severity: warning") != body.npos) << name;
    for (const char* annotation : {"summary: ", "description: "}) EXPECT_NE(body.find(annotation), body.npos) << name;
    std::string anchor = name;
    for (char& c : anchor) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    EXPECT_NE(body.find("runbook_url: \"docs/alerts.md#" + anchor + '"'), body.npos) << name;
  }
  for (std::sregex_iterator at(page.begin(), page.end(), section), end; at != end; ++at) sections.insert((*at)[1]);
  EXPECT_EQ(alerts, sections);
  EXPECT_GE(alerts.size(), 20U);
}

/// A counter tells of a bound or of something else: limit_table.cpp says which, and of a bound what to do.
TEST_F(EngineFamilies, SayOfEachCounterWhetherABoundIsBehindIt) {
  for (slot& s : phone_.ended) s.add();
  for (slot& s : phone_.reasons) s.add();
  for (slot& s : key_.connect_failures) s.add();
  for (slot& s : key_.goaways) s.add();
  collect();
  const auto names = [](const auto& row, const sample& s) {
    if (row.family != s.name) return false;
    return row.label.empty() || (s.series + ',').find(',' + std::string(row.label) + '=' + std::string(row.value) + ',') != std::string::npos;
  };
  const auto count = [&](const auto& rows, const sample& s) {
    return std::count_if(rows.begin(), rows.end(), [&](const auto& row) { return names(row, s); });
  };
  for (const sample& s : to_.samples) {
    if (s.kind != "counter") continue;
    EXPECT_EQ(count(limit_table(), s) + count(no_limits(), s), 1)
        << s.series << ": engine/telemetry/limit_table.cpp must have it once: in `table`, with what was refused and what the "
        << "operator can do, when it counts how often a bound was hit, else in `others`";
  }
  const auto shown = [&](const auto& row) {
    return std::any_of(to_.samples.begin(), to_.samples.end(),
                       [&](const sample& s) { return s.kind == "counter" && names(row, s); });
  };
  const auto still_there = [&](const auto& rows) {
    for (const auto& row : rows) {
      EXPECT_TRUE(shown(row)) << row.family << ' ' << row.label << '=' << row.value
                              << ": the engine has no such counter any more; take the row out of limit_table.cpp";
    }
  };
  still_there(limit_table());
  still_there(no_limits());
  for (const limit& l : limit_table()) {
    EXPECT_FALSE(l.meaning.empty()) << l.family;
    EXPECT_FALSE(l.advice.empty()) << l.family;
  }
}

/// Prometheus' own judgement of /metrics, names and texts included (promtool check metrics).
TEST_F(EngineFamilies, PleasePromtool) {
  if (std::system("command -v promtool >/dev/null") != 0) GTEST_SKIP() << "promtool is not installed";
  first_.wake.observe(1.5);
  first_.stages[static_cast<std::size_t>(trace_step::answered)].add(2);
  metrics_page page;
  page.add_source([this](metric_sink& to) {
    collect(to);
    add_process_metrics(to);
    add_build_info(to, {"1.0", "abcdef", "reveille"});
  });
  char name[] = "/tmp/reveille-metrics-XXXXXX";
  const int file = ::mkstemp(name);
  ASSERT_GE(file, 0);
  ::close(file);
  std::ofstream(name) << page.text();
  std::string said;
  if (std::FILE* const out = ::popen(("promtool check metrics <" + std::string(name) + " 2>&1").c_str(), "r")) {
    char line[512];
    while (std::fgets(line, sizeof line, out) != nullptr) said += line;
    EXPECT_EQ(::pclose(out), 0) << said;
  } else {
    ADD_FAILURE() << "promtool does not start";
  }
  ::unlink(name);
}

}  // namespace
}  // namespace reveille
