#include "engine/shard/base32.hpp"

namespace reveille {

std::size_t base32_encode(std::span<const std::uint8_t> in, char* out) {
  constexpr char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
  std::uint32_t bits = 0;
  unsigned held = 0;
  std::size_t n = 0;
  for (const std::uint8_t octet : in) {
    bits = (bits << 8 | octet) & 0xfff;
    held += 8;
    while (held >= 5) {
      held -= 5;
      out[n++] = alphabet[(bits >> held) & 31];
    }
  }
  if (held > 0) out[n++] = alphabet[(bits << (5 - held)) & 31];
  return n;
}

std::optional<std::size_t> base32_decode(std::string_view in, std::span<std::uint8_t> out) {
  if (base32_size(in.size() * 5 / 8) != in.size() || in.size() * 5 / 8 > out.size()) return std::nullopt;
  std::uint32_t bits = 0;
  unsigned held = 0;
  std::size_t n = 0;
  for (const char c : in) {
    std::uint32_t value;
    if (c >= 'a' && c <= 'z') {
      value = static_cast<std::uint32_t>(c - 'a');
    } else if (c >= 'A' && c <= 'Z') {
      value = static_cast<std::uint32_t>(c - 'A');
    } else if (c >= '2' && c <= '7') {
      value = static_cast<std::uint32_t>(c - '2') + 26;
    } else {
      return std::nullopt;
    }
    bits = (bits << 5 | value) & 0xfff;
    held += 5;
    if (held >= 8) {
      held -= 8;
      out[n++] = static_cast<std::uint8_t>(bits >> held);
    }
  }
  if ((bits & ((1U << held) - 1)) != 0) return std::nullopt;
  return n;
}

}  // namespace reveille
