#include "actors/registration.hpp"

#include <algorithm>

#include "core/hash.hpp"

namespace reveille {

namespace {

constexpr hash_key no_key{};  // a collision between one subscriber's own branches does no harm to others

std::uint64_t hash_of(std::string_view text) { return siphash(no_key, text); }

/// All Path values of the request, as one Route value (RFC 3327: the order is that of a Route set).
std::string_view path_of(const sip::message& request, std::string& joined) {
  const std::size_t lines = request.count(sip::header::path);
  if (lines == 0) return {};
  if (lines == 1) return *request.first(sip::header::path);
  request.for_each(sip::header::path, [&](std::string_view value) {
    if (!joined.empty()) joined += ", ";
    joined += value;
  });
  return joined;
}

}  // namespace

registration::order registration::compare(const binding& b, std::string_view call_id, std::uint32_t cseq,
                                          std::uint64_t branch) const {
  if (b.call_id() != call_id || cseq > b.facts().cseq) return order::newer;
  return cseq == b.facts().cseq && branch == b.facts().branch ? order::again : order::older;
}

registration_outcome registration::apply(const sip::message& request, const flow& source, const instant& now,
                                         const subscriber_config& config, bool remember_removed) {
  registration_outcome out;
  const std::uint64_t branch = hash_of(request.top_via().branch);
  const std::size_t lines = request.count(sip::header::contact);
  if (lines == 0) return out;  // fetch (RFC 3261 10.2.3)
  if (refresh_in_place(request, source, now, config, branch, out)) return out;
  if (lines == 1 && request.first(sip::header::contact) == "*") {
    apply_star(request, now, config, branch, remember_removed, out);
  } else {
    apply_offers(request, source, now, config, branch, remember_removed, out);
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
  if (b.push()) return request.count(sip::header::feature_caps) != 0 && another_hop_pushes(request);
  const bool names_provider = sip::params_of_checked(b.uri()).find("pn-provider").has_value() ||
                              sip::params_view(b.params()).find("pn-provider").has_value();
  return names_provider && !another_hop_pushes(request);
}

}  // namespace

/// The hot path: one Contact, octet for octet the one that is bound, from the same Call-ID. Nothing is copied.
bool registration::refresh_in_place(const sip::message& request, const flow& source, const instant& now,
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
  facts.source = source;
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

void registration::apply_star(const sip::message& request, const instant& now, const subscriber_config& config,
                              std::uint64_t branch, bool remember_removed, registration_outcome& out) {
  const auto expires = delta_seconds(request.first(sip::header::expires), seconds(1));
  if (!expires || *expires != seconds(0)) {
    out.status = 400;
    out.why = "star-without-expires-0";
    return;
  }
  const std::uint32_t cseq = request.cseq().number;
  const auto goes = [&](const binding& b) { return !b.push() || config.star == star_removes_push::yes; };
  for (const binding& b : bindings_) {
    if (!goes(b)) continue;
    const order o = compare(b, request.call_id(), cseq, branch);
    if (o == order::newer) continue;
    out.status = 500;
    out.why = "cseq-order";
    return;
  }
  const auto first = std::stable_partition(bindings_.begin(), bindings_.end(), [&](const binding& b) { return !goes(b); });
  for (auto b = first; b != bindings_.end(); ++b) {
    out.durable = true;
    const auto is_flow = [&](const binding& x) { return x.device() == b->device(); };
    if (std::any_of(bindings_.begin(), first, is_flow)) continue;  // another flow of the device stays
    if (!out.removed.full() && !out.removed.contains(b->device())) out.removed.push_back(b->device());
    if (remember_removed) removed_.push_back(std::move(*b));
  }
  bindings_.erase(first, bindings_.end());
  if (out.durable) {
    ++version_;
    remember_tombstone(request.call_id(), cseq, now.wall);
  }
  out.durable = out.durable || unsaved();  // sent again after a 503 it finds nothing left to remove
}

bool registration::in_order(const std::vector<register_offer>& list, const sip::message& request, std::uint64_t branch,
                            wall_time now, registration_outcome& out) const {
  const std::string_view call_id = request.call_id();
  const std::uint32_t cseq = request.cseq().number;
  bool adds = false;
  for (const register_offer& o : list) {
    adds = adds || !o.removal();
    std::vector<std::size_t> touched;
    if (o.removal()) {
      touched = removal_targets(o, bindings_);
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

namespace {

/// The bound (SPEC 2.4): lapsed ordinary ones go first, then push bindings whose SIP expiry has passed, longest unseen.
/// @return false when nobody may go: then `out` is the 403.
/// @param before how many were bound: a bound that was lowered since shuts nobody out who adds none.
bool make_room(std::vector<binding>& next, std::vector<binding>& gone, std::size_t before, wall_time now,
               const subscriber_config& config, registration_outcome& out) {
  std::erase_if(next, [&](const binding& b) { return !b.push() && b.expired(now); });
  while (next.size() > std::max(config.contacts, before)) {
    auto oldest = next.end();
    for (auto b = next.begin(); b != next.end(); ++b) {
      if (!b->push() || !b->expired(now) || out.registered.contains(b->device())) continue;
      if (oldest == next.end() || b->facts().registered < oldest->facts().registered) oldest = b;
    }
    if (oldest == next.end()) {
      out = registration_outcome{};
      out.status = 403;
      out.why = "contacts-full";
      out.full = true;
      return false;
    }
    gone.push_back(std::move(*oldest));
    next.erase(oldest);
    ++out.evicted;
    out.durable = true;
  }
  return true;
}

/// The bound on flows of one device; the newest stands last in `next`.
void drop_oldest_flow(std::vector<binding>& next, device_id device, registration_outcome& out) {
  const auto is_flow = [&](const binding& b) { return b.device() == device; };
  if (static_cast<std::size_t>(std::count_if(next.begin(), next.end(), is_flow)) <= flows_limit) return;
  auto oldest = next.end();
  for (auto b = next.begin(); b != next.end() - 1; ++b) {
    const bool older = oldest == next.end() || b->facts().registered < oldest->facts().registered;
    if (is_flow(*b) && older) oldest = b;
  }
  next.erase(oldest);
  ++out.evicted;
}

/// What an offer's device was bound as before: the closest kin, and everybody who is the same device.
struct family {
  std::optional<binding> earlier;
  bool bound = false;  ///< it still was: else it had un-registered, and comes back
  std::optional<wall_time> seen;  ///< its last REGISTER by any flow
  few<device_id, 2 * register_contacts_limit> kin;
};

/// Takes the offer's kin out of `next` (bound) and `gone` (un-registered by this very REGISTER); those in `removed`
/// (un-registered a moment ago while a call waits) stay for now, since the REGISTER may still be refused, and say nothing
/// once an earlier Contact of it has brought the device back.
family gather(const register_offer& o, std::vector<binding>& next, std::vector<binding>& gone,
              std::vector<binding>& removed) {
  family found;
  few<device_id, 2 * register_contacts_limit> bound;
  for (const binding& b : next) {
    if (!bound.full()) bound.push_back(b.device());
  }
  kinship best = kinship::none;
  for (std::vector<binding>* place : {&next, &gone, &removed}) {
    for (auto b = place->begin(); b != place->end();) {
      const kinship k = kinship_of(o, *b);
      const bool outdated = place == &removed && bound.contains(b->device());
      if (k == kinship::none || outdated || (place != &next && k == kinship::address)) {
        ++b;
        continue;
      }
      if (!found.kin.full() && !found.kin.contains(b->device())) found.kin.push_back(b->device());
      found.seen = std::max(found.seen.value_or(wall_time{}), b->facts().registered);
      if (place == &next && is_sibling(o, *b)) {
        ++b;
        continue;
      }
      if (k > best) {
        best = k;
        found.earlier = *b;
        found.bound = place == &next;
      }
      b = place == &removed ? b + 1 : place->erase(b);
    }
  }
  // A device is bound by the flows of one instance: where it is another now, those of the former go.
  std::erase_if(next, [&](const binding& b) { return found.kin.contains(b.device()) && !is_sibling(o, b); });
  return found;
}

/// A query says nothing of the token: the device keeps the one that it is bound with (RFC 8599 4.1.5, SPEC 2.3).
/// @return the query's Contact with that token, in the two texts that `uri` and `params` then hold.
void keep_push_params(const register_offer& o, const binding& earlier, std::string& uri, std::string& params) {
  append_stripped_uri(uri, o.contact.uri);
  append_stripped(params, o.contact.params);
  const auto take = [&](std::string_view name, std::optional<std::string_view> value) {
    if (pns::is_push_param(name)) params.append(";").append(name).append(value ? "=" : "").append(value.value_or(""));
    return true;
  };
  sip::params_of_checked(earlier.uri()).for_each(take);
  sip::params_view(earlier.params()).for_each(take);
}

}  // namespace

void registration::apply_offers(const sip::message& request, const flow& source, const instant& now,
                                const subscriber_config& config, std::uint64_t branch, bool remember_removed,
                                registration_outcome& out) {
  const bool ignore_push = another_hop_pushes(request);
  std::vector<register_offer> list;
  request.for_each_element(sip::header::contact, [&](std::string_view element) {
    if (out.status != 200) return;
    if (list.size() == register_contacts_limit || element == "*") {
      out.status = 400;
      return;
    }
    register_offer o;
    out.status = read_offer(element, request, config, o);
    list.push_back(std::move(o));
  });
  if (out.status == 200) out.status = read_flows(request, list);
  if (out.status != 200) {
    out.why = out.status == 400 ? "contact" : "";
    return;
  }
  if (!in_order(list, request, branch, now.wall, out)) return;

  // All or nothing: the work is done on a copy.
  std::vector<binding> next = bindings_;
  std::vector<binding> gone;  // un-registered by this REGISTER
  bool changed = false;       // something that must be durable
  for (const register_offer& o : list) {
    if (!o.removal()) continue;
    std::vector<std::size_t> targets = removal_targets(o, next);
    for (auto i = targets.rbegin(); i != targets.rend(); ++i) {
      gone.push_back(std::move(next[*i]));
      next.erase(next.begin() + static_cast<std::ptrdiff_t>(*i));
      changed = true;
    }
  }
  std::uint32_t next_device = next_device_;
  std::string joined;
  const std::string_view path = path_of(request, joined);
  for (const register_offer& o : list) {
    if (o.removal()) continue;
    const auto [earlier, still_bound, seen, kin] = gather(o, next, gone, removed_);
    binding_facts facts;
    facts.source = source;
    facts.expires = now.wall + o.expires;
    facts.registered = now.wall;
    facts.branch = branch;
    facts.cseq = request.cseq().number;
    facts.device = earlier ? earlier->device() : !kin.empty() ? kin[0] : device_id{next_device++};
    facts.outbound = o.reg_id != 0;
    facts.reg_id_ignored = o.says_reg_id && o.reg_id == 0;
    facts.push = o.wakes_by.has_value() && !ignore_push;
    if (o.wakes_by) facts.provider = *o.wakes_by;
    binding_text text{o.contact.uri.text, o.contact.params.text(), request.call_id(), path};
    std::string kept_uri;
    std::string kept_params;
    if (o.query && still_bound && earlier->push() && !ignore_push) {
      keep_push_params(o, *earlier, kept_uri, kept_params);
      text.uri = kept_uri;
      text.params = kept_params;
      facts.push = true;
      facts.provider = earlier->facts().provider;
      facts.quarantined = earlier->facts().quarantined;
    }
    binding fresh(text, facts);

    const bool same_identity = still_bound && fresh.push() && earlier->push() && kin.size() == 1 &&
                               earlier->label() == fresh.label() && earlier->instance() == fresh.instance() &&
                               earlier->facts().outbound == fresh.facts().outbound &&
                               same_push_params(earlier->push_params(), fresh.push_params());
    changed = changed || !same_identity;
    fresh.facts().version = same_identity ? earlier->facts().version : version_ + 1;
    out.soft = out.soft || same_identity;
    if (!out.registered.full() && !out.registered.contains(facts.device)) out.registered.push_back(facts.device);
    for (const device_id d : kin) {
      if (d != facts.device && !out.merged.full()) out.merged.push_back({d, facts.device});
    }
    if (is_push(fresh, config) && !o.query) {
      out.push_registered = true;
      const seconds absence = seen ? std::chrono::duration_cast<seconds>(now.wall - *seen) : seconds::max();
      out.absence = std::max(out.absence, absence);
    }
    for (binding& flow_of : next) {
      if (kin.contains(flow_of.device())) flow_of.facts().device = facts.device;
    }
    next.push_back(std::move(fresh));
    drop_oldest_flow(next, facts.device, out);
  }

  const bool removes = !gone.empty();
  if (!make_room(next, gone, bindings_.size(), now.wall, config, out)) return;
  for (binding& b : gone) {
    const auto is_flow = [&](const binding& x) { return x.device() == b.device(); };
    if (std::any_of(next.begin(), next.end(), is_flow)) continue;  // another flow of the device stands
    if (!out.removed.full() && !out.removed.contains(b.device())) out.removed.push_back(b.device());
    if (remember_removed) removed_.push_back(std::move(b));
  }
  // Who is back is known by what it says now; what it was called when it left may be another's name from here on.
  std::erase_if(removed_, [&](const binding& b) {
    const auto is_merged = [&](const merged_device& m) { return m.gone == b.device(); };
    const auto is_bound = [&](const binding& x) { return x.device() == b.device(); };
    return std::any_of(out.merged.begin(), out.merged.end(), is_merged) || std::any_of(next.begin(), next.end(), is_bound);
  });
  if (removes) remember_tombstone(request.call_id(), request.cseq().number, now.wall);
  if (changed || out.evicted > 0) {
    ++version_;
    out.durable = true;
  }
  bindings_ = std::move(next);
  next_device_ = next_device;
}

}  // namespace reveille
