#include "engine/config/derived.hpp"

#include "engine/config/profiles.hpp"

#include <algorithm>
#include <cassert>

namespace reveille::config {
namespace {

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

bool is_used(const std::string& profile, const settings& s) {
  const auto by = [&](const auto& app) { return app.profile == profile; };
  return std::any_of(s.apns.apps.begin(), s.apns.apps.end(), by) || std::any_of(s.fcm.apps.begin(), s.fcm.apps.end(), by);
}

}  // namespace

std::uint16_t shard_count(const settings& s, unsigned cores) {
  if (s.node.shards != 0) return s.node.shards;
  return static_cast<std::uint16_t>(std::clamp(cores, 2U, 65U) - 1);
}

shard_config for_shards(const settings& s, std::uint16_t shards, const node_keys& keys) {
  constexpr std::string_view scheme = "udp:";
  shard_config out;
  out.shards = shards;
  for (const std::string& text : s.node.listen) {
    const auto address = parse_endpoint(std::string_view(text).substr(scheme.size()));
    assert(address);
    out.listeners.push_back({*address, s.node.advertise});
  }
  for (const std::string& domain : s.node.domains) out.domains.push_back(lower(domain));
  for (const std::string& peer : s.trust.peers) {
    auto address = parse_address(peer, 1);
    assert(address);
    address->port = 0;  // any
    out.trusted_peers.push_back(*address);
  }
  out.key = keys.tables;
  out.secret = keys.secret;
  out.timer_c = s.subscribers.timer_c;
  out.limits = s.shards;
  out.limits.client_transactions = out.limits.server_transactions;  // one setting for both tables
  return out;
}

subscriber_config for_subscribers(const settings& s) {
  subscriber_config out = s.subscribers;
  for (const profile_source& source : profile_sources(s)) {
    // A profile that does not compile was refused with the configuration.
    const auto compiled = pns::payload_profile::compile(source.text, source.properties);
    if (compiled && is_used(source.name, s)) out.missed_cost = pns::worst_of(out.missed_cost, pns::cost_of(*compiled));
  }
  out.enabled[static_cast<std::size_t>(pns::provider::apns)] = s.apns.enabled;
  out.enabled[static_cast<std::size_t>(pns::provider::apns_dev)] = s.apns.enabled;
  out.enabled[static_cast<std::size_t>(pns::provider::fcm)] = s.fcm.enabled;
  for (const apns_app& app : s.apns.apps) {
    for (const pns::provider p : {pns::provider::apns, pns::provider::apns_dev}) {
      out.apps.add(p, app.team_id, app.bundle, {app.accounts, app.enabled});
    }
  }
  for (const fcm_app& app : s.fcm.apps) out.apps.add(pns::provider::fcm, "", app.project, {app.accounts, app.enabled});
  return out;
}

home_config for_homes(const settings& s, std::uint16_t shards) {
  home_config out = s.homes;
  out.resident_limit = std::max<std::size_t>(1, s.limits.resident_subscribers / shards);
  out.resident_bytes = s.limits.resident_bytes / shards;
  return out;
}

http1::server_options for_admin(const settings& s) {
  const auto at = parse_endpoint(s.admin.listen);
  assert(at);
  http1::server_options out = s.admin.server;
  out.listen = *at;
  out.body_bytes = 0;  // the API only reads
  return out;
}

}  // namespace reveille::config
