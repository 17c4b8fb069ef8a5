/// Keeps a credential that fails again and again from being asked at full rate (SPEC 6.4), on an explicit clock.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "core/time.hpp"

namespace reveille {

/// closed --(failures in a row)--> open --(pause over)--> probing --success--> closed
///                                  ^                        |
///                                  +--------failure---------+   pause doubled
class circuit_breaker {
 public:
  enum class fault : std::uint8_t { service, credential };

  circuit_breaker(std::uint32_t failures, nanoseconds pause, nanoseconds longest)
      : threshold_(std::max(failures, 1U)), first_(pause), longest_(longest), pause_(pause) {}

  /// Whether one more may be sent now. In `probing` one at a time: the caller says sent() when it was.
  bool allows(steady_time now) {
    if (state_ == state::open && now >= until_) {
      state_ = state::probing;
      probes_ = 0;
    }
    return state_ == state::closed || (state_ == state::probing && probes_ == 0);
  }
  void sent() { probes_ += state_ == state::probing ? 1U : 0U; }
  /// What was sent is over, whatever came of it; if that decides nothing (withdrawn, lost, an answer whose remedy may cure
  /// it), the next probe may go.
  void landed() { probes_ = 0; }

  void succeeded() {
    state_ = state::closed;
    in_a_row_ = 0;
    pause_ = first_;
  }
  /// @return true when this opened it.
  bool failed(fault what, steady_time now) {
    last_ = what;
    ++in_a_row_;
    if (state_ == state::open || (state_ == state::closed && in_a_row_ < threshold_)) return false;
    if (state_ == state::probing) pause_ = std::min(pause_ * 2, longest_);
    state_ = state::open;
    until_ = now + pause_;
    return true;
  }

  bool is_closed() const { return state_ == state::closed; }
  /// Open for a fault that waiting does not cure: who asks now may be told at once.
  bool refuses_credential(steady_time now) const {
    return state_ != state::closed && last_ == fault::credential && (state_ == state::probing ? probes_ > 0 : now < until_);
  }
  std::optional<steady_time> reopens() const {
    return state_ == state::open ? std::optional(until_) : std::nullopt;
  }

 private:
  enum class state : std::uint8_t { closed, open, probing };
  const std::uint32_t threshold_;
  const nanoseconds first_, longest_;
  nanoseconds pause_;
  state state_ = state::closed;
  fault last_ = fault::service;
  std::uint32_t in_a_row_ = 0;
  std::uint32_t probes_ = 0;
  steady_time until_{};
};

}  // namespace reveille
