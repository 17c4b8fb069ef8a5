/// Growing pauses, half of each left to chance, so that many who failed together do not come back together.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/random.hpp"
#include "core/time.hpp"

namespace reveille {

/// @param attempt counted from 0: doubles `first` so often, up to `longest`. @return between half of it and all of it.
inline nanoseconds jittered_backoff(nanoseconds first, nanoseconds longest, std::uint32_t attempt, random_source& random) {
  const nanoseconds full = std::min(longest, first * (std::int64_t{1} << std::min(attempt, 20U)));
  return nanoseconds(static_cast<std::int64_t>(static_cast<double>(full.count()) * (0.5 + 0.5 * random.unit())));
}

}  // namespace reveille
