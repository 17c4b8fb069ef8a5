/// Octet classes of RFC 3261 25.1, one table look-up each.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace reveille::sip::chars {

enum char_class : std::uint16_t {
  alpha = 1,
  digit = 2,
  hex = 4,
  token = 8,         ///< RFC 3261 `token`
  user = 16,         ///< unreserved, user-unreserved, and '#', which dialled codes carry unescaped; '%' apart
  password = 32,     ///< '%' apart
  uri_param = 64,    ///< paramchar without '%'; and '=', which push tokens in base64 carry unescaped
  uri_header = 128,  ///< hname, hvalue, '=' and '&'; '%' apart
  host = 256,        ///< hostname, and '_' as real names have it
  param_value = 512, ///< unquoted value of a header parameter: visible, none of , ; " < > ? and no backslash
  call_id = 1024,    ///< word, '@', and '=' (base64 Call-IDs)
  opaque = 2048,     ///< URI of another scheme: visible ASCII without < > "
  display = 4096,    ///< unquoted display name: token, blanks, and octets of UTF-8
  blank = 8192,      ///< SP, HT
  scheme = 16384,
  list_special = 32768,  ///< where a comma list must look twice: " < ,
};

namespace detail {
constexpr bool one_of(unsigned c, std::string_view set) {
  for (const char s : set) {
    if (static_cast<unsigned char>(s) == c) return true;
  }
  return false;
}

constexpr std::uint16_t classes_of(unsigned c) {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  const bool number = c >= '0' && c <= '9';
  const bool alphanumeric = letter || number;
  const bool unreserved = alphanumeric || one_of(c, "-_.!~*'()");
  const bool is_token = alphanumeric || one_of(c, "-.!%*_+`'~");
  const bool visible = c > 0x20 && c < 0x7f;
  unsigned out = 0;
  if (letter) out |= alpha;
  if (number) out |= digit;
  if (number || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) out |= hex;
  if (is_token) out |= token;
  if (unreserved || one_of(c, "&=+$,;?/#")) out |= user;
  if (unreserved || one_of(c, "&=+$,")) out |= password;
  if (unreserved || one_of(c, "[]/:&+$=")) out |= uri_param;
  if (unreserved || one_of(c, "[]/?:+$=&")) out |= uri_header;
  if (alphanumeric || one_of(c, "-._")) out |= host;
  if ((visible && !one_of(c, ",;\"<>?\\")) || c >= 0x80) out |= param_value;
  if (is_token || one_of(c, "()<>:\\\"/[]?{}@=")) out |= call_id;
  if (visible && !one_of(c, "<>\"")) out |= opaque;
  if (is_token || c == ' ' || c == '\t' || c >= 0x80) out |= display;
  if (c == ' ' || c == '\t') out |= blank;
  if (alphanumeric || one_of(c, "+-.")) out |= scheme;
  if (one_of(c, "\"<,")) out |= list_special;
  return static_cast<std::uint16_t>(out);
}

constexpr std::array<std::uint16_t, 256> make_table() {
  std::array<std::uint16_t, 256> table{};
  for (unsigned c = 0; c < 256; ++c) table[c] = classes_of(c);
  return table;
}
inline constexpr std::array<std::uint16_t, 256> table = make_table();
}  // namespace detail

constexpr bool is(char c, unsigned classes) {
  return (detail::table[static_cast<unsigned char>(c)] & classes) != 0;
}

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

/// All octets in one of `classes`, and at least one.
constexpr bool all(std::string_view text, unsigned classes) {
  for (const char c : text) {
    if (!is(c, classes)) return false;
  }
  return !text.empty();
}

/// Equal without regard to the case of ASCII letters.
constexpr bool iequal(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i] && lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

constexpr std::string_view trim(std::string_view text) {
  while (!text.empty() && is(text.front(), blank)) text.remove_prefix(1);
  while (!text.empty() && is(text.back(), blank)) text.remove_suffix(1);
  return text;
}

constexpr int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char l = lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

inline const char* skip_blanks(const char* p, const char* end) {
  while (p != end && is(*p, blank)) ++p;
  return p;
}
inline const char* skip(const char* p, const char* end, unsigned classes) {
  for (; end - p >= 4; p += 4) {  // one bound check for four octets: push tokens are long
    if (!is(p[0], classes)) return p;
    if (!is(p[1], classes)) return p + 1;
    if (!is(p[2], classes)) return p + 2;
    if (!is(p[3], classes)) return p + 3;
  }
  while (p != end && is(*p, classes)) ++p;
  return p;
}
/// Past octets of `classes` and well-formed %HH; stops at anything else.
inline const char* skip_escaped(const char* p, const char* end, unsigned classes) {
  for (;;) {
    p = skip(p, end, classes);
    if (end - p < 3 || *p != '%' || !is(p[1], hex) || !is(p[2], hex)) return p;
    p += 3;
  }
}
/// @param p behind the opening quote. @return behind the closing one, or nullptr when there is none.
inline const char* skip_quoted(const char* p, const char* end) {
  while (p != end && *p != '"') {
    if (*p == '\\' && ++p == end) return nullptr;
    ++p;
  }
  return p == end ? nullptr : p + 1;
}
inline std::string_view between(const char* begin, const char* end) {
  return {begin, static_cast<std::size_t>(end - begin)};
}

}  // namespace reveille::sip::chars
