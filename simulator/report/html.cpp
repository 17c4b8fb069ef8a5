// The page for people: one self-contained file, static SVG, readable in print.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "simulator/report/duration_text.hpp"
#include "simulator/report/run_report.hpp"

namespace reveille::report {

namespace {

constexpr double plot_width = 860;
constexpr double plot_height = 320;
constexpr double margin_left = 56;
constexpr double margin_bottom = 40;
constexpr double margin_top = 16;
constexpr double legend_width = 230;
constexpr std::string_view colours[stage_count] = {"#4269d0", "#efb118", "#9498a0", "#ff725c",
                                                   "#3ca951", "#a463f2", "#9c6b4e"};

/// Everything that may come from the wire or the command line passes here.
std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default:
        // Controls are no characters of HTML.
        if (static_cast<unsigned char>(c) >= 0x20 || c == '\n') out += c;
    }
  }
  return out;
}

std::string fixed(double value, int decimals) {
  char out[48];
  std::snprintf(out, sizeof out, "%.*f", decimals, value);
  return out;
}

std::string tag_line(double x1, double y1, double x2, double y2, std::string_view css) {
  return "<line x1=\"" + fixed(x1, 1) + "\" y1=\"" + fixed(y1, 1) + "\" x2=\"" + fixed(x2, 1) + "\" y2=\"" +
         fixed(y2, 1) + "\" class=\"" + std::string(css) + "\"/>\n";
}

std::string label(double x, double y, std::string_view text, std::string_view anchor = "middle") {
  return "<text x=\"" + fixed(x, 1) + "\" y=\"" + fixed(y, 1) + "\" text-anchor=\"" + std::string(anchor) + "\">" +
         escape(text) + "</text>\n";
}

/// Decades of seconds to pixels.
class log_axis {
 public:
  log_axis(double low_ns, double high_ns)
      : low_(std::floor(std::log10(low_ns))), high_(std::max(std::ceil(std::log10(high_ns)), low_ + 1)) {}
  double at(double ns) const {
    const double place = (std::log10(std::max(ns, std::pow(10, low_))) - low_) / (high_ - low_);
    return margin_left + place * (plot_width - margin_left - legend_width);
  }
  int low() const { return static_cast<int>(low_); }
  int high() const { return static_cast<int>(high_); }

 private:
  double low_;
  double high_;
};

double y_of(double share) { return margin_top + (1 - share) * (plot_height - margin_top - margin_bottom); }

std::string curve(const histogram& h, const log_axis& axis, std::string_view colour) {
  std::string points;
  double last_y = y_of(0);
  h.for_each_step([&](std::chrono::nanoseconds bound, std::uint64_t seen) {
    const double x = axis.at(std::max(static_cast<double>(bound.count()), 1.0));
    const double y = y_of(static_cast<double>(seen) / static_cast<double>(h.count()));
    points += fixed(x, 1) + "," + fixed(last_y, 1) + " " + fixed(x, 1) + "," + fixed(y, 1) + " ";
    last_y = y;
  });
  return "<polyline points=\"" + points + "\" fill=\"none\" stroke=\"" + std::string(colour) +
         "\" stroke-width=\"1.8\"/>\n";
}

