#include "actors/registration.hpp"

#include <algorithm>
#include <charconv>

#include "core/hash.hpp"

namespace reveille {

/// One Contact of a REGISTER. Views point into the request.
struct registration::offer {
  sip::name_addr_view contact;
  std::string_view label;
  std::string_view instance;
  std::optional<pns::push_params> sent;      ///< as the device wrote them
  std::optional<pns::provider> wakes_by;     ///< when they are valid (SPEC 2.1), the provider on or off
  seconds expires{0};
  bool query = false;                        ///< RFC 8599 4.1.5

  bool removal() const { return expires == seconds(0); }
};

namespace {

constexpr hash_key no_key{};  // a collision between one subscriber's own branches does no harm to others

std::uint64_t hash_of(std::string_view text) { return siphash(no_key, text); }

/// RFC 3261 10.2.1.1: malformed means default. Nullopt when absent.
std::optional<seconds> delta_seconds(std::optional<std::string_view> text, seconds otherwise) {
  if (!text) return std::nullopt;
  std::uint32_t value = 0;
  const auto [end, fault] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (fault == std::errc::result_out_of_range) return seconds(0xffffffff);
  if (fault != std::errc() || end != text->data() + text->size()) return otherwise;
  return seconds(value);
}

/// SPEC 2.5: another hop has said that it pushes.
bool another_hop_pushes(const sip::message& request) {
  bool found = false;
  if (request.count(sip::header::feature_caps) == 0) return false;
  request.for_each(sip::header::feature_caps, [&](std::string_view value) {
    found = found || value.find("+sip.pns=") != std::string_view::npos;
  });
  return found;
}

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

bool same_address(const sip::uri_view& a, std::string_view stored) {
  const auto b = sip::parse_uri(stored);
  if (!b) return false;
  // Without push parameters: a removal may leave them out, and a token is no part of an address.
  std::string left;
  std::string right;
  append_stripped_uri(left, a);
  append_stripped_uri(right, *b);
  if (left == right) return true;
  const auto l = sip::parse_uri(left);
  const auto r = sip::parse_uri(right);
  return l && r && sip::equivalent(*l, *r);
}

/// How a binding is the device of an offer: the first key they have in common (SPEC 1).
enum class kinship : std::uint8_t { none, address, push_params, instance, label };

}  // namespace

namespace {

template <class Offer>
kinship kinship_of(const Offer& o, const binding& b) {
  const std::string_view label = b.label();
  if (!o.label.empty() && o.label == label) return kinship::label;
  const std::string_view instance = b.instance();
  if (!o.instance.empty() && o.instance == instance) return kinship::instance;
  if (o.wakes_by && b.push() && same_push_params(*o.sent, b.push_params())) return kinship::push_params;
  // An address identifies only what has no better name: two phones may have the same private address, and a push
  // binding lives until the reasons of SPEC 2.3, of which a plain phone at its address is none.
  const bool named_apart = (!o.label.empty() && !label.empty()) || (!o.instance.empty() && !instance.empty());
  if (!b.push() && !named_apart && same_address(o.contact.uri, b.uri())) return kinship::address;
  return kinship::none;
}

/// SPEC 2.3a: with push parameters the same ones are removed; without, label or instance, or the only one at the address.
template <class Offer>
std::vector<std::size_t> removal_targets(const Offer& o, const std::vector<binding>& bindings) {
  std::vector<std::size_t> found;
  const auto collect = [&](auto&& matches) {
    for (std::size_t i = 0; i < bindings.size(); ++i) {
      if (matches(bindings[i])) found.push_back(i);
    }
    return !found.empty();
  };
  if (o.sent && !o.sent->prid.empty()) {
    const auto provider = pns::provider_of(o.sent->provider);
    collect([&](const binding& b) {
      if (!b.push()) return same_address(o.contact.uri, b.uri());
      const pns::push_params theirs = b.push_params();
      return pns::provider_of(theirs.provider) == provider && theirs.prid == o.sent->prid &&
             (o.sent->param.empty() || theirs.param == o.sent->param);
    });
    return found;
  }
  if (!o.label.empty() && collect([&](const binding& b) { return b.label() == o.label; })) return found;
  if (!o.instance.empty() && collect([&](const binding& b) { return b.instance() == o.instance; })) return found;
  collect([&](const binding& b) { return same_address(o.contact.uri, b.uri()); });
  const bool any_push = std::any_of(found.begin(), found.end(), [&](std::size_t i) { return bindings[i].push(); });
  if (any_push && found.size() > 1) found.clear();  // by address only if exactly one binding matches
  return found;
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
  if (refresh_in_place(request, source, now, config, branch, out)) {
    out.durable = out.durable || (out.status == 200 && unsaved());
    return out;
  }
  if (lines == 1 && request.first(sip::header::contact) == "*") {
    apply_star(request, now, config, branch, remember_removed, out);
  } else {
    apply_offers(request, source, now, config, branch, remember_removed, out);
  }
  if (out.status == 200 && out.durable) ++version_;
  // What a failed write left behind is asked for again before any 200 (SPEC 2.7).
  out.durable = out.durable || (out.status == 200 && unsaved());
  return out;
}

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
  if (same->push() && another_hop_pushes(request)) return false;
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
    case order::again: out.retransmission = true; return true;
    case order::newer: break;
  }
  binding_facts& facts = same->facts();
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
    ++version_;
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
    if (!out.removed.full()) out.removed.push_back(b->device());
    if (remember_removed) removed_.push_back(std::move(*b));
    out.durable = true;
  }
  bindings_.erase(first, bindings_.end());
  if (out.durable) remember_tombstone(request.call_id(), cseq);
  (void)now;
}

