/// How long something takes: log-normal by its median and its 99th percentile, as push latencies are, or plainer.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "core/random.hpp"
#include "core/time.hpp"

namespace reveille::mock_providers {

enum class delay_shape : std::uint8_t {
  log_normal,    ///< by median and p99
  uniform,       ///< from `median` to `p99`
  exponential,   ///< `median` is the mean
};

struct delay_distribution {
  milliseconds median{0};
  milliseconds p99{0};        ///< not below the median; equal = always the median
  double lost = 0;            ///< share in [0, 1] that never arrives (deliveries only)
  delay_shape shape = delay_shape::log_normal;

  /// At most 10 times the 99th percentile: a tail that no test waits for proves nothing.
  nanoseconds draw(random_source& random) const {
    const auto of_ms = [](double ms) { return nanoseconds(static_cast<std::int64_t>(ms * 1e6)); };
    if (shape == delay_shape::exponential) {
      const double mean = static_cast<double>(median.count());
      return of_ms(std::min(-mean * std::log(std::max(random.unit(), 1e-12)), 20 * mean));
    }
    if (shape == delay_shape::uniform) {
      return of_ms(static_cast<double>(median.count()) + random.unit() * static_cast<double>((p99 - median).count()));
    }
    if (p99 <= median || median.count() <= 0) return median;
    constexpr double z99 = 2.3263478740408408;
    const double sigma = std::log(static_cast<double>(p99.count()) / static_cast<double>(median.count())) / z99;
    const double u = std::max(random.unit(), 1e-12);  // Box and Muller
    const double z = std::sqrt(-2 * std::log(u)) * std::cos(6.283185307179586 * random.unit());
    const double ms = std::min(static_cast<double>(median.count()) * std::exp(sigma * z),
                               10.0 * static_cast<double>(p99.count()));
    return of_ms(ms);
  }
  bool loses(random_source& random) const { return lost > 0 && random.unit() < lost; }
};

}  // namespace reveille::mock_providers
