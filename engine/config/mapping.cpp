#include "engine/config/mapping.hpp"

#include "engine/config/profiles.hpp"

#include <algorithm>
#include <cassert>

namespace reveille::config {
namespace {

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

park_provisional to_provisional(provisional p) {
  switch (p) {
    case provisional::none: return park_provisional::none;
    case provisional::ringing_180: return park_provisional::ringing;
    case provisional::queued_182: return park_provisional::queued;
  }
  return park_provisional::none;
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
  out.timer_c = s.call.timer_c;
  out.limits.server_transactions = s.limits.transactions_per_shard;
  out.limits.client_transactions = s.limits.transactions_per_shard;
  return out;
}

subscriber_config for_subscribers(const settings& s) {
  subscriber_config out;
  out.answer_timeout = s.call.answer_timeout;
  out.refused_grace = s.park.refused_grace;
  out.left_grace = s.park.left_grace;
  out.push_ttl_margin = s.push.ttl_margin;
  out.timer_c = s.call.timer_c;
  out.push = s.push.when == push_when::always ? reveille::push_when::always : reveille::push_when::asleep;
  out.live_flow = s.call.dial_live_flow ? dial_live_flow::yes : dial_live_flow::no;
  out.provisional = to_provisional(s.park.answer);
  out.parked_calls = s.call.parked_per_aor;
  out.pushes_per_minute = s.push.per_callee_per_minute;
  out.contacts = s.registrar.max_contacts;
  out.contact_octets = static_cast<std::size_t>(s.registrar.max_contact_octets);
  out.min_expires = s.registrar.min_expires;
  out.max_expires = s.registrar.max_expires;
  out.default_expires = s.registrar.default_expires;
  out.star = s.registrar.star_removes_push ? star_removes_push::yes : star_removes_push::no;
  out.soft_write_delay = s.registrar.soft_write_delay;
  out.store_patience = s.registrar.store_patience;
  out.bucket_entries = s.missed_calls.max_entries;
  out.bucket_age = s.missed_calls.max_age;
  out.missed_min_absence = s.missed_calls.min_absence;
  out.missed_ttl = s.missed_calls.ttl;
  out.missed_to = s.missed_calls.to == missed_calls_to::all ? reveille::missed_calls_to::all
                                                            : reveille::missed_calls_to::registered;
  for (const profile_source& source : profile_sources(s)) {
    // A profile that does not compile was refused with the configuration.
    const auto compiled = pns::payload_profile::compile(source.text, source.properties);
    if (compiled && is_used(source.name, s)) out.missed_cost = pns::worst_of(out.missed_cost, pns::cost_of(*compiled));
  }
  out.declined =
      s.missed_calls.declined == declined_calls::keep ? reveille::declined_calls::keep : reveille::declined_calls::drop;
  out.enabled[static_cast<std::size_t>(pns::provider::apns)] = s.apns.enabled;
  out.enabled[static_cast<std::size_t>(pns::provider::apns_dev)] = s.apns.enabled;
  out.enabled[static_cast<std::size_t>(pns::provider::fcm)] = s.fcm.enabled;
  const auto rule = [](const auto& app) {
    return pns::app_rule{app.accounts == accounts::one ? pns::accounts::one : pns::accounts::many, app.enabled};
  };
  for (const apns_app& app : s.apns.apps) {
    for (const pns::provider p : {pns::provider::apns, pns::provider::apns_dev}) {
      out.apps.add(p, app.team_id, app.bundle, rule(app));
    }
  }
  for (const fcm_app& app : s.fcm.apps) out.apps.add(pns::provider::fcm, "", app.project, rule(app));
  return out;
}

home_config for_homes(const settings& s, std::uint16_t shards) {
  home_config out;
  out.resident_limit = std::max<std::size_t>(1, s.limits.resident_subscribers / shards);
  out.resident_bytes = s.limits.resident_bytes / shards;
  out.queue_limit = s.limits.queued_per_aor;
  out.loads_in_flight = s.limits.loads_in_flight;
  return out;
}

rocksdb_options for_store(const settings& s) {
  rocksdb_options out;
  out.path = s.store.path;
  out.promise = s.store.durability == store_durability::disk ? durability::disk : durability::process;
  out.sync_every = s.store.sync_every;
  out.linger = s.store.linger;
  out.queue_limit = s.store.queue_limit;
  out.queue_bytes = s.store.queue_bytes;
  out.memtable_bytes = s.store.memtable;
  out.cache_bytes = s.store.cache;
  return out;
}

http1::server_options for_admin(const settings& s) {
  const auto at = parse_endpoint(s.admin.listen);
  assert(at);
  http1::server_options out;
  out.listen = *at;
  out.max_connections = s.admin.max_connections;
  out.body_bytes = 0;  // the API only reads
  return out;
}

}  // namespace reveille::config
