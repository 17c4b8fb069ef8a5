/// /metrics of the simulator: what the load thread counts, readable while it runs.
#pragma once

#include <array>

#include "core/result.hpp"
#include "core/slots.hpp"
#include "simulator/load/load_run.hpp"

namespace reveille::load {

/// Threads: update() on the load thread, everything else any. Must outlive the page that reads it.
class load_metrics {
 public:
  static constexpr nanoseconds interval = milliseconds(100);  ///< between two readings of the run

  /// Cheap when it is not yet time.
  void update(const load_run& run, steady_time now);

  enum class counted : std::size_t {
    registered, register_in_flight, retransmitted, offered, in_flight, answered, cancelled, not_woken, unanswered, failed,
    not_offered, pushes_invite, pushes_missed, told, expected, violations, count,
  };
  std::uint64_t value(counted what) const { return slots_[static_cast<std::size_t>(what)].value(); }

 private:
  void set(counted what, std::uint64_t n) { slots_[static_cast<std::size_t>(what)].set(n); }
  std::array<slot, static_cast<std::size_t>(counted::count)> slots_;
  steady_time next_;
};

/// Serves GET /metrics on an address until destroyed.
class metrics_endpoint {
 public:
  /// @param metrics and `stages` outlive it.
  static result<std::unique_ptr<metrics_endpoint>> start(const std::string& listen, const load_metrics& metrics, const stage_slots& stages);
  virtual ~metrics_endpoint() = default;
  virtual endpoint listening() const = 0;
};

}  // namespace reveille::load
