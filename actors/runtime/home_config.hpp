/// The bounds of one home.
#pragma once

#include <algorithm>
#include <cstddef>

#include "core/time.hpp"

namespace reveille {

/// Bounds, each with a counter in home_counters.
struct home_config {
  std::size_t resident_limit = 1'000'000;    ///< actors in memory; above it the longest idle leave
  std::size_t resident_bytes = std::size_t{4} << 30;  ///< of what they hold; above it the longest idle leave
  std::size_t queue_limit = 64;              ///< requests of one AOR that wait for its load
  std::size_t loads_in_flight = 1024;        ///< cold loads that the store has at once
  std::size_t loads_waiting = 16384;         ///< cold loads behind them: 0.8 s at 20,000 a second
  nanoseconds load_patience = seconds(2);    ///< for which one waits to be given to the store; then its requests get 503
  std::size_t mailbox_limit = 64;            ///< CAF messages of one AOR from other threads
  std::size_t deferred_limit = 4096;         ///< deliveries asked for from inside a delivery
  std::size_t reserve = 4096;                ///< directory entries made at once; the engine asks for places()

  /// With those that wait for the disk, who stand over the bound; more than a quarter of them only make the directory grow.
  std::size_t places() const {
    return resident_limit + std::min(resident_limit / 4, 2 * loads_in_flight + loads_waiting);
  }

  bool operator==(const home_config&) const = default;
};

}  // namespace reveille
