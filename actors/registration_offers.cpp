// A REGISTER with Contacts: what is bound after it (RFC 3261 10.3, SPEC 1, 2.3, 2.4). All or nothing: it is worked out on
// a draft.
#include <algorithm>

#include "actors/registration.hpp"

namespace reveille {
namespace {

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

/// What all Contacts of a REGISTER have in common.
struct arrival {
  const sip::message& request;
  const registrant& who;
  wall_time now;
  std::uint64_t branch = 0;
  shared_path path;
  bool another_hop_pushes = false;
  bool proven = false;         ///< its source (SPEC 2.4c)
};

/// The text of that Path as one of the bindings has it, or a new one: the contacts of one edge share it.
shared_path share_path(std::string_view path, const std::vector<binding>& bindings) {
  if (path.empty()) return nullptr;
  for (const binding& b : bindings) {
    if (b.path() == path) return b.path_text();
  }
  return std::make_shared<const std::string>(path);
}

/// @return a status that refuses the whole REGISTER, or 200.
int read_offers(const sip::message& request, const subscriber_config& config, std::vector<register_offer>& list) {
  int status = 200;
  request.for_each_element(sip::header::contact, [&](std::string_view element) {
    if (status != 200) return;
    if (list.size() == register_contacts_limit || element == "*") {
      status = 400;
      return;
    }
    register_offer o;
    status = read_offer(element, request, config, o);
    list.push_back(std::move(o));
  });
  return status == 200 ? read_flows(request, list) : status;
}

/// SPEC 2.4a. Removals are as long as they like: nothing is kept of them.
bool too_long(const std::vector<register_offer>& list, const sip::message& request, std::string_view path) {
  return std::any_of(list.begin(), list.end(), [&](const register_offer& o) {
    if (o.removal()) return false;
    const std::size_t text = o.contact.uri.text.size() + o.contact.params.text().size() + request.call_id().size();
    return text > contact_octets_limit || path.size() > path_octets_limit;
  });
}

/// What the contacts of an AOR take, a Path that some share once.
std::size_t octets_of(const std::vector<binding>& bindings) {
  std::size_t octets = 0;
  for (auto b = bindings.begin(); b != bindings.end(); ++b) {
    octets += b->text_octets();
    const bool counted = std::any_of(bindings.begin(), b, [&](const binding& x) { return b->shares_path(x); });
    if (!counted) octets += b->path().size();
  }
  return octets;
}

/// What was bound before a REGISTER.
struct standing {
  std::size_t contacts = 0;
  std::size_t octets = 0;
};

/// SPEC 2.4, 2.4a. A bound that was lowered since shuts nobody out who adds nothing, and a contact within its even share of
/// the octets finds room whatever the others take.
registration_outcome::bound bound_hit(const std::vector<binding>& next, const standing& before,
                                      const subscriber_config& config, const registration_outcome& out) {
  if (next.size() > std::max(config.contacts, before.contacts)) return registration_outcome::bound::contacts;
  if (octets_of(next) <= std::max(config.contact_octets, before.octets)) return registration_outcome::bound::none;
  const bool all_fair = std::all_of(next.begin(), next.end(), [&](const binding& b) {
    return !out.registered.contains(b.device()) || b.text_octets() + b.path().size() <= config.contact_octets / config.contacts;
  });
  return all_fair ? registration_outcome::bound::none : registration_outcome::bound::octets;
}

/// The bounds: lapsed ordinary ones go first, then push bindings whose SIP expiry has passed, longest unseen. A push binding
/// yields only to who is proven, or comes by its own flow (SPEC 2.4d).
/// @return false when nobody may go: then `out` is the 403.
bool make_room(std::vector<binding>& next, std::vector<binding>& gone, const standing& before, const arrival& by,
               const subscriber_config& config, registration_outcome& out) {
  using bound = registration_outcome::bound;
  std::erase_if(next, [&](const binding& b) { return !b.push() && b.expired(by.now); });
  for (;;) {
    const bound hit = bound_hit(next, before, config, out);
    if (hit == bound::none) return true;
    auto oldest = next.end();
    for (auto b = next.begin(); b != next.end(); ++b) {
      if (!b->push() || !b->expired(by.now) || out.registered.contains(b->device())) continue;
      const bool yields = by.proven || same_source(b->facts().source, by.who.source) || config.planted.anybody_evicts;
      if (!yields) continue;
      if (oldest == next.end() || b->facts().registered < oldest->facts().registered) oldest = b;
    }
    if (oldest == next.end()) {
      out = registration_outcome{};
      out.status = 403;
      out.why = hit == bound::contacts ? "contacts-full" : "contact-octets";
      out.hit = hit;
      return false;
    }
    gone.push_back(std::move(*oldest));
    next.erase(oldest);
    ++out.evicted;
    out.durable = true;
  }
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

/// What an offer's device was bound as before: the nearest match, and everybody who is the same device.
struct matched_bindings {
  std::optional<binding> earlier;
  bool bound = false;  ///< it still was: else it had un-registered, and comes back
  std::optional<wall_time> seen;  ///< its last REGISTER by any flow
  device_list devices;
};

/// Takes the offer's devices out of `next` (bound) and `gone` (un-registered by this very REGISTER); those in `removed`
/// (un-registered a moment ago while a call waits) stay for now, since the REGISTER may still be refused, and say nothing
/// once an earlier Contact of it has brought the device back.
matched_bindings gather(const register_offer& o, std::vector<binding>& next, std::vector<binding>& gone,
              std::vector<binding>& removed) {
  matched_bindings found;
  device_list bound;
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
      if (!found.devices.full() && !found.devices.contains(b->device())) found.devices.push_back(b->device());
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
  std::erase_if(next, [&](const binding& b) { return found.devices.contains(b.device()) && !is_sibling(o, b); });
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

/// What an offer is bound as. @param was what its device was bound as before
binding make_binding(const register_offer& o, const matched_bindings& was, device_id device, const arrival& by) {
  binding_facts facts;
  facts.source = by.who.source;
  facts.proven = by.proven;
  facts.expires = by.now + o.expires;
  facts.registered = by.now;
  facts.branch = by.branch;
  facts.cseq = by.request.cseq().number;
  facts.device = device;
  facts.outbound = o.reg_id != 0;
  facts.reg_id_ignored = o.says_reg_id && o.reg_id == 0;
  facts.push = o.wakes_by.has_value() && !by.another_hop_pushes;
  if (o.wakes_by) facts.provider = *o.wakes_by;
  binding_text text{o.contact.uri.text, o.contact.params.text(), by.request.call_id(), {}};
  std::string kept_uri;
  std::string kept_params;
  if (o.query && was.bound && was.earlier->push() && !by.another_hop_pushes) {
    keep_push_params(o, *was.earlier, kept_uri, kept_params);
    text.uri = kept_uri;
    text.params = kept_params;
    facts.push = true;
    facts.provider = was.earlier->facts().provider;
    facts.quarantined = was.earlier->facts().quarantined;
  }
  return binding(text, facts, by.path);
}

/// Nothing changes that must be on the disk before the 200 (ARCHITECTURE 3).
bool same_identity(const matched_bindings& was, const binding& fresh) {
  return was.bound && fresh.push() && was.earlier->push() && was.devices.size() == 1 &&
         was.earlier->label() == fresh.label() && was.earlier->instance() == fresh.instance() &&
         was.earlier->facts().outbound == fresh.facts().outbound &&
         same_push_params(was.earlier->push_params(), fresh.push_params());
}

/// What is bound after the REGISTER, should nothing speak against it.
struct draft {
  std::vector<binding> next;
  std::uint32_t next_device;
  std::uint32_t version;       ///< of what changes
  std::vector<binding> gone;   ///< un-registered by this REGISTER
  bool changed = false;        ///< something that must be durable
};

void remove(const register_offer& o, const registrant& who, const subscriber_config& config, draft& work,
            registration_outcome& out) {
  const removal named = removal_of(o, work.next, who, config.planted);
  out.refused_removals += static_cast<std::uint32_t>(named.refused);
  for (auto i = named.targets.rbegin(); i != named.targets.rend(); ++i) {
    work.gone.push_back(std::move(work.next[*i]));
    work.next.erase(work.next.begin() + static_cast<std::ptrdiff_t>(*i));
    work.changed = true;
  }
}

void add(const register_offer& o, const matched_bindings& was, const arrival& by, const subscriber_config& config, draft& work,
         registration_outcome& out) {
  const device_id device = was.earlier        ? was.earlier->device()
                           : !was.devices.empty() ? was.devices[0]
                                              : device_id{work.next_device++};
  binding fresh = make_binding(o, was, device, by);
  const bool same = same_identity(was, fresh);
  work.changed = work.changed || !same;
  fresh.facts().version = same ? was.earlier->facts().version : work.version;
  out.soft = out.soft || same;
  if (!out.registered.full() && !out.registered.contains(device)) out.registered.push_back(device);
  for (const device_id d : was.devices) {
    if (d != device && !out.merged.full()) out.merged.push_back({d, device});
  }
  if (fresh.push() && registration::is_on(fresh, config) && !o.query) {
    out.push_registered = true;
    const seconds absence = was.seen ? std::chrono::duration_cast<seconds>(by.now - *was.seen) : seconds::max();
    out.absence = std::max(out.absence, absence);
  }
  for (binding& flow_of : work.next) {
    if (was.devices.contains(flow_of.device())) flow_of.facts().device = device;
  }
  work.next.push_back(std::move(fresh));
  drop_oldest_flow(work.next, device, out);
}

}  // namespace

void registration::apply_offers(const sip::message& request, const registrant& who, const instant& now,
                                const subscriber_config& config, std::uint64_t branch, bool remember_removed,
                                registration_outcome& out) {
  std::vector<register_offer> list;
  out.status = read_offers(request, config, list);
  if (out.status != 200) {
    out.why = out.status == 400 ? "contact" : "";
    return;
  }
  std::string joined;
  const std::string_view path = path_of(request, joined);
  if (too_long(list, request, path)) {
    out.status = 513;
    out.why = "contact-too-long";
    out.hit = registration_outcome::bound::one_contact;
    return;
  }
  if (!in_order(list, request, who, config, branch, now.wall, out)) return;

  draft work{bindings_, next_device_, version_ + 1, {}, false};
  const standing before{bindings_.size(), octets_of(bindings_)};
  for (const register_offer& o : list) {
    if (o.removal()) remove(o, who, config, work, out);
  }
  const bool proven = who.trust == peer_trust::trusted || is_proven(who.source);
  const arrival by{request, who, now.wall, branch, share_path(path, bindings_), another_hop_pushes(request), proven};
  for (const register_offer& o : list) {
    if (!o.removal()) add(o, gather(o, work.next, work.gone, removed_), by, config, work, out);
  }
  const bool removes = !work.gone.empty();
  if (!make_room(work.next, work.gone, before, by, config, out)) return;

  bindings_ = std::move(work.next);
  next_device_ = work.next_device;
  out.removed = leave(std::move(work.gone), remember_removed);
  // Who is back is known by what it says now; what it was called when it left may be another's name from here on.
  std::erase_if(removed_, [&](const binding& b) {
    const auto is_merged = [&](const merged_device& m) { return m.gone == b.device(); };
    return std::any_of(out.merged.begin(), out.merged.end(), is_merged) || is_bound(b.device());
  });
  if (removes) remember_tombstone(request.call_id(), request.cseq().number, now.wall);
  if (work.changed || out.evicted > 0) {
    ++version_;
    out.durable = true;
  }
}

}  // namespace reveille
