#include "simulator/report/duration_text.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace reveille::report {

namespace {

struct unit {
  std::string_view name;
  double ns;
};
constexpr std::array<unit, 6> units{{{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}}};
constexpr double longest_ns = 1000 * 3600e9;

}  // namespace

result<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  double number = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  const std::string_view rest(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (fault != std::errc{} || !(number >= 0)) return failure("'" + std::string(text) + "' is no duration such as 600ms or 1.5s");
  if (rest.empty() && number == 0) return std::chrono::nanoseconds{0};
  for (const unit& u : units) {
    if (rest != u.name) continue;
    const double ns = number * u.ns;
    if (ns > longest_ns) return failure("'" + std::string(text) + "' is longer than 1000h");
    return std::chrono::nanoseconds(std::llround(ns));
  }
  return failure("'" + std::string(text) + "' needs a unit: ns, us, ms, s, m or h");
}

std::string write_duration(std::chrono::nanoseconds value) {
  const auto ns = static_cast<double>(value.count());
  const auto [scale, name] = ns < 1e3   ? std::pair{1.0, "ns"}
                             : ns < 1e6 ? std::pair{1e3, "us"}
                             : ns < 1e9 ? std::pair{1e6, "ms"}
                                        : std::pair{1e9, "s"};
  const double number = ns / scale;
  const int decimals = number >= 100 || ns < 1e3 ? 0 : number >= 10 ? 1 : 2;
  char out[48];
  std::snprintf(out, sizeof out, "%.*f %s", decimals, number, name);
  return out;
}

}  // namespace reveille::report
