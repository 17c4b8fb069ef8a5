// The machine's view of a run.
#include <nlohmann/json.hpp>

#include "simulator/report/run_report.hpp"

namespace reveille::report {

namespace {

using json = nlohmann::ordered_json;

double to_ms(std::chrono::nanoseconds value) { return static_cast<double>(value.count()) / 1e6; }

json latency(const histogram& h) {
  return {{"count", h.count()},           {"mean", to_ms(h.mean())},          {"p50", to_ms(h.quantile(0.5))},
          {"p90", to_ms(h.quantile(0.9))}, {"p99", to_ms(h.quantile(0.99))},  {"p99.9", to_ms(h.quantile(0.999))},
          {"max", to_ms(h.max())}};
}

json engine_json(const run_report& r) {
  const engine_usage& e = *r.engine;
  json out = {{"cpu_seconds", e.cpu_seconds},
              {"rss_bytes", e.rss_bytes},
              {"cpu_seconds_register", e.cpu_seconds_register},
              {"rss_bytes_before", e.rss_bytes_before},
              {"rss_bytes_registered", e.rss_bytes_registered}};
  if (r.registrations.registered > 0 && e.rss_bytes_registered > e.rss_bytes_before) {
    out["rss_bytes_per_subscriber"] = (e.rss_bytes_registered - e.rss_bytes_before) / r.registrations.registered;
  }
  return out;
}

}  // namespace

std::string write_json(const run_report& r) {
  json out;
  out["started"] = r.started;
  out["seconds"] = r.seconds;
  for (const auto& [name, value] : r.options) out["options"][name] = value;
  const registration_counts& g = r.registrations;
  out["registrations"] = {{"subscribers", g.subscribers}, {"registered", g.registered},       {"refused", g.refused},
                          {"timed_out", g.timed_out},     {"retransmitted", g.retransmitted}, {"seconds", g.seconds},
                          {"per_second", g.seconds > 0 ? static_cast<double>(g.registered) / g.seconds : 0.0}};
  out["calls"] = {{"offered", r.calls.offered},     {"answered", r.calls.answered},     {"cancelled", r.calls.cancelled},
                  {"not_woken", r.calls.not_woken}, {"in_silence", r.calls.in_silence}, {"unanswered", r.calls.unanswered},
                  {"failed", r.calls.failed}};
  out["missed_calls"] = {{"told", r.missed.told},
                         {"expected", r.missed.expected},
                         {"repeated", r.missed.repeated},
                         {"told_late", r.missed.told_late},
                         {"foreign", r.missed.foreign}};
  out["pushes"] = {{"invites", r.pushes.invites},
                   {"missed_calls", r.pushes.missed_calls},
                   {"repeated", r.pushes.repeated},
                   {"unknown", r.pushes.unknown}};
  out["violations"] = r.violation_count;
  json listed = json::array();
  for (const violation& v : r.violations) {
    listed.push_back({{"rule", v.rule}, {"call_id", v.call_id}, {"expected", v.expected}, {"seen", v.seen}});
  }
  out["violation_list"] = listed;
  out["thresholds_passed"] = r.thresholds_passed();
  json thresholds = json::array();
  for (const threshold_result& t : r.thresholds) {
    thresholds.push_back({{"threshold", t.text}, {"seen", t.seen}, {"passed", t.passed}});
  }
  out["thresholds"] = thresholds;
  for (std::size_t i = 0; i < stage_count; ++i) {
    out["latency_ms"][std::string(stage_names[i].id)] = latency(r.stages[i]);
  }
  if (r.engine_register_to_invite) {
    const engine_histogram& h = *r.engine_register_to_invite;
    json of_engine = {{"count", h.count}};
    for (const auto& [name, q] : {std::pair{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}}) {
      if (const auto value = h.quantile_seconds(q)) of_engine[name] = *value * 1000;
    }
    out["latency_ms"]["engine_register_to_invite"] = of_engine;
  }
  out["engine"] = r.engine ? engine_json(r) : json(nullptr);
  out["notes"] = r.notes;
  // Reasons and Call-IDs come from the wire: octets that are no UTF-8 are replaced, never thrown about.
  return out.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace reveille::report
