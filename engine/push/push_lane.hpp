/// One app of a credential: its queues, its share, its circuit breaker. An app whose pushes are refused, or get no answer,
/// waits in its own lane and closes no other's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "engine/push/circuit_breaker.hpp"
#include "engine/push/push_config.hpp"
#include "engine/push/push_counters.hpp"
#include "engine/push/push_table.hpp"
#include "engine/push/rate_limit.hpp"

namespace reveille {

/// An app of the credential, at the place of its app_index.
struct push_app_parts {
  std::string name;            ///< bundle or project: a metric label
  double rate = 0;             ///< pushes a second of this app alone; 0 = as the credential
  milliseconds call_ttl{0};    ///< 0 = as the credential's limits say
};

struct push_lane {
  push_lane(const push_limits& limits, const push_app_parts& app, push_app_counters& count, steady_time now)
      : counters(count),
        call_ttl(app.call_ttl > milliseconds(0) ? app.call_ttl : limits.call_ttl),
        breaker(limits.breaker_failures, limits.breaker_pause, limits.longest_breaker_pause),
        pace(app.rate, app.rate, now) {}

  deadline_queue& queue_of(bool call) { return call ? calls : missed; }
  bool empty() const { return calls.empty() && missed.empty(); }
  std::size_t& held(bool call) { return call ? calls_held : missed_held; }
  void publish() {
    counters.waiting.set(calls_held + missed_held - flying);
    counters.in_flight.set(flying);
  }

  push_app_counters& counters;
  const milliseconds call_ttl;    ///< the provider keeps a call's push no longer; 0 = as long as the call
  deadline_queue calls;
  deadline_queue missed;
  std::size_t calls_held = 0;     ///< queued, waiting or flying
  std::size_t missed_held = 0;
  std::size_t flying = 0;
  circuit_breaker breaker;        ///< counts answers, and answers that never came
  rate_limit pace;                ///< the app's own limit; the credential has another
  std::uint32_t bad_tokens = 0;   ///< BadDeviceToken in a row
};

}  // namespace reveille
