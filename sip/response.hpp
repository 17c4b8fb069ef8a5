/// Responses built from the request they answer (RFC 3261 8.2.6).
#pragma once

#include <string>
#include <string_view>

#include "core/flow.hpp"
#include "core/slab.hpp"
#include "sip/message.hpp"
#include "sip/packet.hpp"
#include "sip/writer.hpp"

namespace reveille::sip {

/// A response to `request`: Via, From, To (with `to_tag` if it had none and status > 100), Call-ID, CSeq, Timestamp
/// in a 100, then `extra` lines (each with CRLF) and Content-Length: 0. The top Via gets received/rport from `source`.
/// @param reason phrase; "" = the usual one.
/// @return null packet when the pool is at its bound.
packet build_response(const message& request, const endpoint& source, int status, std::string_view to_tag,
                      std::string_view extra, slab_pool& pool, std::string_view reason = {});

/// The same in two halves around lines that the caller writes: begin_response, then whole lines, then end_response.
/// @param expected octets of those lines, a guess.
void begin_response(writer& out, const message& request, const endpoint& source, int status, std::string_view to_tag,
                    std::string_view reason = {});
packet end_response(writer& out);
/// Octets that begin_response and end_response will write, at most.
std::size_t response_room(const message& request);

/// build_response with extra(writer&) in the place of ready text: the Contacts of a REGISTER's 200, say.
/// @param expected octets that extra will write, a guess.
template <class Extra>
packet build_response_with(const message& request, const endpoint& source, int status, std::string_view to_tag,
                           slab_pool& pool, std::size_t expected, Extra&& extra, std::string_view reason = {}) {
  writer out(pool, response_room(request) + expected + reason.size(), status < 200 ? slab_use::work : slab_use::ending);
  begin_response(out, request, source, status, to_tag, reason);
  extra(out);
  return end_response(out);
}

struct refusal_answer {
  sip::packet packet;
  endpoint to;   ///< answers_to() of the request, over UDP
};
/// The answer to a request that message::parse() refused with a status: whatever of Via, From, To, Call-ID and CSeq
/// can be read is copied as it stands. Stateless, meant to be rate-limited by the caller.
/// @param text the octets that were refused, as parse() left them in their slab (folded lines blanked).
/// Only the header section and lines that an accepted message may have are looked at.
/// @return null packet when why.status is 0 or the pool is at its bound.
refusal_answer build_refusal(std::string_view text, const endpoint& source, const reject& why, slab_pool& pool);

/// A To tag that any shard makes alike for the same request: a repeated answer is the same answer (RFC 3261 8.2.7).
std::string tag_of(std::string_view branch);

}  // namespace reveille::sip
