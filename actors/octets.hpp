/// Numbers and texts in the store's form: little-endian, a text after its 16-bit length. Readers trust nothing.
#pragma once

#include <cassert>
#include <cstdint>
#include <string>
#include <string_view>

namespace reveille::octets {

template <class Number>
void put_number(std::string& out, Number n) {
  char bytes[sizeof n];
  for (std::size_t i = 0; i < sizeof n; ++i) bytes[i] = static_cast<char>(static_cast<std::uint8_t>(n >> (8 * i)));
  out.append(bytes, sizeof bytes);
}
inline void put8(std::string& out, std::uint8_t n) { out += static_cast<char>(n); }
inline void put16(std::string& out, std::uint16_t n) { put_number(out, n); }
inline void put32(std::string& out, std::uint32_t n) { put_number(out, n); }
inline void put64(std::string& out, std::uint64_t n) { put_number(out, n); }
/// @pre text has at most 65535 octets.
inline void put_text(std::string& out, std::string_view text) {
  assert(text.size() <= 0xffff);
  put16(out, static_cast<std::uint16_t>(text.size()));
  out += text;
}

template <class Number>
bool take_number(std::string_view& rest, Number& n) {
  if (rest.size() < sizeof n) return false;
  n = 0;
  for (std::size_t i = 0; i < sizeof n; ++i) {
    n = static_cast<Number>(n | static_cast<Number>(static_cast<Number>(static_cast<std::uint8_t>(rest[i])) << (8 * i)));
  }
  rest.remove_prefix(sizeof n);
  return true;
}
inline bool take8(std::string_view& rest, std::uint8_t& n) {
  if (rest.empty()) return false;
  n = static_cast<std::uint8_t>(rest[0]);
  rest.remove_prefix(1);
  return true;
}
inline bool take16(std::string_view& rest, std::uint16_t& n) { return take_number(rest, n); }
inline bool take32(std::string_view& rest, std::uint32_t& n) { return take_number(rest, n); }
inline bool take64(std::string_view& rest, std::uint64_t& n) { return take_number(rest, n); }
/// The view points into the bytes read.
inline bool take_text(std::string_view& rest, std::string_view& text) {
  std::uint16_t size = 0;
  if (!take16(rest, size) || rest.size() < size) return false;
  text = rest.substr(0, size);
  rest.remove_prefix(size);
  return true;
}

}  // namespace reveille::octets
