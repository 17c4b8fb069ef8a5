/// Says in the log when a bound is hit and when it is left: one line for each change, never one for each refusal (SPEC 8.7).
/// Pure: counts and the time go in, lines come out. Lines hold the table's words and numbers, nothing from the wire.
///
/// Threads: one.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/time.hpp"
#include "engine/telemetry/limit_table.hpp"
#include "net/metrics/metrics_page.hpp"

namespace reveille {

/// Picks the table's counters out of metric families: counts()[i] is that of the table's row i.
class limit_reading final : public metric_sink {
 public:
  explicit limit_reading(std::span<const limit> table);
  void clear() { counts_.assign(counts_.size(), 0); }
  std::span<const double> counts() const { return counts_; }

  void counter(std::string_view name, std::string_view help, metric_labels labels, double value) override;
  void gauge(std::string_view, std::string_view, metric_labels, double) override {}
  void histogram(std::string_view, std::string_view, metric_labels, const histogram_values&) override {}

 private:
  struct rows {
    std::size_t first = 0, count = 0;
  };
  std::span<const limit> table_;
  std::map<std::string_view, rows> families_;
  std::vector<double> counts_;
};

struct limit_line {
  enum class weight : std::uint8_t { info, warning };
  weight how = weight::info;
  std::string text;
};

class limit_watch {
 public:
  /// Not hit for so long, a bound is left. Doubles each time that it is hit again soon: one that is hit now and then all
  /// day costs a line now and then, and no more.
  static constexpr seconds first_quiet{30};
  static constexpr seconds longest_quiet{1800};
  /// Further ones wait for the next look: an overload that hits everything at once must not fill the log too.
  static constexpr std::size_t lines_a_look = 8;

  explicit limit_watch(std::span<const limit> table) : table_(table), states_(table.size()) {}

  /// @param counts since the start, one for each row of the table
  std::vector<limit_line> look(std::span<const double> counts, steady_time now);

 private:
  struct state {
    double seen = 0;       ///< what has been told, or is no news
    double before = 0;     ///< when it was hit
    bool hit = false;
    bool was_left = false;
    steady_time since{}, last{};
    nanoseconds quiet = first_quiet;
  };
  void judge(std::size_t row, double count, steady_time now, std::vector<limit_line>& out);

  std::span<const limit> table_;
  std::vector<state> states_;
  std::size_t first_ = 0;   ///< whose turn it is to be told first
};

}  // namespace reveille
