/// The virtual world: two shards or more of the real engine, a faulty store, a moody push service, phones and callers, in one
/// thread, at thousands of times real speed, from one seed. What it finds, the same seed finds again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "actors/runtime/home.hpp"
#include "actors/subscriber_config.hpp"
#include "simulator/world/caller.hpp"
#include "simulator/world/faulty_store.hpp"
#include "simulator/world/http2_config.hpp"
#include "simulator/world/network.hpp"
#include "simulator/world/phone.hpp"
#include "simulator/world/provider.hpp"
#include "simulator/world/forger.hpp"

namespace reveille::world {

/// What stands behind the push_gateway port: a provider alone, or senders, HTTP/2 over byte pipes and mock providers.
enum class push_path_kind : std::uint8_t { gateway, http2 };

struct world_config {
  std::uint64_t seed = 1;
  std::uint16_t shards = 2;
  std::uint32_t subscribers = 30;
  std::uint32_t calls = 100;
  double calls_per_second = 4;         ///< of virtual time
  double desk_phones = 0.15;           ///< share of devices without push
  double behind_edge = 0;              ///< share of devices behind an edge proxy
  double nameless = 0;                 ///< share of devices without +sip.instance
  double labelled = 0;                 ///< share of devices with a label
  double two_flows = 0;                ///< share of devices that register by two sockets (RFC 5626)
  double restored = 0;                 ///< share of subscribers one of whose phones takes a name of another's at some time
  bool strangers = false;              ///< somebody un-registers phones by their names, and crowds sleeping ones out
  std::uint32_t crashes = 0;           ///< kill -9 of the engine, at random instants
  network_faults network;
  push_path_kind push_path = push_path_kind::gateway;
  provider_faults pushes;              ///< with `gateway`
  http2_config http2;                  ///< with `http2`
  store_faults storage;
  phone_habits phones;
  caller_habits callers;
  home_config homes;
  bool small_bounds = false;           ///< `homes` has them: everybody leaves memory whenever he can
  forger_habits forger;
  std::uint32_t server_transactions = 0;   ///< bound of a shard's; 0 = the default
  mistakes planted{};
  std::string story_of;                ///< Call-ID to write the story of
};

struct world_outcome {
  std::vector<std::string> violations;
  std::vector<std::string> story;
  std::uint64_t trace = 0;             ///< the same for the same configuration, always
  std::uint64_t steps = 0;
  nanoseconds virtual_time{0};
  std::uint32_t offered = 0, answered = 0, cancelled = 0, unanswered = 0;
  std::uint64_t told = 0, pushes_accepted = 0, datagrams = 0, datagrams_lost = 0;
  std::uint64_t push_requests = 0;     ///< with `http2`: on the wire, repeats among them
  std::uint64_t push_repeats = 0;      ///< requests of pushes that the provider had read before
  std::uint64_t push_ambiguous = 0;    ///< accepted or told twice, because nobody could tell
};

world_outcome run(const world_config& config);

/// The planted mistake of that name (a member of `mistakes`); nullopt when there is none. names() lists them.
std::optional<mistakes> mistake_named(const std::string& name);
std::vector<std::string> mistake_names();
/// Whether only a world of small bounds can show it.
bool needs_small_bounds(const std::string& mistake);
/// The same for mistakes of the senders (`push_mistakes`), which only `http2` can show.
std::optional<push_mistakes> push_mistake_named(const std::string& name);
std::vector<std::string> push_mistake_names();

/// The command line that repeats this world.
std::string command_of(const world_config& config, const std::string& mistake = {});

}  // namespace reveille::world
