/// From what the operator wrote to what each component wants to know. Pure.
#pragma once

#include <vector>

#include "actors/subscriber_config.hpp"
#include "core/result.hpp"
#include "engine/config/config.hpp"
#include "engine/shard/shard_config.hpp"
#include "engine/shard/shard_thread.hpp"
#include "engine/store/rocksdb_store.hpp"

namespace reveille {

/// Keys that must be the same after a restart, or dialogs and flow tokens made before it are strangers'.
struct node_secret {
  hash_key aors;     ///< finds homes and directory entries
  hash_key flows;    ///< signs branches and flow tokens
};

/// One per core less one for pushes and store, at least one, at most what the store serves.
std::uint16_t shard_count(const config::settings& s, unsigned cores);
/// "udp:ADDRESS:PORT" each. @pre validated.
std::vector<endpoint> listen_addresses(const config::settings& s);
/// @param bound the addresses that the sockets really have (port 0 resolved), in the order of `listen`.
/// @param outward this host's address towards others, for sockets on every address; see outward_address().
shard_config shard_config_of(const config::settings& s, std::uint16_t shards, const std::vector<endpoint>& bound,
                             const node_secret& secret, const endpoint& outward);
subscriber_config subscriber_config_of(const config::settings& s);
home_config home_config_of(const config::settings& s, std::uint16_t shards);
rocksdb_options store_options_of(const config::settings& s);

/// 0.0.0.0 or [::].
bool is_wildcard(const endpoint& e);

}  // namespace reveille
