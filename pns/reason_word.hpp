/// Foreign words made fit for logs and traces.
#pragma once

#include <string>
#include <string_view>

namespace reveille::pns {

/// Bodies of answers longer than this are not parsed: no service sends such, and a front end's page explains nothing.
inline constexpr std::size_t parsed_answer_limit = 16384;

/// At most 64 octets, each printable and neither blank, quote nor backslash.
std::string reason_word(std::string_view text);

}  // namespace reveille::pns
