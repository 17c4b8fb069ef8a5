/// SIP's closed vocabularies (RFC 3261 and extensions): methods and the header fields we act on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace reveille::sip {

enum class method : std::uint8_t {
  invite, ack, bye, cancel, register_, options, message, subscribe, notify, prack, update, info, refer, publish,
  other,  ///< any other token: proxied as it stands
};
std::string_view name_of(method m);  ///< "INVITE"; "other" for other
/// Case-sensitive, as RFC 3261 7.1 wants.
method method_of(std::string_view token);

/// Header fields with an id; all others are `other` and found by name.
enum class header : std::uint8_t {
  accept, allow, authorization, call_id, contact, content_length, content_type, cseq, date, event, expires,
  feature_caps, from, max_breadth, max_forwards, min_expires, p_asserted_identity, path, priority, privacy,
  proxy_authenticate, proxy_authorization, proxy_require, reason, record_route, require, retry_after, route,
  rseq, supported, to, unsupported, via, warning, www_authenticate,
  other,
};
inline constexpr std::size_t header_count = static_cast<std::size_t>(header::other) + 1;
std::string_view name_of(header h);  ///< "Call-ID"
/// Without regard to case; compact forms (RFC 3261 7.3.3) too. `other` when unknown.
header header_of(std::string_view name);

/// Reason phrase for a status ("Temporarily Unavailable"); "Unknown" for codes we never send.
std::string_view reason_phrase(int status);

}  // namespace reveille::sip
