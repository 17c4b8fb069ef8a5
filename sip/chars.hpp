/// Octet classes of RFC 3261 25.1, one table look-up each; runs of letters and digits 16 at a time.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

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
namespace detail {
/// The classes that hold every letter and digit.
constexpr unsigned alphanumeric_and_more =
    token | user | password | uri_param | uri_header | host | param_value | call_id | opaque | display | scheme;

#ifdef __SSE2__
inline constexpr std::ptrdiff_t block_octets = 16;
/// A bit for each of the 16 octets at `p` that is neither letter nor digit.
inline std::uint32_t odd_ones(const char* p) {
  const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  const __m128i digits = _mm_sub_epi8(block, _mm_set1_epi8('0'));
  const __m128i letters = _mm_sub_epi8(_mm_or_si128(block, _mm_set1_epi8(0x20)), _mm_set1_epi8('a'));
  const __m128i is_digit = _mm_cmpeq_epi8(_mm_min_epu8(digits, _mm_set1_epi8(9)), digits);
  const __m128i is_letter = _mm_cmpeq_epi8(_mm_min_epu8(letters, _mm_set1_epi8(25)), letters);
  return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_or_si128(is_digit, is_letter))) ^ 0xffffU;
}
#endif
}  // namespace detail

/// @param classes one class
inline const char* skip(const char* p, const char* end, unsigned classes) {
#ifdef __SSE2__
  if ((classes & detail::alphanumeric_and_more) != 0) {
    for (; end - p >= detail::block_octets; p += detail::block_octets) {  // push tokens are long
      for (std::uint32_t odd = detail::odd_ones(p); odd != 0; odd &= odd - 1) {
        const char* const at = p + std::countr_zero(odd);
        if (!is(*at, classes)) return at;
      }
    }
  }
#endif
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
  const auto find = [&](char c, const char* stop) {
    return p == stop ? nullptr : static_cast<const char*>(std::memchr(p, c, static_cast<std::size_t>(stop - p)));
  };
  const char* const quote = find('"', end);
  if (quote == nullptr || find('\\', quote) == nullptr) return quote == nullptr ? nullptr : quote + 1;
  while (p != end && *p != '"') {
    if (*p == '\\' && ++p == end) return nullptr;
    ++p;
  }
  return p == end ? nullptr : p + 1;
}
/// The first `wanted`, or the end.
inline const char* find_or_end(const char* p, const char* end, char wanted) {
  if (p == end) return end;
  const void* const found = std::memchr(p, wanted, static_cast<std::size_t>(end - p));
  return found != nullptr ? static_cast<const char*>(found) : end;
}
inline std::string_view between(const char* begin, const char* end) {
  return {begin, static_cast<std::size_t>(end - begin)};
}

}  // namespace reveille::sip::chars
