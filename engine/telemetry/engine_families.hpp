/// Turns what the engine's parts have counted into metric families. Each part gives plain numbers or slots; the names,
/// help texts and labels are here, in one place. Budget: 2 000 series a node.
///
/// Threads: any; slots may be written meanwhile.
#pragma once

#include "engine/push/push_counters.hpp"
#include "engine/shard/shard_counters.hpp"
#include "engine/shard/shard_thread.hpp"
#include "engine/store/store_counters.hpp"
#include "net/http1/server.hpp"
#include "net/metrics/metrics_page.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <utility>

namespace reveille {

/// SIP, calls, wake-ups, bounds. Null pointers (a shard that has not started) are passed over.
void add_shard_families(metric_sink& to, std::span<const shard_counters* const> shards);
/// Sockets, turns, residents: one element a shard, in order of their numbers.
void add_thread_families(metric_sink& to, std::span<const shard_thread_counters> shards);

struct push_reading {
  pns::provider provider;
  const push_counters* counters = nullptr;
};
/// Of all push threads; readings of one provider are summed.
void add_push_families(metric_sink& to, std::span<const push_reading> senders);

/// Of all push threads together.
void add_push_thread_families(metric_sink& to, std::uint64_t turns_failed);

/// Why a phone of which app did not ring. Bounded by the configured apps; a reason that never came has no series.
void add_push_app_families(metric_sink& to, std::span<const std::pair<pns::provider, push_app_reading>> apps);

struct certificate_reading {
  std::string bundle;
  seconds left{0};   ///< until it ends; negative afterwards
};
void add_certificate_families(metric_sink& to, std::span<const certificate_reading> certificates);

void add_store_families(metric_sink& to, const store_counters& counters);
void add_admin_families(metric_sink& to, const http1::server_counters& counters);

/// reveille_draining and reveille_ready.
struct lifecycle {
  bool draining = false;
  bool ready = false;
  bool short_of_memory = false;      ///< new work is refused
  std::uint64_t memory_refused = 0;  ///< allocations that were served from the reserve
};
void add_lifecycle_families(metric_sink& to, const lifecycle& now);

}  // namespace reveille
