/// One Contact of a REGISTER, and which bindings it speaks of: the devices of SPEC 1, the removals of SPEC 2.3a.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "actors/binding.hpp"
#include "actors/peer_trust.hpp"
#include "actors/subscriber_config.hpp"
#include "core/time.hpp"
#include "pns/push_params.hpp"
#include "sip/message.hpp"

namespace reveille {

/// Views point into the request.
struct register_offer {
  sip::name_addr_view contact;
  std::string_view label;
  std::string_view instance;
  std::optional<pns::push_params> sent;      ///< as the device wrote them
  std::optional<pns::provider> wakes_by;     ///< when they are valid (SPEC 2.1), the provider on or off, whoever pushes
  seconds expires{0};
  bool query = false;                        ///< RFC 8599 4.1.5
  std::uint32_t reg_id = 0;                  ///< of a flow; 0 = none, or ignored: no instance, or read_flows() said so
  bool says_reg_id = false;

  bool removal() const { return expires == seconds(0); }
};

/// Reads one Contact. @return a status that refuses the whole REGISTER, or 200.
int read_offer(std::string_view element, const sip::message& request, const subscriber_config& config,
               register_offer& o);

/// RFC 5626 6: whether the hop next to the client keeps flows: it is ours, or said so in Path.
bool first_hop_keeps_flows(const sip::message& request);
/// Whether Supported has `outbound`.
bool supports_outbound(const sip::message& request);
/// RFC 5626 6 for all Contacts of a REGISTER: forgets the reg-id of those whose first hop keeps no flows.
/// @return 200, 400 (more than one flow in one REGISTER), 439 (the client insists on what its first hop lacks).
int read_flows(const sip::message& request, std::vector<register_offer>& list);
/// Another flow of the same instance: kept beside the offer's (RFC 5626 6).
bool is_sibling(const register_offer& o, const binding& b);

/// SPEC 2.5: another hop has said that it pushes.
bool another_hop_pushes(const sip::message& request);

/// RFC 3261 10.2.1.1: malformed means `otherwise`. Nullopt when absent.
std::optional<seconds> delta_seconds(std::optional<std::string_view> text, seconds otherwise);

/// How a binding is the device of an offer: the first key they have in common (SPEC 1).
enum class kinship : std::uint8_t { none, address, push_params, instance, label };
kinship kinship_of(const register_offer& o, const binding& b);

/// Who sent a REGISTER, as far as anybody can tell without asking for credentials.
struct registrant {
  const flow& source;
  std::string_view call_id;
  peer_trust trust = peer_trust::open;
};
/// Same transport and address: for all that the network shows, the same sender.
inline bool same_source(const flow& a, const flow& b) {
  return a.remote == b.remote && a.kind == b.kind && a.connection == b.connection;
}
/// SPEC 2.3d: its Call-ID, which nobody else is told, or its flow speaks for a push binding; a trusted peer for each; for an
/// ordinary one nobody need.
bool may_remove(const registrant& who, const binding& b);

/// What a removal names, and what of it the sender may remove.
struct removal {
  std::vector<std::size_t> targets;   ///< indices, ascending
  std::size_t refused = 0;            ///< push bindings that are named without their token, by somebody else (SPEC 2.3d)
};
/// The bindings that a removal names: that of its instance and reg-id; else those with its push
/// parameters; without a prid those with its label or instance, or the only one at its address. A removal with a prid that
/// nobody has may still name an ordinary binding so: the provider was unknown when it was made, or another hop pushes.
removal removal_of(const register_offer& o, const std::vector<binding>& bindings, const registrant& who,
                   const mistakes& planted);

}  // namespace reveille