bool registration::in_order(const std::vector<offer>& list, const sip::message& request, std::uint64_t branch,
                            registration_outcome& out) const {
  const std::string_view call_id = request.call_id();
  const std::uint32_t cseq = request.cseq().number;
  bool adds = false;
  for (const offer& o : list) {
    adds = adds || !o.removal();
    std::vector<std::size_t> touched;
    if (o.removal()) {
      touched = removal_targets(o, bindings_);
    } else {
      for (std::size_t i = 0; i < bindings_.size(); ++i) {
        if (kinship_of(o, bindings_[i]) != kinship::none) touched.push_back(i);
      }
    }
    for (const std::size_t i : touched) {
      switch (compare(bindings_[i], call_id, cseq, branch)) {
        case order::newer: break;
        case order::again: out.retransmission = true; return false;
        case order::older:
          out.status = 500;
          out.why = "cseq-order";
          return false;
      }
    }
  }
  if (adds && tombstone_cseq_ != 0 && cseq <= tombstone_cseq_ && hash_of(call_id) == tombstone_call_id_) {
    out.status = 500;
    out.why = "cseq-order";
    return false;
  }
  return true;
}

void registration::remember_tombstone(std::string_view call_id, std::uint32_t cseq) {
  tombstone_call_id_ = hash_of(call_id);
  tombstone_cseq_ = cseq;
}

