/// Token bucket on an explicit clock, with an optional ramp: Google asks senders to go from nothing to their quota in no less
/// than a minute (PROVIDERS 2.4).
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "core/time.hpp"

namespace reveille {

class rate_limit {
 public:
  /// From `floor` tokens a second to the full rate in `over`, in so far as they are used; back again when they are not.
  struct ramp {
    double floor = 0;   ///< 0 = no ramp: the full rate at once
    seconds over{60};
  };

  /// @param rate tokens a second; 0 = no limit. @param burst tokens at most (at least one).
  rate_limit(double rate, double burst, steady_time now) : rate_limit(rate, burst, now, ramp{0, seconds(60)}) {}
  rate_limit(double rate, double burst, steady_time now, ramp climb)
      : rate_(rate),
        burst_(std::max(burst, 1.0)),
        ramp_(climb.floor > 0 && climb.floor < rate ? climb : ramp{0, seconds(60)}),
        allowed_(ramp_.floor > 0 ? ramp_.floor : rate),
        tokens_(burst_),
        filled_(now),
        window_(now) {}

  bool take(steady_time now) {
    if (rate_ <= 0) return true;
    fill(now);
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    ++used_;
    return true;
  }
  /// When take() will succeed; nullopt when it would now.
  std::optional<steady_time> next(steady_time now) {
    if (rate_ <= 0) return std::nullopt;
    fill(now);
    if (tokens_ >= 1) return std::nullopt;
    return now + nanoseconds(static_cast<std::int64_t>((1 - tokens_) / allowed_ * 1e9) + 1);
  }
  /// The service said that it was too much: the climb begins again.
  void restart(steady_time now) {
    if (ramp_.floor <= 0) return;
    fill(now);
    allowed_ = ramp_.floor;
    tokens_ = std::min(tokens_, 1.0);
  }
  /// Tokens a second at the moment.
  double allowed() const { return allowed_; }

 private:
  void fill(steady_time now) {
    if (now <= filled_) return;
    if (ramp_.floor > 0) climb(now);
    tokens_ = std::min(burst_, tokens_ + allowed_ * seconds_of(now - filled_));
    filled_ = now;
  }
  /// Second by second: what was half used may grow.
  void climb(steady_time now) {
    const nanoseconds passed = now - window_;
    if (passed < seconds(1)) return;
    const double step = (rate_ - ramp_.floor) / static_cast<double>(ramp_.over.count()) * seconds_of(passed);
    const bool in_use = static_cast<double>(used_) >= allowed_ * seconds_of(passed) / 2;
    // A long silence counts as such, however much was used at its end.
    allowed_ = in_use ? std::min(rate_, allowed_ + std::min(step, (rate_ - ramp_.floor) / 30)) : std::max(ramp_.floor, allowed_ - step);
    used_ = 0;
    window_ = now;
  }
  static double seconds_of(nanoseconds d) { return static_cast<double>(d.count()) * 1e-9; }

  double rate_;
  double burst_;
  ramp ramp_;
  double allowed_;
  double tokens_;
  steady_time filled_;
  steady_time window_;
  std::uint64_t used_ = 0;   ///< since window_
};

}  // namespace reveille
