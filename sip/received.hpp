/// What the top Via of a request tells about where it came from (RFC 3261 18.2.1, RFC 3581 4).
#pragma once

#include "core/flow.hpp"
#include "sip/via.hpp"

namespace reveille::sip {

/// What to do with the parameters of the element.
struct received_rule {
  bool set_received = false;  ///< append received=
  bool set_rport = false;     ///< rport was asked for: replace it
  bool cut_received = false;  ///< the sender wrote one: it is not believed
};
/// `received` is written when the sender asked for rport, or sent-by is not the address that it came from.
received_rule received_rule_of(const via_view& via, const endpoint& source);

/// Where answers to a request over UDP go, and whatever else is sent to its sender: to the port that it came from when
/// rport was asked for (RFC 3581 4), else to the port of sent-by, 5060 when there is none (RFC 3261 18.2.2); always to
/// the address that it came from: maddr is not followed (SPEC 2.8).
endpoint answers_to(const via_view& top, const endpoint& source);

/// True when sent-by is a literal of this address (ports not compared).
bool is_address_of(std::string_view host, const endpoint& source);

}  // namespace reveille::sip
