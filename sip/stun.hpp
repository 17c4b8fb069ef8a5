/// The limited STUN server that stands on a SIP port for UDP keep-alives (RFC 5626 8): Binding Requests get the address
/// that they came from (RFC 5389 6, 7.3, 15.2). Pure; no authentication, no other method.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "core/flow.hpp"

namespace reveille::sip {

/// The longest answer: an IPv6 address, or an error with as many unknown attributes as it names.
inline constexpr std::size_t stun_answer_limit = 80;

/// @param datagram untrusted. @param out at least stun_answer_limit octets.
/// @return the size of the answer in `out`; 0 = none is due: no Binding Request of RFC 5389, or damaged.
std::size_t answer_stun(std::string_view datagram, const endpoint& from, std::span<char> out);

}  // namespace reveille::sip
