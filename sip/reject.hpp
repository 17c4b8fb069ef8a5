/// Why a message was refused: a closed set, fit for a metric's label.
#pragma once

#include <span>
#include <string_view>

namespace reveille::sip {

/// `status` is what a request may be answered with; 0 = drop silently: every malformed response, every ACK, and
/// requests whose Via or CSeq cannot be read. `reason` is one of reasons::all.
struct reject {
  int status = 400;
  std::string_view reason;  ///< static text
};

namespace reasons {

// Framing and lines
inline constexpr std::string_view empty = "empty";                    ///< nothing but CRLFs (a keep-alive)
inline constexpr std::string_view bare_cr = "bare-cr";
inline constexpr std::string_view bare_lf = "bare-lf";
inline constexpr std::string_view nul = "nul";
inline constexpr std::string_view control_character = "control-character";  ///< outside a quoted-pair
inline constexpr std::string_view no_empty_line = "no-empty-line";
inline constexpr std::string_view folded_start_line = "folded-start-line";
inline constexpr std::string_view start_line = "start-line";
inline constexpr std::string_view status_code = "status-code";
inline constexpr std::string_view request_uri = "request-uri";
inline constexpr std::string_view field_name = "field-name";
// Limits
inline constexpr std::string_view message_too_long = "message-too-long";
inline constexpr std::string_view header_too_long = "header-too-long";
inline constexpr std::string_view too_many_lines = "too-many-lines";
inline constexpr std::string_view name_too_long = "name-too-long";
inline constexpr std::string_view value_too_long = "value-too-long";
inline constexpr std::string_view too_many_vias = "too-many-vias";
inline constexpr std::string_view too_many_routes = "too-many-routes";
inline constexpr std::string_view too_many_record_routes = "too-many-record-routes";
inline constexpr std::string_view too_many_paths = "too-many-paths";
inline constexpr std::string_view too_many_contacts = "too-many-contacts";
inline constexpr std::string_view too_many_params = "too-many-params";
inline constexpr std::string_view out_of_memory = "out-of-memory";
// Missing and duplicate fields
inline constexpr std::string_view missing_via = "missing-via";
inline constexpr std::string_view missing_from = "missing-from";
inline constexpr std::string_view missing_to = "missing-to";
inline constexpr std::string_view missing_call_id = "missing-call-id";
inline constexpr std::string_view missing_cseq = "missing-cseq";
inline constexpr std::string_view missing_content_length = "missing-content-length";  ///< streams only
inline constexpr std::string_view duplicate_from = "duplicate-from";
inline constexpr std::string_view duplicate_to = "duplicate-to";
inline constexpr std::string_view duplicate_call_id = "duplicate-call-id";
inline constexpr std::string_view duplicate_cseq = "duplicate-cseq";
inline constexpr std::string_view duplicate_max_forwards = "duplicate-max-forwards";
inline constexpr std::string_view duplicate_content_length = "duplicate-content-length";
inline constexpr std::string_view duplicate_content_type = "duplicate-content-type";
inline constexpr std::string_view duplicate_expires = "duplicate-expires";
// Values
inline constexpr std::string_view via = "via";
inline constexpr std::string_view from = "from";
inline constexpr std::string_view to = "to";
inline constexpr std::string_view call_id = "call-id";
inline constexpr std::string_view cseq = "cseq";
inline constexpr std::string_view max_forwards = "max-forwards";
inline constexpr std::string_view expires = "expires";
inline constexpr std::string_view content_length = "content-length";
inline constexpr std::string_view contact = "contact";
inline constexpr std::string_view contact_star = "contact-star";      ///< `*` beside another, or without Expires: 0
inline constexpr std::string_view route = "route";
inline constexpr std::string_view record_route = "record-route";
inline constexpr std::string_view path = "path";

inline constexpr std::string_view all[] = {
    empty, bare_cr, bare_lf, nul, control_character, no_empty_line, folded_start_line, start_line, status_code,
    request_uri, field_name, message_too_long, header_too_long, too_many_lines, name_too_long, value_too_long, too_many_vias, too_many_routes,
    too_many_record_routes, too_many_paths, too_many_contacts, too_many_params, out_of_memory, missing_via,
    missing_from, missing_to, missing_call_id, missing_cseq, missing_content_length, duplicate_from, duplicate_to,
    duplicate_call_id, duplicate_cseq, duplicate_max_forwards, duplicate_content_length, duplicate_content_type,
    duplicate_expires, via, from, to, call_id, cseq, max_forwards, expires, content_length, contact, contact_star,
    route, record_route, path};

}  // namespace reasons
}  // namespace reveille::sip
