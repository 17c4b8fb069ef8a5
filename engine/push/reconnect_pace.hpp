/// Keeps a service that ends every connection after a few pushes (GOAWAY, a spent connection, a plain close) from being
/// given a new one for every push (SPEC 6.4a). Pure.
#pragma once

#include <cstdint>

#include "core/time.hpp"
#include "engine/push/backoff.hpp"

namespace reveille {

class reconnect_pace {
 public:
  /// @param free so many early ends in a row cost nothing; the next pauses for `first`, doubling up to `longest`.
  /// @param memory without an early end for so long, all is forgotten.
  reconnect_pace(std::uint32_t free, nanoseconds first, nanoseconds longest, nanoseconds memory)
      : free_(free), first_(first), longest_(longest), memory_(memory) {}

  /// The service has ended a connection that was hardly used. @return true when this makes the next one wait.
  bool ended_early(steady_time now, random_source& random) {
    calmed(now);
    last_ = now;
    ++ends_;
    if (!pauses()) return false;
    opens_at_ = std::max(opens_at_, now + jittered_backoff(first_, longest_, ends_ - free_ - 1, random));
    return true;
  }
  /// @return true when pauses were made before and are over with this.
  bool calmed(steady_time now) {
    if (ends_ == 0 || now < calm_at()) return false;
    const bool paused = pauses();
    ends_ = 0;
    return paused;
  }
  /// While it does, one connection is enough, or each of them would be ended early.
  bool pauses() const { return ends_ > free_; }
  /// No connection is opened before.
  steady_time opens_at() const { return opens_at_; }
  steady_time calm_at() const { return std::max(last_, opens_at_) + memory_; }

 private:
  const std::uint32_t free_;
  const nanoseconds first_, longest_, memory_;
  std::uint32_t ends_ = 0;     ///< in a row
  steady_time last_{};
  steady_time opens_at_{};
};

}  // namespace reveille
