#include <cstring>

#include "sip/grammar.hpp"
#include "sip/list.hpp"

namespace reveille::sip {
namespace grammar {

bool next_param(std::string_view& rest, param& out) {
  const char* p = rest.data();
  const char* const end = p + rest.size();
  const char* begin = p;  // the piece that is cut or kept starts at its own semicolon
  for (; p != end && (*p == ';' || chars::is(*p, chars::blank)); ++p) {
    if (*p == ';') begin = p;
  }
  if (p == end) {
    rest = {};
    return false;
  }
  const char* const name = p;
  const char* const piece_end = chars::find_or_end(p, end, ';');  // unless the value is quoted
  p = chars::find_or_end(p, piece_end, '=');
  const char* name_end = p;
  while (name_end != name && chars::is(name_end[-1], chars::blank)) --name_end;
  out.name = chars::between(name, name_end);
  out.value.reset();
  if (p != piece_end) {
    const char* const value = chars::skip_blanks(p + 1, end);
    p = piece_end;
    if (value != end && *value == '"') {
      const char* const behind = chars::skip_quoted(value + 1, end);
      p = chars::find_or_end(behind != nullptr ? behind : end, end, ';');
    }
    const char* value_end = p;
    while (value_end != value && chars::is(value_end[-1], chars::blank)) --value_end;
    out.value = chars::between(value, value_end);
  }
  out.text = chars::between(begin, p);
  rest = chars::between(p, end);
  return true;
}

std::optional<std::uint32_t> number(std::string_view text, std::uint32_t cap) {
  if (text.empty()) return std::nullopt;
  std::uint64_t n = 0;
  for (const char c : text) {
    if (!chars::is(c, chars::digit)) return std::nullopt;
    n = n * 10 + static_cast<std::uint64_t>(c - '0');
    if (n > cap) n = std::uint64_t{cap} + 1;  // keeps "too large" without overflow
  }
  return n > cap ? cap : static_cast<std::uint32_t>(n);
}

}  // namespace grammar

bool params_view::next(std::string_view& rest, std::string_view& name, std::optional<std::string_view>& value) {
  grammar::param piece;
  if (!grammar::next_param(rest, piece)) return false;
  name = piece.name;
  value = piece.value;
  return true;
}

std::optional<std::string_view> params_view::find(std::string_view name) const {
  std::string_view rest = text_;
  grammar::param piece;
  while (grammar::next_param(rest, piece)) {
    if (chars::iequal(piece.name, name)) return piece.value.value_or(std::string_view{});
  }
  return std::nullopt;
}

bool next_element(std::string_view& rest, std::string_view& element) {
  if (rest.data() == nullptr) return false;
  const char* p = rest.data();
  const char* const end = p + rest.size();
  for (;;) {
    while (p != end && !chars::is(*p, chars::list_special)) ++p;
    if (p == end || *p == ',') break;
    const char* behind = nullptr;  // of the quoted string or the brackets; an open one takes all that is left
    if (*p == '"') {
      behind = chars::skip_quoted(p + 1, end);
    } else {
      behind = static_cast<const char*>(std::memchr(p, '>', static_cast<std::size_t>(end - p)));
    }
    p = behind != nullptr ? behind : end;
  }
  element = chars::trim(chars::between(rest.data(), p));
  rest = p == end ? std::string_view{} : chars::between(p + 1, end);
  return true;
}

}  // namespace reveille::sip
