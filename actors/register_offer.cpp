#include "actors/register_offer.hpp"

#include <algorithm>
#include <charconv>

#include "sip/chars.hpp"

namespace reveille {
namespace {

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

/// Both say who they are and it is not the same: an address that they share says nothing, since two phones may have the
/// same private one.
bool named_apart(const register_offer& o, const binding& b) {
  const std::string_view label = b.label();
  if (!o.label.empty() && !label.empty()) return !same_label(o.label, label);
  const std::string_view instance = b.instance();
  return !o.instance.empty() && !instance.empty() && o.instance != instance;
}

bool same_sent_params(const register_offer& o, const binding& b) {
  const pns::push_params theirs = b.push_params();
  if (!o.sent->param.empty()) return same_push_params(*o.sent, theirs);
  pns::push_params without = theirs;  // a removal may leave pn-param out
  without.param.clear();
  return same_push_params(*o.sent, without);
}

}  // namespace

std::optional<seconds> delta_seconds(std::optional<std::string_view> text, seconds otherwise) {
  if (!text) return std::nullopt;
  std::uint32_t value = 0;
  const auto [end, fault] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (fault == std::errc::result_out_of_range) return seconds(0xffffffff);
  if (fault != std::errc() || end != text->data() + text->size()) return otherwise;
  return seconds(value);
}

bool another_hop_pushes(const sip::message& request) {
  bool found = false;
  if (request.count(sip::header::feature_caps) == 0) return false;
  request.for_each(sip::header::feature_caps, [&](std::string_view value) {
    constexpr std::string_view mark = "+sip.pns=";  // a feature tag, so in any case (RFC 3840 9)
    for (std::size_t at = value.find('+'); at != std::string_view::npos; at = value.find('+', at + 1)) {
      found = found || sip::chars::iequal(value.substr(at, mark.size()), mark);
    }
  });
  return found;
}

int read_offer(std::string_view element, const sip::message& request, const subscriber_config& config,
               register_offer& o) {
  const auto contact = sip::parse_name_addr(element);
  if (!contact || !contact->uri.is_sip() || contact->uri.host.empty()) return 400;
  o.contact = *contact;
  o.label = label_of(contact->uri.params, contact->params);
  o.instance = instance_of(contact->uri.params, contact->params);
  if (config.planted.label_hides_instance && !o.label.empty()) o.instance = {};
  o.says_reg_id = contact->params.find("reg-id").has_value();
  if (o.says_reg_id && !o.instance.empty()) o.reg_id = reg_id_of(contact->params);  // without an instance it is ignored
  const auto own = contact->params.find("expires");
  o.expires = delta_seconds(own ? own : request.first(sip::header::expires), config.default_expires)
                  .value_or(config.default_expires);
  if (o.expires > seconds(0) && o.expires < config.min_expires) return 423;
  o.expires = std::min(o.expires, config.max_expires);
  o.sent = pns::read_push_params(contact->uri.params, contact->params);
  if (!o.sent) return 200;
  const auto target = pns::check_push_target(*o.sent);
  if (target) {
    o.wakes_by = *target;
  } else if (target.error() == pns::push_params_fault::query && o.expires > seconds(0)) {
    const bool any = std::any_of(config.enabled.begin(), config.enabled.end(), [](bool on) { return on; });
    const auto provider = pns::provider_of(o.sent->provider);
    o.query = true;
    const bool supported = o.sent->provider.empty() ? any : provider && config.is_enabled(*provider);
    if (!supported && !another_hop_pushes(request)) return 555;
  }
  return 200;
}

bool first_hop_keeps_flows(const sip::message& request) {
  if (request.via_count() == 1) return true;
  // Each hop puts its Path before the others' (RFC 3327 5.2): the client's own is the last.
  std::string_view last;
  request.for_each_element(sip::header::path, [&](std::string_view value) { last = value; });
  const auto hop = sip::parse_name_addr(last);
  return hop && hop->uri.is_sip() && hop->uri.params.find("ob").has_value();
}

bool supports_outbound(const sip::message& request) {
  bool found = false;
  request.for_each_element(sip::header::supported,
                           [&](std::string_view tag) { found = found || sip::chars::iequal(tag, "outbound"); });
  return found;
}

int read_flows(const sip::message& request, std::vector<register_offer>& list) {
  const bool any = std::any_of(list.begin(), list.end(), [](const register_offer& o) { return o.reg_id != 0; });
  if (!any) return 200;
  if (!first_hop_keeps_flows(request)) {
    if (supports_outbound(request)) return 439;
    for (register_offer& o : list) o.reg_id = 0;
    return 200;
  }
  const auto adds = std::count_if(list.begin(), list.end(), [](const register_offer& o) { return !o.removal(); });
  const bool adds_flow =
      std::any_of(list.begin(), list.end(), [](const register_offer& o) { return o.reg_id != 0 && !o.removal(); });
  return adds > 1 && adds_flow ? 400 : 200;
}

bool is_sibling(const register_offer& o, const binding& b) {
  return o.reg_id != 0 && b.facts().outbound && b.instance() == o.instance && b.reg_id() != o.reg_id;
}

kinship kinship_of(const register_offer& o, const binding& b) {
  if (!o.label.empty() && same_label(o.label, b.label())) return kinship::label;
  if (!o.instance.empty() && o.instance == b.instance()) return kinship::instance;
  // Valid parameters name the device even while another hop pushes and the binding is an ordinary one.
  if (o.wakes_by && same_push_params(*o.sent, b.push_params())) return kinship::push_params;
  // An address identifies only what has no better name, and a push binding lives until the reasons of SPEC 2.3, of which
  // a plain phone at its address is none.
  const bool named = (!o.label.empty() && !b.label().empty()) || (!o.instance.empty() && !b.instance().empty());
  if (!b.push() && !named && same_address(o.contact.uri, b.uri())) return kinship::address;
  return kinship::none;
}

bool may_remove(const registrant& who, const binding& b) {
  return !b.push() || who.trust == peer_trust::trusted || b.call_id() == who.call_id ||
         same_source(b.facts().source, who.source);
}

namespace {

std::vector<std::size_t> named_by(const register_offer& o, const std::vector<binding>& bindings) {
  std::vector<std::size_t> found;
  const auto collect = [&](auto&& matches) {
    for (std::size_t i = 0; i < bindings.size(); ++i) {
      if (!is_sibling(o, bindings[i]) && matches(bindings[i])) found.push_back(i);
    }
    return !found.empty();
  };
  const auto is_flow = [&](const binding& b) { return b.facts().outbound && b.instance() == o.instance; };
  if (o.reg_id != 0 && collect(is_flow)) return found;
  const bool with_prid = o.sent && !o.sent->prid.empty();
  if (with_prid && collect([&](const binding& b) { return same_sent_params(o, b); })) return found;
  const auto open = [&](const binding& b) { return !with_prid || !b.push(); };
  if (!o.label.empty() && collect([&](const binding& b) { return open(b) && same_label(b.label(), o.label); })) return found;
  if (!o.instance.empty() && collect([&](const binding& b) { return open(b) && b.instance() == o.instance; })) return found;
  collect([&](const binding& b) { return open(b) && !named_apart(o, b) && same_address(o.contact.uri, b.uri()); });
  if (found.size() > 1) found.clear();  // by address only if exactly one binding matches
  return found;
}

}  // namespace

removal removal_of(const register_offer& o, const std::vector<binding>& bindings, const registrant& who,
                   const mistakes& planted) {
  removal out{named_by(o, bindings), 0};
  const bool with_prid = o.sent && !o.sent->prid.empty();
  out.refused = std::erase_if(out.targets, [&](std::size_t i) {
    const bool says_its_token = with_prid && same_sent_params(o, bindings[i]);
    return !says_its_token && !may_remove(who, bindings[i]) && !planted.anybody_unregisters;
  });
  return out;
}

}  // namespace reveille
