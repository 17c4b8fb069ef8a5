/// Thresholds: what a run must keep to pass, written as `p99(register_to_invite)<2ms`.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <variant>

#include "core/result.hpp"
#include "simulator/report/run_report.hpp"

namespace reveille::report {

/// `pNN(STAGE)`, `mean(STAGE)` or `max(STAGE)` against a duration, also `pNN(engine_register_to_invite)`, which is the
/// engine's own histogram; `share(OUTCOME)` against a number or a percentage,
/// OUTCOME being a field of call_counts. Operators: < <= > >=.
class threshold {
 public:
  static result<threshold> parse(std::string_view text);
  /// A stage without any value breaks its threshold: nothing was shown.
  threshold_result check(const run_report& report) const;
  const std::string& text() const { return text_; }

 private:
  enum class comparison { less, at_most, more, at_least };
  struct of_stage {
    stage which;
    double quantile;  ///< 0..1; below 0 the mean
  };
  struct of_engine {
    double quantile;
  };
  struct of_outcome {
    std::uint64_t call_counts::* count;
  };
  bool holds(double seen) const;

  std::string text_;
  std::variant<of_stage, of_engine, of_outcome> what_;
  comparison compare_ = comparison::less;
  double limit_ = 0;  ///< ns, or a share 0..1
};

}  // namespace reveille::report
