/// What components want that no single setting says: texts read, lists looked up, a node's bounds shared among its shards.
/// Pure; the settings must have passed validate().
#pragma once

#include "actors/runtime/home_config.hpp"
#include "actors/subscriber_config.hpp"
#include "engine/config/config.hpp"
#include "engine/shard/shard_config.hpp"
#include "net/http1/server_options.hpp"

#include <cstdint>

namespace reveille::config {

/// node.shards, or for 0 one per core less one for the pushes, at least one.
std::uint16_t shard_count(const settings& s, unsigned cores);

/// The node's keys: of tables (random per start), and of branches and flow tokens.
struct node_keys {
  hash_key tables;
  hash_key secret;
};
shard_config for_shards(const settings& s, std::uint16_t shards, const node_keys& keys);
subscriber_config for_subscribers(const settings& s);
/// @param shards limits.resident_subscribers are of the node, a home gets its share
home_config for_homes(const settings& s, std::uint16_t shards);
/// @pre admin.listen is not empty
http1::server_options for_admin(const settings& s);

}  // namespace reveille::config
