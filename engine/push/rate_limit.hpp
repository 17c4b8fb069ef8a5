/// Token bucket on an explicit clock.
#pragma once

#include <algorithm>
#include <optional>

#include "core/time.hpp"

namespace reveille {

class rate_limit {
 public:
  /// @param rate tokens a second; 0 = no limit. @param burst tokens at most (at least one).
  rate_limit(double rate, double burst, steady_time now)
      : rate_(rate), burst_(std::max(burst, 1.0)), tokens_(burst_), filled_(now) {}

  bool take(steady_time now) {
    if (rate_ <= 0) return true;
    fill(now);
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }
  /// When take() will succeed; nullopt when it would now.
  std::optional<steady_time> next(steady_time now) {
    if (rate_ <= 0) return std::nullopt;
    fill(now);
    if (tokens_ >= 1) return std::nullopt;
    return now + nanoseconds(static_cast<std::int64_t>((1 - tokens_) / rate_ * 1e9) + 1);
  }

 private:
  void fill(steady_time now) {
    if (now <= filled_) return;
    tokens_ = std::min(burst_, tokens_ + rate_ * static_cast<double>((now - filled_).count()) * 1e-9);
    filled_ = now;
  }
  double rate_;
  double burst_;
  double tokens_;
  steady_time filled_;
};

}  // namespace reveille
