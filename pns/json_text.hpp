/// The one way by which foreign text gets into a JSON string.
#pragma once

#include <string>
#include <string_view>

namespace reveille::pns {

/// Appends `text` as it stands inside a JSON string: quotes, backslashes and controls escaped, invalid UTF-8 replaced
/// by U+FFFD (one for each maximal ill-formed part, as Unicode 3.9 recommends).
/// @param times 0 = only repaired, 1 = inside a string, 2 = inside a string of a JSON text that is itself in a string.
void append_json_text(std::string& out, std::string_view text, unsigned times);

/// How many of the first octets append_json_text would append as they are: up to the first quote, backslash, control or
/// non-ASCII octet.
std::size_t plain_json_prefix(std::string_view text);

/// Length of what append_json_text would append.
std::size_t json_text_length(std::string_view text, unsigned times);

/// The first octets of `text`, at most `limit`, without cutting a UTF-8 sequence in two.
std::string_view cut_utf8(std::string_view text, std::size_t limit);

}  // namespace reveille::pns
