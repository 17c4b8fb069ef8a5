/// What the answer of a push service means for the sender (SPEC 6.5): the outcome to report, and what may be tried
/// before it is reported.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/time.hpp"
#include "pns/push_order.hpp"

namespace reveille::pns {

/// What came back; the views need live only during the call. Missing header = "".
struct http_answer {
  int status = 0;
  std::string_view body;         ///< JSON as a rule, HTML from front ends now and then; any length is safe
  std::string_view provider_id;  ///< `apns-id`
  std::string_view retry_after;  ///< seconds or HTTP date
};

/// What the sender may do instead of reporting `verdict::outcome`, while the order's deadline allows.
enum class remedy : std::uint8_t {
  none,              ///< the outcome is final
  wait,              ///< again after `delay`
  other_connection,  ///< again on another connection, after `delay`
  new_bearer_token,  ///< bearer_token::renew(), close this connection, again on a new one; final if renew() says no
  new_access_token,  ///< access_token::refused(), again with the next one
};
std::string_view name_of(remedy r);

/// Whose trouble an answer tells of: what a circuit breaker counts.
enum class blame : std::uint8_t {
  nobody,   ///< accepted, or about this device or this push alone
  service,  ///< it cannot now
  app,      ///< our credential, or what this app may do with it: waiting does not cure it
};

/// What a wish to wait is about.
enum class pause_of : std::uint8_t { push, credential };

struct verdict {
  push_outcome outcome;              ///< what home hears when the remedy is `none` or used up
  pns::remedy remedy = remedy::none;
  milliseconds delay{0};             ///< least pause before the repeat: the service's wish, or its documented default
  std::uint8_t repeats = 0;          ///< how often this remedy may be tried for one push; 255 = as the deadline allows
  bool then_wait = false;            ///< the remedy used up, remedy::wait goes on as long as the deadline allows
  bool connection_spent = false;     ///< take no new streams on the connection that brought this
  std::string reason;                ///< the service's word, at most 64 printable octets; a metric label after reason_label()
  pns::blame blame = pns::blame::nobody;
  pause_of waits = pause_of::push;   ///< credential: nothing of it may be sent before `delay` is over
};

/// `reason` if it is a word that the service documents, else "other": a bounded label.
std::string_view reason_label(std::string_view reason);

/// The place of reason_label(reason) in a table of counters, and back. 0 is "none", 1 "other".
inline constexpr std::size_t reason_slots = 80;
std::size_t reason_index(std::string_view reason);
/// "" where the table has no word.
std::string_view reason_at(std::size_t index);

/// The words of providers among those that reason_label() keeps: docs/providers.md has a row for each, and a test holds it to that.
std::span<const std::string_view> documented_reasons();

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 5.6.7); the obsolete forms are not worth their code.
std::optional<wall_time> parse_http_date(std::string_view text);
/// The reverse.
std::string http_date_text(wall_time at);

/// Retry-After in delta-seconds or IMF-fixdate; nullopt when absent, malformed or past. At most one hour.
std::optional<milliseconds> parse_retry_after(std::string_view value, wall_time now);

}  // namespace reveille::pns
