/// The bound at the entrance (ARCHITECTURE 3): how many requests a shard takes in, and whom it refuses first.
///
/// A window of 10 ms has a credit. While it lasts, the lesser classes may use only a part of it, so that what is
/// refused first is what costs least to refuse: the rest, then refreshes, then new registrations, INVITEs last.
/// Work that somebody already waits for is never refused, but counts.
/// A queue delay that stays above 50 ms for 100 ms shrinks the credit by a quarter of what was admitted lately, each
/// 100 ms again; once it is short again the credit grows back by an eighth at a time.
///
/// Pure; one thread; no allocation.
#pragma once

#include <cstdint>
#include <optional>

#include "core/time.hpp"
#include "engine/shard/shard_config.hpp"

namespace reveille {

/// In the order of refusal.
enum class request_class : std::uint8_t { rest, refresh, registration, invite, unrefusable };

class admission {
 public:
  explicit admission(const shard_limits& limits) : limits_(limits), credit_(limits.credit) {}

  bool admit(request_class what, steady_time now);
  void on_queue_delay(nanoseconds delay, steady_time now);
  /// While shut, nothing is admitted but what somebody waits for: the process has no memory for more (SPEC 9.3).
  void shut(bool now) { shut_ = now; }
  std::uint32_t credit() const { return credit_; }

  static constexpr nanoseconds window = milliseconds(10);

 private:
  const shard_limits& limits_;
  std::uint32_t credit_;
  bool shut_ = false;
  std::uint32_t used_ = 0;
  std::uint32_t peak_ = 0;        ///< most used in a window since the credit last changed
  std::optional<steady_time> window_start_;
  std::optional<steady_time> late_since_;
  std::optional<steady_time> timely_since_;
};

}  // namespace reveille
