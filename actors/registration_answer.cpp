// What the 200 to a REGISTER says: bindings, push support, Path (RFC 3261 10.3 step 8, RFC 8599 5.6.1, RFC 3327).
#include <algorithm>
#include <bitset>
#include <charconv>

#include "actors/registration.hpp"
#include "sip/chars.hpp"

namespace reveille {
namespace {

void append_number(std::pmr::string& out, std::int64_t n) {
  char digits[24];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), n).ptr;
  out.append(digits, static_cast<std::size_t>(end - digits));
}

/// One `Contact` line. Push parameters only for the device that sent them (SPEC 2.4).
void append_contact(std::pmr::string& out, const binding& b, bool own, wall_time now) {
  out += "Contact: <";
  if (own) {
    out += b.uri();
  } else if (const auto uri = sip::parse_uri(b.uri())) {
    append_stripped_uri(out, *uri);
  }
  out += '>';
  sip::params_view(b.params()).for_each([&](std::string_view name, std::optional<std::string_view> value) {
    const bool expires = sip::chars::iequal(name, "expires");
    if (expires || (!own && pns::is_push_param(name))) return true;
    out += ';';
    out += name;
    if (value) {
      out += '=';
      out += *value;
    }
    return true;
  });
  out += ";expires=";
  const auto left = std::chrono::ceil<seconds>(b.facts().expires - now).count();
  append_number(out, left > 0 ? left : 0);
  out += "\r\n";
}

void append_feature_caps(std::pmr::string& out, std::string_view provider, bool wakes_itself, seconds pnsreg) {
  out += "Feature-Caps: *;+sip.pns=\"";
  out += provider;
  out += '"';
  if (wakes_itself) {
    out += ";+sip.pnsreg=\"";
    append_number(out, pnsreg.count());
    out += '"';
  }
  out += "\r\n";
}

/// Those that have their Feature-Caps line (one header per provider, SPEC 2.5).
using named_providers = std::bitset<pns::provider_count>;

void add_provider(std::pmr::string& out, named_providers& named, std::string_view name, pns::provider which,
                  bool wakes_itself, seconds pnsreg) {
  const auto i = static_cast<std::size_t>(which);
  if (named[i]) return;
  named.set(i);
  append_feature_caps(out, name, wakes_itself, pnsreg);
}

/// The hot path: a Contact that is a push binding needs no second look at its token. False when its provider is not
/// spelled plainly.
bool add_bound_provider(std::pmr::string& out, named_providers& named, const binding& said,
                        const subscriber_config& config) {
  const auto name = said.pn_provider();
  const auto which = name ? pns::provider_of(*name) : std::nullopt;
  if (!which) return false;
  add_provider(out, named, *name, *which, sip::params_view(said.params()).find("+sip.pnsreg").has_value(), config.pnsreg);
  return true;
}

/// The providers that this Contact makes us name (SPEC 2.5): the one it sent, all for the query without a value.
void append_push_support(std::pmr::string& out, named_providers& named, const sip::name_addr_view& contact,
                         const subscriber_config& config) {
  const auto sent = pns::read_push_params(contact.uri.params, contact.params);
  if (!sent) return;
  const bool wakes_itself = contact.params.find("+sip.pnsreg").has_value();
  const auto add = [&](std::string_view name, pns::provider which) {
    add_provider(out, named, name, which, wakes_itself, config.pnsreg);
  };
  if (sent->provider.empty()) {
    for (std::size_t i = 0; i < pns::provider_count; ++i) {
      const auto provider = static_cast<pns::provider>(i);
      if (config.is_enabled(provider)) add(pns::name_of(provider), provider);
    }
    return;
  }
  const auto provider = pns::provider_of(sent->provider);
  if (!provider || !config.is_enabled(*provider)) return;
  // A malformed token makes an ordinary binding, answered without sip.pns (SPEC 2.1).
  const auto target = pns::parse_push_target(*sent);
  const bool takes = target ? config.apps.is_enabled(*target) : target.error() == pns::push_params_fault::query;
  if (takes) add(sent->provider, *provider);
}

/// What a 200 repeats of its request and adds of itself, in octets.
std::size_t octets_beside(const sip::message& request) {
  constexpr std::size_t status_line_and_length = 48;
  constexpr std::size_t name_and_end = 12;
  constexpr std::size_t received_and_tag = 64;
  std::size_t octets = status_line_and_length + received_and_tag;
  for (const sip::header h : {sip::header::via, sip::header::from, sip::header::to, sip::header::call_id,
                              sip::header::cseq, sip::header::path}) {
    request.for_each(h, [&](std::string_view value) { octets += value.size() + name_and_end; });
  }
  return octets;
}

/// SPEC 2.4b: octets that others' contacts may take in the 200.
std::size_t room_for_others(const sip::message& request, bool proven, std::size_t own_lines) {
  const std::size_t most =
      proven ? answer_octets_limit : std::min(answer_octets_limit, unproven_multiple * request.text().size());
  const std::size_t taken = octets_beside(request) + own_lines;
  return taken < most ? most - taken : 0;
}

}  // namespace

std::size_t registration::write_200(const sip::message& request, const registrant& to, wall_time now,
                                    const subscriber_config& config, std::pmr::string& lines) const {
  few<const binding*, register_contacts_limit> own;
  const bool other_hop = another_hop_pushes(request);
  bool flow = false;
  named_providers providers;
  request.for_each_element(sip::header::contact, [&](std::string_view element) {
    bool named = other_hop;
    for (const binding& b : bindings_) {
      if (own.full() || !b.is_said_by(element)) continue;
      own.push_back(&b);
      flow = flow || b.facts().outbound;
      if (!named && is_push(b, config)) named = add_bound_provider(lines, providers, b, config);
    }
    if (named) return;
    if (const auto contact = sip::parse_name_addr(element)) append_push_support(lines, providers, *contact, config);  // else "*"
  });
  const auto listed = [&](const binding& b, bool is_own) {
    return !b.expired(now) && own.contains(&b) == is_own;
  };
  bool others = false;
  for (const binding& b : bindings_) {
    if (listed(b, true)) append_contact(lines, b, true, now);
    others = others || listed(b, false);
  }
  std::size_t unlisted = 0;
  if (others) {
    const bool proven = to.trust == peer_trust::trusted || is_proven(to.source);
    const std::size_t most = lines.size() + room_for_others(request, proven, lines.size());
    for (const binding& b : bindings_) {
      if (!listed(b, false)) continue;
      const std::size_t before = lines.size();
      append_contact(lines, b, false, now);
      if (lines.size() <= most) continue;
      lines.resize(before);
      ++unlisted;
    }
  }
  if (flow && supports_outbound(request)) lines += "Require: outbound\r\n";  // RFC 5626 6
  request.for_each(sip::header::path, [&](std::string_view value) {
    lines += "Path: ";
    lines += value;
    lines += "\r\n";
  });
  return unlisted;
}

}  // namespace reveille