std::string latency_plot(const run_report& r) {
  double low = 1e18;
  double high = 0;
  for (const histogram& h : r.stages) {
    if (h.count() == 0) continue;
    low = std::min(low, std::max(static_cast<double>(h.quantile(0.0).count()), 1e3));
    high = std::max(high, static_cast<double>(h.max().count()));
  }
  if (high <= 0) return "<p>No latencies were measured.</p>\n";
  const log_axis axis(low, high);
  std::string out = "<svg viewBox=\"0 0 " + fixed(plot_width, 0) + " " + fixed(plot_height, 0) +
                    "\" role=\"img\" aria-label=\"Cumulative distribution of each stage's latency\">\n";
  for (int decade = axis.low(); decade <= axis.high(); ++decade) {
    const double x = axis.at(std::pow(10, decade));
    out += tag_line(x, y_of(0), x, y_of(1), "grid");
    out += label(x, y_of(0) + 18, write_duration(std::chrono::nanoseconds(std::llround(std::pow(10, decade)))));
  }
  for (const double share : {0.0, 0.25, 0.5, 0.75, 0.9, 1.0}) {
    out += tag_line(margin_left, y_of(share), plot_width - legend_width, y_of(share), "grid");
    out += label(margin_left - 6, y_of(share) + 4, fixed(share * 100, 0) + " %", "end");
  }
  double legend_y = margin_top + 12;
  for (std::size_t i = 0; i < stage_count; ++i) {
    if (r.stages[i].count() == 0) continue;
    out += curve(r.stages[i], axis, colours[i]);
    const double x = plot_width - legend_width + 16;
    out += "<rect x=\"" + fixed(x, 0) + "\" y=\"" + fixed(legend_y - 9, 0) + "\" width=\"12\" height=\"10\" fill=\"" +
           std::string(colours[i]) + "\"/>\n";
    out += label(x + 18, legend_y, stage_names[i].title, "start");
    legend_y += 20;
  }
  return out + "</svg>\n";
}

std::string outcome_bars(const call_counts& c) {
  if (c.offered == 0) return "<p>No calls were offered.</p>\n";
  struct bar {
    std::string_view name;
    std::uint64_t count;
    std::string_view colour;
  };
  const bar bars[] = {{"answered", c.answered, "#3ca951"},
                      {"cancelled by the caller", c.cancelled, "#efb118"},
                      {"phone not woken", c.not_woken, "#9498a0"},
                      {"rang, nobody answered", c.unanswered, "#4269d0"},
                      {"failed", c.failed, "#ff4d4d"}};
  constexpr double row = 28;
  constexpr double names = 190;
  constexpr double numbers = 150;
  std::string out = "<svg viewBox=\"0 0 " + fixed(plot_width, 0) + " " + fixed(row * std::size(bars) + 8, 0) +
                    "\" role=\"img\" aria-label=\"Outcomes of the calls\">\n";
  double y = 4;
  for (const bar& b : bars) {
    const double part = static_cast<double>(b.count) / static_cast<double>(c.offered);
    out += label(names - 10, y + 18, b.name, "end");
    out += "<rect x=\"" + fixed(names, 0) + "\" y=\"" + fixed(y + 4, 0) + "\" width=\"" +
           fixed(part * (plot_width - names - numbers), 1) + "\" height=\"20\" fill=\"" + std::string(b.colour) + "\"/>\n";
    out += label(names + part * (plot_width - names - numbers) + 8, y + 18,
                 std::to_string(b.count) + "  (" + fixed(part * 100, 2) + " %)", "start");
    y += row;
  }
  return out + "</svg>\n";
}

std::string row(const std::vector<std::string>& cells, std::string_view tag = "td") {
  std::string out = "<tr>";
  for (const std::string& cell : cells) {
    out += "<" + std::string(tag) + ">" + escape(cell) + "</" + std::string(tag) + ">";
  }
  return out + "</tr>\n";
}

std::string latency_table(const run_report& r) {
  std::string out = "<table class=\"numbers\">\n" + row({"stage", "count", "p50", "p90", "p99", "p99.9", "max"}, "th");
  for (std::size_t i = 0; i < stage_count; ++i) {
    const histogram& h = r.stages[i];
    if (h.count() == 0) continue;
    out += row({std::string(stage_names[i].title), std::to_string(h.count()), write_duration(h.quantile(0.5)),
                write_duration(h.quantile(0.9)), write_duration(h.quantile(0.99)), write_duration(h.quantile(0.999)),
                write_duration(h.max())});
  }
  return out + "</table>\n";
}

