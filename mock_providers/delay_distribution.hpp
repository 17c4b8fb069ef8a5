/// How long something takes: log-normal by its median and its 99th percentile, as push latencies are.
#pragma once

#include <algorithm>
#include <cmath>

#include "core/random.hpp"
#include "core/time.hpp"

namespace reveille::mock_providers {

struct delay_distribution {
  milliseconds median{0};
  milliseconds p99{0};        ///< not below the median; equal = always the median
  double lost = 0;            ///< share in [0, 1] that never arrives (deliveries only)

  /// At most 10 times the 99th percentile: a tail that no test waits for proves nothing.
  nanoseconds draw(random_source& random) const {
    if (p99 <= median || median.count() <= 0) return median;
    constexpr double z99 = 2.3263478740408408;
    const double sigma = std::log(static_cast<double>(p99.count()) / static_cast<double>(median.count())) / z99;
    const double u = std::max(random.unit(), 1e-12);  // Box and Muller
    const double z = std::sqrt(-2 * std::log(u)) * std::cos(6.283185307179586 * random.unit());
    const double ms = std::min(static_cast<double>(median.count()) * std::exp(sigma * z),
                               10.0 * static_cast<double>(p99.count()));
    return nanoseconds(static_cast<std::int64_t>(ms * 1e6));
  }
  bool loses(random_source& random) const { return lost > 0 && random.unit() < lost; }
};

}  // namespace reveille::mock_providers
