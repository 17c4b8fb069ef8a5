/// The virtual world: two shards or more of the real engine, a faulty store, a moody push service, phones and callers, in one
/// thread, at thousands of times real speed, from one seed. What it finds, the same seed finds again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "actors/subscriber_config.hpp"
#include "simulator/world/caller.hpp"
#include "simulator/world/faulty_store.hpp"
#include "simulator/world/network.hpp"
#include "simulator/world/phone.hpp"
#include "simulator/world/provider.hpp"

namespace reveille::world {

struct world_config {
  std::uint64_t seed = 1;
  std::uint16_t shards = 2;
  std::uint32_t subscribers = 30;
  std::uint32_t calls = 100;
  double calls_per_second = 4;         ///< of virtual time
  double desk_phones = 0.15;           ///< share of devices without push
  std::uint32_t crashes = 0;           ///< kill -9 of the engine, at random instants
  network_faults network;
  provider_faults pushes;
  store_faults storage;
  phone_habits phones;
  caller_habits callers;
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
};

world_outcome run(const world_config& config);

/// The planted mistake of that name (a member of `mistakes`); nullopt when there is none. names() lists them.
std::optional<mistakes> mistake_named(const std::string& name);
std::vector<std::string> mistake_names();

/// The command line that repeats this world.
std::string command_of(const world_config& config, const std::string& mistake = {});

}  // namespace reveille::world