std::string verdict(const run_report& r) {
  std::string out = "<table>\n" + row({"threshold", "seen", ""}, "th");
  for (const threshold_result& t : r.thresholds) {
    out += "<tr class=\"" + std::string(t.passed ? "pass" : "fail") + "\"><td>" + escape(t.text) + "</td><td>" +
           escape(t.seen) + "</td><td>" + (t.passed ? "passed" : "broken") + "</td></tr>\n";
  }
  out += "<tr class=\"" + std::string(r.violation_count == 0 ? "pass" : "fail") +
         "\"><td>violations = 0</td><td>" + std::to_string(r.violation_count) + "</td><td>" +
         (r.violation_count == 0 ? "passed" : "broken") + "</td></tr>\n";
  return out + "</table>\n";
}

std::string facts(const run_report& r) {
  std::string out = "<table>\n";
  const registration_counts& g = r.registrations;
  out += row({"Registrations", std::to_string(g.registered) + " of " + std::to_string(g.subscribers) + " in " +
                                   fixed(g.seconds, 1) + " s" +
                                   (g.seconds > 0 ? ", " + fixed(static_cast<double>(g.registered) / g.seconds, 0) + "/s" : "")});
  out += row({"Missed calls", std::to_string(r.missed.told) + " told of " + std::to_string(r.missed.expected) +
                                  " expected, " + std::to_string(r.missed.repeated) + " repeated"});
  out += row({"Pushes", std::to_string(r.pushes.invites) + " for calls, " + std::to_string(r.pushes.missed_calls) +
                            " for missed calls, " + std::to_string(r.pushes.repeated) + " repeated"});
  if (r.engine) {
    out += row({"Engine", fixed(r.engine->cpu_seconds, 2) + " s of CPU, " +
                              fixed(static_cast<double>(r.engine->rss_bytes) / 1e6, 1) + " MB resident"});
  }
  for (const std::string& note : r.notes) out += row({"Note", note});
  return out + "</table>\n";
}

constexpr std::string_view style = R"(
body{font:15px/1.45 system-ui,sans-serif;max-width:900px;margin:24px auto;padding:0 16px;color:#222;background:#fff}
h1{font-size:24px;margin-bottom:2px}h2{font-size:18px;margin-top:30px}.when{color:#666}
table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ddd;padding:4px 8px;text-align:left;vertical-align:top}
.numbers td:not(:first-child),.numbers th:not(:first-child){text-align:right}
.pass td:last-child{color:#1c7a34}.fail td{color:#b00020;font-weight:600}
svg{width:100%;height:auto}svg text{font:12px system-ui,sans-serif;fill:#333}.grid{stroke:#ddd}
code{font-size:13px}
)";

}  // namespace

std::string write_html(const run_report& r) {
  std::string out = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<title>Reveille load run</title>\n<style>";
  out += style;
  out += "</style></head><body>\n<h1>Reveille load run: " + std::string(r.exit_code() == 0 ? "passed" : "failed") +
         "</h1>\n<p class=\"when\">" + escape(r.started) + ", " + fixed(r.seconds, 1) + " s</p>\n";
  out += verdict(r);
  out += "<h2>Calls: " + std::to_string(r.calls.offered) + " offered</h2>\n" + outcome_bars(r.calls);
  out += "<h2>Latency of each stage (share of values at or below)</h2>\n" + latency_plot(r) + latency_table(r);
  out += "<h2>Facts</h2>\n" + facts(r);
  if (!r.violations.empty()) {
    out += "<h2>Violations</h2>\n<table>\n" + row({"rule", "Call-ID", "expected", "seen"}, "th");
    for (const violation& v : r.violations) out += row({v.rule, v.call_id, v.expected, v.seen});
    out += "</table>\n";
  }
  out += "<h2>Options</h2>\n<table>\n";
  for (const auto& [name, value] : r.options) out += row({name, value});
  return out + "</table>\n</body></html>\n";
}

}  // namespace reveille::report
