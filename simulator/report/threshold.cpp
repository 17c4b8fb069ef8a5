#include "simulator/report/threshold.hpp"

#include <charconv>
#include <cstdio>
#include <optional>

#include "simulator/report/duration_text.hpp"

namespace reveille::report {

namespace {

std::string without_blanks(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c != ' ' && c != '\t') out += c;
  }
  return out;
}

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (fault != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

constexpr std::string_view engine_stage = "engine_register_to_invite";

std::optional<stage> stage_of(std::string_view id) {
  for (std::size_t i = 0; i < stage_count; ++i) {
    if (stage_names[i].id == id) return static_cast<stage>(i);
  }
  return std::nullopt;
}

struct outcome {
  std::string_view name;
  std::uint64_t call_counts::* count;
};
constexpr outcome outcomes[] = {{"answered", &call_counts::answered},     {"cancelled", &call_counts::cancelled},
                                {"not_woken", &call_counts::not_woken},   {"unanswered", &call_counts::unanswered},
                                {"failed", &call_counts::failed}};

std::optional<double> share_of(std::string_view text) {
  const bool percent = !text.empty() && text.back() == '%';
  if (percent) text.remove_suffix(1);
  const std::optional<double> value = number(text);
  if (!value) return std::nullopt;
  return percent ? *value / 100 : *value;
}

tl::unexpected<error> fault(std::string_view text, std::string_view why) {
  return failure("threshold '" + std::string(text) + "': " + std::string(why));
}

}  // namespace

result<threshold> threshold::parse(std::string_view given) {
  const std::string packed = without_blanks(given);
  const std::string_view text = packed;
  const std::size_t open = text.find('(');
  const std::size_t close = text.find(')');
  const std::size_t op = text.find_first_of("<>");
  if (open == text.npos || close == text.npos || op != close + 1 || open > close) {
    return fault(given, "write it as p99(register_to_invite)<2ms or share(answered)>=90%");
  }
  threshold out;
  out.text_ = packed;
  const std::string_view function = text.substr(0, open);
  const std::string_view argument = text.substr(open + 1, close - open - 1);
  std::string_view limit = text.substr(op + 1);
  const bool equal = !limit.empty() && limit.front() == '=';
  if (equal) limit.remove_prefix(1);
  out.compare_ = text[op] == '<' ? (equal ? comparison::at_most : comparison::less)
                                 : (equal ? comparison::at_least : comparison::more);
  if (function == "share") {
    for (const outcome& o : outcomes) {
      if (o.name == argument) out.what_ = of_outcome{o.count};
    }
    const std::optional<double> share = share_of(limit);
    if (!std::holds_alternative<of_outcome>(out.what_)) {
      return fault(given, "outcomes are answered, cancelled, not_woken, unanswered, failed");
    }
    if (!share || *share < 0 || *share > 1) return fault(given, "a share is 0..1 or 0%..100%");
    out.limit_ = *share;
    return out;
  }
  const std::optional<stage> which = stage_of(argument);
  const bool of_the_engine = argument == engine_stage;
  if (!which && !of_the_engine) {
    std::string known;
    for (const stage_name& s : stage_names) known += (known.empty() ? "" : ", ") + std::string(s.id);
    return fault(given, "stages are " + known + ", " + std::string(engine_stage));
  }
  double quantile = -1;
  if (function == "max") {
    quantile = 1;
  } else if (function != "mean") {
    const std::optional<double> percent =
        function.size() > 1 && function.front() == 'p' ? number(function.substr(1)) : std::nullopt;
    if (!percent || !(*percent > 0) || *percent > 100) return fault(given, "functions are p50..p99.9, mean, max, share");
    quantile = *percent / 100;
  }
  const auto duration = parse_duration(limit);
  if (!duration) return fault(given, duration.error().what);
  if (of_the_engine) {
    // Prometheus' buckets know neither the mean nor the maximum.
    if (quantile <= 0 || quantile >= 1) return fault(given, "of the engine's histogram only p50..p99.9 are known");
    out.what_ = of_engine{quantile};
  } else {
    out.what_ = of_stage{*which, quantile};
  }
  out.limit_ = static_cast<double>(duration->count());
  return out;
}

bool threshold::holds(double seen) const {
  switch (compare_) {
    case comparison::less: return seen < limit_;
    case comparison::at_most: return seen <= limit_;
    case comparison::more: return seen > limit_;
    case comparison::at_least: return seen >= limit_;
  }
  return false;
}

threshold_result threshold::check(const run_report& report) const {
  if (const auto* stage_wanted = std::get_if<of_stage>(&what_)) {
    const histogram& h = report.stages[index_of(stage_wanted->which)];
    if (h.count() == 0) return {text_, "no values", false};
    const auto seen = stage_wanted->quantile < 0 ? h.mean() : h.quantile(stage_wanted->quantile);
    return {text_, write_duration(seen), holds(static_cast<double>(seen.count()))};
  }
  if (const auto* wanted = std::get_if<of_engine>(&what_)) {
    const auto seen = report.engine_register_to_invite ? report.engine_register_to_invite->quantile_seconds(wanted->quantile)
                                                       : std::nullopt;
    if (!seen) return {text_, "no values", false};
    const std::chrono::nanoseconds ns(static_cast<std::int64_t>(*seen * 1e9));
    return {text_, write_duration(ns), holds(static_cast<double>(ns.count()))};
  }
  if (report.calls.offered == 0) return {text_, "no calls", false};
  const double share = static_cast<double>(report.calls.*std::get<of_outcome>(what_).count) /
                       static_cast<double>(report.calls.offered);
  char seen[32];
  std::snprintf(seen, sizeof seen, "%.2f%%", share * 100);
  return {text_, seen, holds(share)};
}

}  // namespace reveille::report
