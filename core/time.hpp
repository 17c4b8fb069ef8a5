/// Time as the domain sees it: an argument, never a call. Only adapters read a clock (core/system_ports.hpp).
#pragma once

#include <chrono>
#include <cstdint>

namespace reveille {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

/// Monotonic; for intervals and deadlines inside one process.
using steady_time = std::chrono::time_point<std::chrono::steady_clock, nanoseconds>;
/// Civil time, ms since the Unix epoch; only for what goes to the wire, to disk or to a person.
using wall_time = std::chrono::time_point<std::chrono::system_clock, milliseconds>;

/// One reading of both clocks. A shard reads once per batch of datagrams and hands it down.
struct instant {
  steady_time steady;
  wall_time wall;

  friend instant operator+(instant t, nanoseconds d) {
    return {t.steady + d, t.wall + std::chrono::duration_cast<milliseconds>(d)};
  }
};

/// Unix seconds, as SIP, APNs and FCM want them.
constexpr std::int64_t unix_seconds(wall_time t) {
  return std::chrono::floor<seconds>(t.time_since_epoch()).count();
}

/// Port: where an adapter gets the time from. Any thread.
class clock {
 public:
  virtual ~clock() = default;
  virtual instant now() const = 0;
};

}  // namespace reveille
