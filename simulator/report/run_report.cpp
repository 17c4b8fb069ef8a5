#include "simulator/report/run_report.hpp"

#include <algorithm>

namespace reveille::report {

bool run_report::thresholds_passed() const {
  return std::all_of(thresholds.begin(), thresholds.end(), [](const threshold_result& t) { return t.passed; });
}

std::optional<double> engine_histogram::quantile_seconds(double q) const {
  if (count <= 0 || steps.empty()) return std::nullopt;
  const double wanted = std::clamp(q, 0.0, 1.0) * count;
  double below = 0;
  double lower = 0;
  for (const auto& [bound, at_or_below] : steps) {
    if (at_or_below >= wanted) {
      const double inside = at_or_below - below;
      // In the last, open bucket nothing is known beyond its lower bound.
      if (!(bound < 1e300) || inside <= 0) return lower;
      return lower + (bound - lower) * (wanted - below) / inside;
    }
    below = at_or_below;
    lower = bound;
  }
  return lower;
}

}  // namespace reveille::report