namespace {

/// Reads one Contact. @return a status that refuses the whole REGISTER, or 200.
template <class Offer>
int read_offer(std::string_view element, const sip::message& request, const subscriber_config& config,
               bool ignore_push, Offer& o) {
  const auto contact = sip::parse_name_addr(element);
  if (!contact || !contact->uri.is_sip() || contact->uri.host.empty()) return 400;
  o.contact = *contact;
  o.label = label_of(contact->uri.params, contact->params);
  o.instance = instance_of(contact->uri.params, contact->params);
  const auto own = contact->params.find("expires");
  o.expires = delta_seconds(own ? own : request.first(sip::header::expires), config.default_expires)
                  .value_or(config.default_expires);
  if (o.expires > seconds(0) && o.expires < config.min_expires) return 423;
  o.expires = std::min(o.expires, config.max_expires);
  o.sent = pns::read_push_params(contact->uri.params, contact->params);
  if (!o.sent || ignore_push) return 200;
  const auto target = pns::check_push_target(*o.sent);
  if (target) {
    o.wakes_by = *target;
  } else if (target.error() == pns::push_params_fault::query && o.expires > seconds(0)) {
    const bool any = std::any_of(config.enabled.begin(), config.enabled.end(), [](bool on) { return on; });
    const auto provider = pns::provider_of(o.sent->provider);
    o.query = true;
    if (o.sent->provider.empty() ? !any : !(provider && config.is_enabled(*provider))) return 555;
  }
  return 200;
}

/// The bound (SPEC 2.4): lapsed ordinary ones go first, then push bindings whose SIP expiry has passed, longest unseen.
/// @return false when nobody may go: then `out` is the 403.
bool make_room(std::vector<binding>& next, std::vector<binding>& gone, wall_time now, const subscriber_config& config,
               registration_outcome& out) {
  std::erase_if(next, [&](const binding& b) { return !b.push() && b.expired(now); });
  while (next.size() > config.contacts) {
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

/// What an offer's device was bound as before: the closest kin, and everybody who is the same device.
struct family {
  std::optional<binding> earlier;
  few<device_id, 2 * register_contacts_limit> kin;
};

/// Takes the offer's kin out of `next` (bound) and `gone` (un-registered by this very REGISTER); those in `removed`
/// (un-registered a moment ago while a call waits) stay until the calls end, harmless once bound again.
template <class Offer>
family gather(const Offer& o, std::vector<binding>& next, std::vector<binding>& gone, std::vector<binding>& removed) {
  family found;
  kinship best = kinship::none;
  for (std::vector<binding>* place : {&next, &gone, &removed}) {
    for (auto b = place->begin(); b != place->end();) {
      const kinship k = kinship_of(o, *b);
      if (k == kinship::none || (place != &next && k == kinship::address)) {
        ++b;
        continue;
      }
      if (!found.kin.full() && !found.kin.contains(b->device())) found.kin.push_back(b->device());
      if (k > best) {
        best = k;
        found.earlier = *b;
      }
      b = place == &removed ? b + 1 : place->erase(b);
    }
  }
  return found;
}

}  // namespace

void registration::apply_offers(const sip::message& request, const flow& source, const instant& now,
                                const subscriber_config& config, std::uint64_t branch, bool remember_removed,
                                registration_outcome& out) {
  const bool ignore_push = another_hop_pushes(request);
  std::vector<offer> list;
  request.for_each_element(sip::header::contact, [&](std::string_view element) {
    if (out.status != 200) return;
    if (list.size() == register_contacts_limit || element == "*") {
      out.status = 400;
      return;
    }
    offer o;
    out.status = read_offer(element, request, config, ignore_push, o);
    list.push_back(std::move(o));
  });
  if (out.status != 200) {
    out.why = out.status == 400 ? "contact" : "";
    return;
  }
  if (!in_order(list, request, branch, out)) return;

  // All or nothing: the work is done on a copy.
  std::vector<binding> next = bindings_;
  std::vector<binding> gone;  // un-registered by this REGISTER
  for (const offer& o : list) {
    if (!o.removal()) continue;
    std::vector<std::size_t> targets = removal_targets(o, next);
    for (auto i = targets.rbegin(); i != targets.rend(); ++i) {
      gone.push_back(std::move(next[*i]));
      next.erase(next.begin() + static_cast<std::ptrdiff_t>(*i));
      out.durable = true;
    }
  }
  std::uint32_t next_device = next_device_;
  std::string joined;
  const std::string_view path = path_of(request, joined);
  for (const offer& o : list) {
    if (o.removal()) continue;
    auto [earlier, kin] = gather(o, next, gone, removed_);
    binding_facts facts;
    facts.source = source;
    facts.expires = now.wall + o.expires;
    facts.registered = now.wall;
    facts.branch = branch;
    facts.cseq = request.cseq().number;
    facts.device = earlier ? earlier->device() : device_id{next_device++};
    facts.push = o.wakes_by.has_value();
    if (o.wakes_by) facts.provider = *o.wakes_by;
    binding fresh({o.contact.uri.text, o.contact.params.text(), request.call_id(), path}, facts);

    const bool same_identity = earlier && fresh.push() && earlier->push() && kin.size() == 1 &&
                               earlier->label() == fresh.label() && earlier->instance() == fresh.instance() &&
                               same_push_params(earlier->push_params(), *o.sent);
    out.durable = out.durable || !same_identity;
    out.soft = out.soft || same_identity;
    if (!out.registered.full() && !out.registered.contains(facts.device)) out.registered.push_back(facts.device);
    for (const device_id d : kin) {
      if (d != facts.device && !out.merged.full()) out.merged.push_back({d, facts.device});
    }
    if (is_push(fresh, config)) {
      out.push_registered = true;
      const seconds absence = earlier ? std::chrono::duration_cast<seconds>(now.wall - earlier->facts().registered)
                                      : seconds::max();
      out.absence = std::max(out.absence, absence);
    }
    next.push_back(std::move(fresh));
  }

  if (!make_room(next, gone, now.wall, config, out)) return;
  for (binding& b : gone) {
    if (!out.removed.full() && !out.removed.contains(b.device())) out.removed.push_back(b.device());
    if (remember_removed) removed_.push_back(std::move(b));
  }
  if (!out.removed.empty() && out.evicted == 0) remember_tombstone(request.call_id(), request.cseq().number);
  bindings_ = std::move(next);
  next_device_ = next_device;
}

}  // namespace reveille
