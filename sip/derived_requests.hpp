/// Requests that the transaction layer makes from one it has sent: ACK for a failure, CANCEL.
#pragma once

#include <string_view>

#include "core/slab.hpp"
#include "sip/edit.hpp"
#include "sip/message.hpp"

namespace reveille::sip {

/// ACK for a 300 to 699 response (RFC 3261 17.1.1.3): the INVITE's request line, top Via, From, Call-ID, Route, the
/// response's To. @return a null packet when the pool is at its bound, or the kept request no longer parses.
packet build_ack(const packet& invite, const message& response, slab_pool& pool);

/// CANCEL of a sent request (RFC 3261 9.1). `reason`: Reason header value(s) (RFC 3326), or "".
packet build_cancel(const packet& request, std::string_view reason, slab_pool& pool);

}  // namespace reveille::sip
