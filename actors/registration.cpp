#include "actors/registration.hpp"

#include <algorithm>
#include <iterator>

#include "core/hash.hpp"

namespace reveille {

namespace {

constexpr hash_key no_key{};  // a collision between one subscriber's own branches does no harm to others

std::uint64_t hash_of(std::string_view text) { return siphash(no_key, text); }

}  // namespace

registration::order registration::compare(const binding& b, std::string_view call_id, std::uint32_t cseq,
                                          std::uint64_t branch) const {
  if (b.call_id() != call_id || cseq > b.facts().cseq) return order::newer;
  return cseq == b.facts().cseq && branch == b.facts().branch ? order::again : order::older;
}

registration_outcome registration::apply(const sip::message& request, const flow& source, const instant& now,
                                         const subscriber_config& config, bool remember_removed, peer_trust trust) {
  registration_outcome out;
  const registrant who{source, request.call_id(), trust};
  const std::uint64_t branch = hash_of(request.top_via().branch);
  const std::size_t lines = request.count(sip::header::contact);
  if (lines == 0) return out;  // fetch (RFC 3261 10.2.3)
  if (refresh_in_place(request, who, now, config, branch, out)) return out;
  counted_bytes_ = not_counted;
  if (lines == 1 && request.first(sip::header::contact) == "*") {
    apply_star(request, who, now, config, branch, remember_removed, out);
  } else {
    apply_offers(request, who, now, config, branch, remember_removed, out);
  }
  return out;
}

/// What a failed write left behind is asked for again before this device's 200 (SPEC 2.7); the others' refreshes go on.
bool registration::unsaved(const binding& b) const {
  return static_cast<std::int32_t>(b.facts().version - saved_) > 0;
}

namespace {

/// SPEC 2.5: whether we push may change though the Contact does not, with the hop before us or the provider's switch.
/// Who never named a provider, and who is pushed by us with nobody else to do it, is told at a glance.
bool may_change_sides(const binding& b, const sip::message& request) {
  if (b.push()) return another_hop_pushes(request);
  return b.pn_provider().has_value() && !another_hop_pushes(request);
}

}  // namespace

/// The hot path: one Contact, octet for octet the one that is bound, from the same Call-ID. Nothing is copied.
bool registration::refresh_in_place(const sip::message& request, const registrant& who, const instant& now,
                                    const subscriber_config& config, std::uint64_t branch,
                                    registration_outcome& out) {
  if (request.count(sip::header::contact) != 1 || request.count(sip::header::path) > 1) return false;
  const std::string_view contact = *request.first(sip::header::contact);
  const auto same =
      std::find_if(bindings_.begin(), bindings_.end(), [&](const binding& b) { return b.is_said_by(contact); });
  if (same == bindings_.end() || same->call_id() != request.call_id()) return false;
  if (same->path() != request.first(sip::header::path).value_or("")) return false;
  if (may_change_sides(*same, request)) return false;
  if (same->facts().reg_id_ignored || (same->facts().outbound && !first_hop_keeps_flows(request))) return false;
  const auto wanted = sip::params_view(same->params()).find("expires");
  const seconds expires =
      delta_seconds(wanted ? wanted : request.first(sip::header::expires), config.default_expires)
          .value_or(config.default_expires);
  if (expires == seconds(0) || expires < config.min_expires) return false;
  switch (compare(*same, request.call_id(), request.cseq().number, branch)) {
    case order::older:
      out.status = 500;
      out.why = "cseq-order";
      return true;
    case order::again:
      out.retransmission = true;
      out.registered.push_back(same->device());
      out.durable = unsaved(*same);
      return true;
    case order::newer: break;
  }
  binding_facts& facts = same->facts();
  out.durable = unsaved(*same);
  out.push_registered = is_push(*same, config);
  out.absence = std::chrono::duration_cast<seconds>(now.wall - facts.registered);
  out.registered.push_back(facts.device);
  if (who.trust == peer_trust::trusted) {
    facts.proven = true;
  } else if (!same_source(facts.source, who.source)) {
    facts.proven = is_proven(who.source);
  }
  facts.source = who.source;
  facts.expires = now.wall + std::min(expires, config.max_expires);
  facts.registered = now.wall;
  facts.cseq = request.cseq().number;
  facts.branch = branch;
  facts.stale = false;
  facts.quarantined = false;
  out.soft = facts.push;
  if (!facts.push) {
    out.durable = true;
    facts.version = ++version_;
  }
  return true;
}

void registration::apply_star(const sip::message& request, const registrant& who, const instant& now,
                              const subscriber_config& config, std::uint64_t branch, bool remember_removed, registration_outcome& out) {
  const auto expires = delta_seconds(request.first(sip::header::expires), seconds(1));
  if (!expires || *expires != seconds(0)) {
    out.status = 400;
    out.why = "star-without-expires-0";
    return;
  }
  const std::uint32_t cseq = request.cseq().number;
  // SPEC 2.3d: who may remove none of the push bindings by name may not remove them all by none.
  const bool of_ours = std::any_of(bindings_.begin(), bindings_.end(),
                                   [&](const binding& b) { return b.push() && may_remove(who, b); });
  const bool push_goes = config.star == star_removes_push::yes && of_ours;
  const auto goes = [&](const binding& b) { return !b.push() || push_goes; };
  for (const binding& b : bindings_) {
    if (!goes(b)) continue;
    const order o = compare(b, request.call_id(), cseq, branch);
    if (o == order::newer) continue;
    out.status = 500;
    out.why = "cseq-order";
    return;
  }
  const auto first = std::stable_partition(bindings_.begin(), bindings_.end(), [&](const binding& b) { return !goes(b); });
  std::vector<binding> gone(std::make_move_iterator(first), std::make_move_iterator(bindings_.end()));
  bindings_.erase(first, bindings_.end());
  if (!gone.empty()) {
    out.durable = true;
    out.removed = leave(std::move(gone), remember_removed);
    ++version_;
    remember_tombstone(request.call_id(), cseq, now.wall);
  }
  out.durable = out.durable || unsaved();  // sent again after a 503 it finds nothing left to remove
}

bool registration::in_order(const std::vector<register_offer>& list, const sip::message& request, const registrant& who,
                            const subscriber_config& config, std::uint64_t branch, wall_time now,
                            registration_outcome& out) const {
  const std::string_view call_id = request.call_id();
  const std::uint32_t cseq = request.cseq().number;
  bool adds = false;
  for (const register_offer& o : list) {
    adds = adds || !o.removal();
    std::vector<std::size_t> touched;
    if (o.removal()) {
      touched = removal_of(o, bindings_, who, config.planted).targets;
      out.durable = out.durable || (touched.empty() && unsaved());  // sent again after a 503: it has been removed
    } else {
      for (std::size_t i = 0; i < bindings_.size(); ++i) {
        if (kinship_of(o, bindings_[i]) != kinship::none && !is_sibling(o, bindings_[i])) touched.push_back(i);
      }
    }
    for (const std::size_t i : touched) {
      const binding& b = bindings_[i];
      out.durable = out.durable || unsaved(b);
      switch (compare(b, call_id, cseq, branch)) {
        case order::newer: break;
        case order::again:
          out.retransmission = true;
          if (!o.removal() && !out.registered.full()) out.registered.push_back(b.device());
          break;
        case order::older:
          if (out.retransmission) break;
          out.status = 500;
          out.why = "cseq-order";
          return false;
      }
    }
  }
  if (out.retransmission) return false;
  // A client's CSeq only grows (RFC 3261 10.2), also where it has given its device another name since.
  const bool overtaken = std::any_of(bindings_.begin(), bindings_.end(), [&](const binding& b) {
    return b.call_id() == call_id && cseq < b.facts().cseq;
  });
  const std::uint64_t sender = hash_of(call_id);
  const bool undoes = std::any_of(tombstones_.begin(), tombstones_.end(), [&](const tombstone& t) {
    return t.call_id == sender && cseq <= t.cseq && now < t.since + tombstones_age;
  });
  if (adds && (undoes || overtaken)) {
    out.status = 500;
    out.why = "cseq-order";
    return false;
  }
  return true;
}

void registration::remember_tombstone(std::string_view call_id, std::uint32_t cseq, wall_time now) {
  const std::uint64_t sender = hash_of(call_id);
  std::erase_if(tombstones_, [&](const tombstone& t) { return t.call_id == sender || t.since + tombstones_age <= now; });
  if (tombstones_.size() == tombstones_limit) tombstones_.erase(tombstones_.begin());
  tombstones_.push_back({sender, cseq, now});
}

bool registration::is_proven(const flow& source) const {
  return std::any_of(bindings_.begin(), bindings_.end(), [&](const binding& b) {
    return b.facts().proven && same_source(b.facts().source, source);
  });
}

void registration::prove(const flow& source) {
  for (binding& b : bindings_) {
    if (same_source(b.facts().source, source)) b.facts().proven = true;
  }
}

bool registration::is_bound(device_id device) const {
  return std::any_of(bindings_.begin(), bindings_.end(), [&](const binding& b) { return b.device() == device; });
}

device_list registration::leave(std::vector<binding>&& gone, bool remember_removed) {
  device_list devices;
  for (binding& b : gone) {
    if (is_bound(b.device())) continue;  // another flow of the device stands
    if (!devices.full() && !devices.contains(b.device())) devices.push_back(b.device());
    if (remember_removed) removed_.push_back(std::move(b));
  }
  counted_bytes_ = not_counted;
  return devices;
}

}  // namespace reveille
