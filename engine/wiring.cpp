#include "engine/wiring.hpp"

#include <algorithm>
#include <cassert>

namespace reveille {

namespace {

park_provisional provisional_of(config::provisional p) {
  switch (p) {
    case config::provisional::none: return park_provisional::none;
    case config::provisional::ringing_180: return park_provisional::ringing;
    case config::provisional::queued_182: return park_provisional::queued;
  }
  std::abort();  // unreachable: the switch is complete
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

/// What is told to others: the operator's word, else the socket's address, else this host's.
std::string sent_by(const config::settings& s, const endpoint& bound, const endpoint& outward) {
  if (!s.node.advertise.empty()) return s.node.advertise;
  if (!is_wildcard(bound)) return bound.text();
  endpoint told = outward;
  told.port = bound.port;
  return told.text();
}

}  // namespace

bool is_wildcard(const endpoint& e) {
  return std::all_of(e.address.begin(), e.address.end(), [](std::uint8_t b) { return b == 0; });
}

std::uint16_t shard_count(const config::settings& s, unsigned cores) {
  if (s.node.shards != 0) return s.node.shards;
  return static_cast<std::uint16_t>(std::clamp<unsigned>(cores == 0 ? 1 : cores - 1, 1, rocksdb_store::max_shards));
}

std::vector<endpoint> listen_addresses(const config::settings& s) {
  std::vector<endpoint> out;
  for (const std::string& text : s.node.listen) {
    const auto parsed = parse_endpoint(std::string_view(text).substr(4));
    assert(text.starts_with("udp:") && parsed.has_value());
    out.push_back(*parsed);
  }
  return out;
}

shard_config shard_config_of(const config::settings& s, std::uint16_t shards, const std::vector<endpoint>& bound,
                             const node_secret& secret, const endpoint& outward) {
  shard_config out;
  out.shards = shards;
  for (const endpoint& e : bound) out.listeners.push_back({e, sent_by(s, e, outward)});
  for (const std::string& d : s.node.domains) out.domains.push_back(lower(d));
  for (const std::string& peer : s.trust.peers) {
    // Networks wait for authentication (SPEC 10); until then everybody is let in and `trusted` only decides what to
    // believe, so an address that is not listed costs nothing but a caller's asserted identity.
    if (const auto address = parse_address(std::string_view(peer).substr(0, peer.find('/')), 0)) {
      out.trusted_peers.push_back(*address);
    }
  }
  out.key = secret.aors;
  out.secret = secret.flows;
  out.timer_c = s.call.timer_c;
  out.limits.server_transactions = s.limits.transactions_per_shard;
  out.limits.client_transactions = s.limits.transactions_per_shard;
  return out;
}

subscriber_config subscriber_config_of(const config::settings& s) {
  subscriber_config out;
  out.answer_timeout = s.call.answer_timeout;
  out.refused_grace = s.park.refused_grace;
  out.left_grace = s.park.left_grace;
  out.push_ttl_margin = s.push.ttl_margin;
  out.timer_c = s.call.timer_c;
  out.push = s.push.when == config::push_when::always ? push_when::always : push_when::asleep;
  out.live_flow = s.call.dial_live_flow ? dial_live_flow::yes : dial_live_flow::no;
  out.provisional = provisional_of(s.park.answer);
  out.parked_calls = s.call.parked_per_aor;
  out.pushes_per_minute = s.push.per_callee_per_minute;
  out.contacts = s.registrar.max_contacts;
  out.min_expires = s.registrar.min_expires;
  out.max_expires = s.registrar.max_expires;
  out.default_expires = s.registrar.default_expires;
  out.star = s.registrar.star_removes_push ? star_removes_push::yes : star_removes_push::no;
  out.bucket_entries = s.missed_calls.max_entries;
  out.bucket_age = s.missed_calls.max_age;
  out.missed_min_absence = s.missed_calls.min_absence;
  out.missed_ttl = s.missed_calls.ttl;
  out.missed_to = s.missed_calls.to == config::missed_calls_to::all ? missed_calls_to::all : missed_calls_to::registered;
  out.declined = s.missed_calls.declined == config::declined_calls::keep ? declined_calls::keep : declined_calls::drop;
  out.enabled = {s.apns.enabled, s.apns.enabled, s.fcm.enabled};
  return out;
}

home_config home_config_of(const config::settings& s, std::uint16_t shards) {
  home_config out;
  out.resident_limit = std::max<std::size_t>(s.limits.resident_subscribers / shards, 1);
  out.reserve = out.resident_limit;
  out.loads_in_flight = s.limits.loads_in_flight;
  out.queue_limit = s.limits.queued_per_aor;
  return out;
}

rocksdb_options store_options_of(const config::settings& s) {
  rocksdb_options out;
  out.path = s.store.path;
  out.promise = s.store.durability == config::store_durability::process ? durability::process : durability::disk;
  out.sync_every = s.store.sync_every;
  out.linger = s.store.linger;
  out.queue_limit = s.store.queue_limit;
  out.queue_bytes = s.store.queue_bytes;
  out.memtable_bytes = s.store.memtable;
  out.cache_bytes = s.store.cache;
  return out;
}

}  // namespace reveille
