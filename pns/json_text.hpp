/// The one way by which foreign text gets into a JSON string.
#pragma once

#include <string>
#include <string_view>

namespace reveille::pns {

/// Appends `text` as it stands inside a JSON string: quotes, backslashes and controls escaped, invalid UTF-8 replaced
/// by U+FFFD (one for each maximal ill-formed part, as Unicode 3.9 recommends).
/// @param times 0 = only repaired, 1 = inside a string, 2 = inside a string of a JSON text that is itself in a string.
void append_json_text(std::string& out, std::string_view text, unsigned times);

/// Copies the first octets, those that append_json_text would append as they are: up to the first quote, backslash, control
/// or non-ASCII octet. Eight at a time.
/// @param to has room for all of `text`; what lies behind the octets copied may have been written to.
/// @return how many.
std::size_t copy_plain_json(char* to, std::string_view text);

/// Length of what append_json_text would append.
std::size_t json_text_length(std::string_view text, unsigned times);

/// The first octets of `text`, at most `limit` of them and fewer than there are, without cutting a UTF-8 sequence in two.
std::string_view shortened_utf8(std::string_view text, std::size_t limit);
/// The same; all of `text` where it is no longer than `limit`, as it nearly always is.
inline std::string_view cut_utf8(std::string_view text, std::size_t limit) {
  return text.size() <= limit ? text : shortened_utf8(text, limit);
}

}  // namespace reveille::pns
