/// What a mock has seen. Plain numbers of one thread; server::counters() gives a copy to others.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "mock_providers/delivery/accepted_ledger.hpp"
#include "pns/push_params.hpp"

namespace reveille::mock_providers {

struct provider_counters {
  std::uint64_t requests = 0;
  std::uint64_t accepted = 0;
  std::uint64_t repeated_ids = 0;    ///< accepted with an apns-id that was accepted before (within the record)
  std::uint64_t silenced = 0;        ///< faults of the script
  std::uint64_t resets = 0;
  std::uint64_t goaways = 0;
  std::uint64_t settings_changes = 0;
  /// By status and reason; bounded, since both are the mock's own words or the script's.
  std::map<std::pair<int, std::string>, std::uint64_t> refused;
};

struct delivery_counters {
  std::uint64_t delivered = 0;
  std::uint64_t lost = 0;            ///< by the share that the delay distribution loses
  std::uint64_t stored = 0;          ///< the device was away
  std::uint64_t replaced = 0;        ///< a stored one by a newer one of the same app
  std::uint64_t expired = 0;
  std::uint64_t queue_full = 0;
  std::uint64_t waiting = 0;         ///< now
};

struct mock_counters {
  std::array<provider_counters, pns::provider_count> providers;  ///< by pns::provider
  delivery_counters deliveries;
  std::uint64_t oauth_issued = 0;
  std::uint64_t oauth_refused = 0;
  std::uint64_t connections_accepted = 0;
  std::uint64_t handshakes_failed = 0;
  std::uint64_t connections_open = 0;
  std::uint64_t answers_waiting = 0;
  std::uint64_t connections_silent = 0;    ///< kept in silence by the fault script, now
  std::uint64_t subscribers_dropped = 0;   ///< of the control port: too far behind
  std::uint64_t control_refused = 0;       ///< connections to the control port beyond its bound
  accepted_ledger::totals ledger;
};

/// Prometheus' text format, names `reveille_mock_*`. Appends.
void append_metrics(std::string& out, const mock_counters& c);

}  // namespace reveille::mock_providers
