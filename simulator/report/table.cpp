// The terminal's view of a run.
#include "simulator/report/duration_text.hpp"
#include "simulator/report/put.hpp"
#include "simulator/report/run_report.hpp"

namespace reveille::report {

namespace {

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

void put_registrations(std::string& out, const registration_counts& g) {
  put(out, "Registrations  %llu of %llu phones in %.1f s", wide(g.registered), wide(g.subscribers), g.seconds);
  if (g.seconds > 0) put(out, " (%.0f/s)", static_cast<double>(g.registered) / g.seconds);
  put(out, ", %llu datagrams sent again, %llu refused, %llu timed out\n", wide(g.retransmitted), wide(g.refused),
      wide(g.timed_out));
}

void put_calls(std::string& out, const run_report& r) {
  const call_counts& c = r.calls;
  put(out, "\nCalls offered  %10llu\n", wide(c.offered));
  const auto row = [&](const char* name, std::uint64_t n) {
    put(out, "  %-12s %10llu  %6.2f %%\n", name, wide(n), share(n, c.offered));
  };
  row("answered", c.answered);
  row("cancelled", c.cancelled);
  row("not woken", c.not_woken);
  if (c.in_silence > 0) row(" no push", c.in_silence);
  row("unanswered", c.unanswered);
  row("failed", c.failed);
  put(out, "Missed calls   %10llu expected, %llu told", wide(r.missed.expected), wide(r.missed.told));
  if (r.missed.told_late > 0) put(out, ", %llu of them late", wide(r.missed.told_late));
  if (r.missed.repeated > 0) put(out, ", %llu repeated after an ambiguous send", wide(r.missed.repeated));
  if (r.missed.foreign > 0) put(out, ", %llu of other runs", wide(r.missed.foreign));
  put(out, "\nPushes         %10llu for calls, %llu for missed calls", wide(r.pushes.invites), wide(r.pushes.missed_calls));
  if (r.pushes.repeated > 0) put(out, ", %llu repeated", wide(r.pushes.repeated));
  if (r.pushes.unknown > 0) put(out, ", %llu unknown", wide(r.pushes.unknown));
  out += '\n';
}

void put_latencies(std::string& out, const run_report& r) {
  put(out, "\n%-30s %9s %10s %10s %10s %10s %10s\n", "Latency", "count", "p50", "p90", "p99", "p99.9", "max");
  for (std::size_t i = 0; i < stage_count; ++i) {
    const histogram& h = r.stages[i];
    if (h.count() == 0) continue;
    put(out, "  %-28s %9llu %10s %10s %10s %10s %10s\n", std::string(stage_names[i].title).c_str(), wide(h.count()),
        write_duration(h.quantile(0.5)).c_str(), write_duration(h.quantile(0.9)).c_str(),
        write_duration(h.quantile(0.99)).c_str(), write_duration(h.quantile(0.999)).c_str(),
        write_duration(h.max()).c_str());
  }
  if (r.engine_register_to_invite && r.engine_register_to_invite->count > 0) {
    const engine_histogram& h = *r.engine_register_to_invite;
    const auto text = [&](double q) {
      return write_duration(std::chrono::nanoseconds(static_cast<std::int64_t>(h.quantile_seconds(q).value_or(0) * 1e9)));
    };
    put(out, "  %-28s %9.0f %10s %10s %10s %10s %10s\n", "REGISTER to INVITE (engine)", h.count, text(0.5).c_str(),
        text(0.9).c_str(), text(0.99).c_str(), text(0.999).c_str(), "-");
  }
}

void put_engine(std::string& out, const run_report& r) {
  if (!r.engine) return;
  const engine_usage& e = *r.engine;
  put(out, "\nEngine         %.2f s of CPU", e.cpu_seconds);
  if (r.registrations.registered > 0 && e.cpu_seconds_register > 0) {
    put(out, " (%.2f s registering: %.1f us each)", e.cpu_seconds_register,
        e.cpu_seconds_register * 1e6 / static_cast<double>(r.registrations.registered));
  }
  put(out, ", %.1f MB resident", static_cast<double>(e.rss_bytes) / 1e6);
  if (r.registrations.registered > 0 && e.rss_bytes_registered > e.rss_bytes_before) {
    put(out, ", %llu bytes a subscriber",
        wide((e.rss_bytes_registered - e.rss_bytes_before) / r.registrations.registered));
  }
  out += '\n';
}

}  // namespace

std::string write_table(const run_report& r, std::size_t shown_violations) {
  std::string out;
  put_registrations(out, r.registrations);
  if (r.calls.offered > 0) put_calls(out, r);
  put_latencies(out, r);
  put_engine(out, r);
  if (!r.thresholds.empty()) out += '\n';
  for (const threshold_result& t : r.thresholds) {
    out += (t.passed ? "pass  " : "FAIL  ") + t.text + "  (" + t.seen + ")\n";
  }
  for (const std::string& note : r.notes) out += "note: " + note + "\n";
  put(out, "\nViolations     %10llu\n", wide(r.violation_count));
  std::size_t shown = 0;
  for (const violation& v : r.violations) {
    if (shown++ == shown_violations) {
      out += "  ... the rest is in the JSON\n";
      break;
    }
    out += "  " + v.rule + "  " + (v.call_id.empty() ? "-" : v.call_id) + "\n      expected: " + v.expected +
           "\n      seen:     " + v.seen + "\n";
  }
  return out;
}

}  // namespace reveille::report
