/// Requests that were refused without keeping a transaction (RFC 3261 8.2.7): a repetition gets the same status, however
/// things have changed since, and its ACK ends here. Else a copy that the network delays would begin a call that its
/// caller knows to be over.
///
/// Fixed in size: a newcomer takes the place that its fingerprint names, so a flood makes it forget early, never grow.
/// Nothing is allocated after the constructor. Threads: one.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/time.hpp"

namespace reveille::sip {

class refused_requests {
 public:
  /// 0.5 MB: what 1000 refusals a second leave in 32 s.
  static constexpr std::uint32_t most = 32768;

  explicit refused_requests(std::uint32_t capacity)
      : places_(std::bit_ceil(std::size_t{std::clamp(capacity, 1U, most)})) {}

  void remember(std::uint64_t fingerprint, int status, steady_time now, nanoseconds life) {
    place& p = places_[fingerprint & (places_.size() - 1)];
    if (p.status != 0 && p.fingerprint != fingerprint && p.until >= second_of(now)) ++displaced_;
    p = {fingerprint, second_of(now + life), static_cast<std::uint16_t>(status)};
  }
  std::optional<int> find(std::uint64_t fingerprint, steady_time now) const {
    const place& p = places_[fingerprint & (places_.size() - 1)];
    if (p.status == 0 || p.fingerprint != fingerprint || p.until < second_of(now)) return std::nullopt;
    return p.status;
  }

  /// Refusals that were forgotten early.
  std::uint64_t displaced() const { return displaced_; }

 private:
  struct place {
    std::uint64_t fingerprint = 0;
    std::uint32_t until = 0;
    std::uint16_t status = 0;   ///< 0 = empty
  };
  static std::uint32_t second_of(steady_time t) {
    return static_cast<std::uint32_t>(std::chrono::duration_cast<seconds>(t.time_since_epoch()).count());
  }
  std::vector<place> places_;
  std::uint64_t displaced_ = 0;
};

}  // namespace reveille::sip
