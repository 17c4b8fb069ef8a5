#include "engine/shard/admission.hpp"

#include <algorithm>

namespace reveille {
namespace {

/// Percent of the credit that a class may use.
std::uint32_t share_of(request_class what) {
  switch (what) {
    case request_class::rest: return 50;
    case request_class::refresh: return 70;
    case request_class::registration: return 85;
    case request_class::invite:
    case request_class::unrefusable: return 100;
  }
  return 100;
}

}  // namespace

bool admission::admit(request_class what, steady_time now) {
  if (!window_start_ || now - *window_start_ >= window) {
    window_start_ = now;
    used_ = 0;
  }
  const std::uint64_t allowed = std::max<std::uint64_t>(1, std::uint64_t{credit_} * share_of(what) / 100);
  if (what != request_class::unrefusable && (shut_ || used_ >= allowed)) return false;
  ++used_;
  peak_ = std::max(peak_, used_);
  return true;
}

void admission::on_queue_delay(nanoseconds delay, steady_time now) {
  if (delay > limits_.late) {
    timely_since_.reset();
    if (!late_since_) late_since_ = now;
    if (now - *late_since_ < limits_.late_for) return;
    late_since_ = now;
    // Never below a sixteenth: somebody must get through, or nothing is learnt about the way back.
    const std::uint32_t least = std::max(1U, limits_.credit / 16);
    const std::uint32_t lately = std::clamp(peak_, least, credit_);
    credit_ = std::max(least, lately - lately / 4);
    peak_ = 0;
    return;
  }
  late_since_.reset();
  if (credit_ == limits_.credit) return;
  if (!timely_since_) timely_since_ = now;
  if (now - *timely_since_ < limits_.late_for) return;
  timely_since_ = now;
  credit_ = std::min(limits_.credit, credit_ + credit_ / 8 + 1);
  peak_ = 0;
}

}  // namespace reveille
