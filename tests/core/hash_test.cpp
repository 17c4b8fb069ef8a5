#include "core/hash.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace reveille {
namespace {

TEST(SipHash, DependsOnEveryOctetTheLengthAndTheKey) {
  const hash_key key{0x0706050403020100U, 0x0f0e0d0c0b0a0908U};
  std::set<std::uint64_t> seen;
  const std::string text = "103@example.com, a text of more than two words";
  for (std::size_t n = 0; n <= text.size(); ++n) seen.insert(siphash(key, text.substr(0, n)));
  for (std::size_t n = 0; n < text.size(); ++n) {
    std::string changed = text;
    changed[n] = static_cast<char>(changed[n] ^ 1);
    seen.insert(siphash(key, changed));
  }
  seen.insert(siphash({key.k0 ^ 1, key.k1}, text));
  seen.insert(siphash({key.k0, key.k1 ^ 1}, text));
  EXPECT_EQ(seen.size(), 2 * text.size() + 1 + 2);
}

TEST(SipHash, AgreesWithTheReferenceVectorOfSipHash13) {
  // Home shards and store keys hang on it, so it may never change. Key 00..0f, no input.
  const hash_key key{0x0706050403020100U, 0x0f0e0d0c0b0a0908U};
  EXPECT_EQ(siphash(key, ""), 0xabac0158050fc4dcU);
}

}  // namespace
}  // namespace reveille
