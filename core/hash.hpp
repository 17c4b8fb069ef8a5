/// SipHash-1-3 (Aumasson, Bernstein): a keyed hash, so that strangers cannot choose collisions in our tables.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace reveille {

struct hash_key {
  std::uint64_t k0 = 0;
  std::uint64_t k1 = 0;
  bool operator==(const hash_key&) const = default;
};

/// Any thread; deterministic for a given key.
inline std::uint64_t siphash(hash_key key, std::string_view bytes) {
  std::uint64_t v0 = 0x736f6d6570736575U ^ key.k0;
  std::uint64_t v1 = 0x646f72616e646f6dU ^ key.k1;
  std::uint64_t v2 = 0x6c7967656e657261U ^ key.k0;
  std::uint64_t v3 = 0x7465646279746573U ^ key.k1;
  const auto round = [&] {
    v0 += v1; v1 = std::rotl(v1, 13); v1 ^= v0; v0 = std::rotl(v0, 32);
    v2 += v3; v3 = std::rotl(v3, 16); v3 ^= v2;
    v0 += v3; v3 = std::rotl(v3, 21); v3 ^= v0;
    v2 += v1; v1 = std::rotl(v1, 17); v1 ^= v2; v2 = std::rotl(v2, 32);
  };
  const char* p = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; p += 8, left -= 8) {
    std::uint64_t m;
    std::memcpy(&m, p, 8);
    v3 ^= m;
    round();
    v0 ^= m;
  }
  std::uint64_t last = static_cast<std::uint64_t>(bytes.size()) << 56;
  for (std::size_t i = 0; i < left; ++i) {
    last |= static_cast<std::uint64_t>(static_cast<unsigned char>(p[i])) << (8 * i);
  }
  v3 ^= last;
  round();
  v0 ^= last;
  v2 ^= 0xff;
  round();
  round();
  round();
  return v0 ^ v1 ^ v2 ^ v3;
}

}  // namespace reveille
