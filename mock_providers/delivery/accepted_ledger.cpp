#include "mock_providers/delivery/accepted_ledger.hpp"

#include <algorithm>

namespace reveille::mock_providers {
namespace {

constexpr std::size_t first_size = 64;

/// FNV-1a, finished as SplitMix64 does: ids are data of a test, not of an attacker.
std::uint64_t hash(std::string_view text, std::uint64_t start) {
  std::uint64_t h = start;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9U;
  return h ^ (h >> 31);
}

}  // namespace

std::optional<push_identity> identity_of_uuid(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  std::uint64_t half[2] = {0, 0};
  int digits = 0;
  for (std::size_t i = 0; i < 36; ++i) {
    const char c = text[i];
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (c != '-') return std::nullopt;
      continue;
    }
    unsigned value;
    if (c >= '0' && c <= '9') value = static_cast<unsigned>(c - '0');
    else if (c >= 'a' && c <= 'f') value = static_cast<unsigned>(c - 'a' + 10);
    else return std::nullopt;
    half[digits / 16] = half[digits / 16] << 4 | value;
    ++digits;
  }
  return push_identity{half[0], half[1]};
}

push_identity identity_of_text(std::string_view first, std::string_view second) {
  return {hash(second, hash(first, 0xcbf29ce484222325U)), hash(second, hash(first, 0x9e3779b97f4a7c15U))};
}

std::size_t accepted_ledger::place_of(const push_identity& who) const {
  const std::size_t mask = keys_.size() - 1;
  // Ids may be counted up by whoever makes them: mixed before they choose a place.
  std::uint64_t h = (who.high ^ (who.low * 0x9e3779b97f4a7c15U)) * 0xbf58476d1ce4e5b9U;
  h ^= h >> 32;
  std::size_t at = static_cast<std::size_t>(h) & mask;
  while (counts_[at] != 0 && keys_[at] != who) at = (at + 1) & mask;
  return at;
}

void accepted_ledger::grow() {
  std::vector<push_identity> keys(std::max(first_size, keys_.size() * 2));
  std::vector<std::uint8_t> counts(keys.size(), 0);
  keys.swap(keys_);
  counts.swap(counts_);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (counts[i] == 0) continue;
    const std::size_t at = place_of(keys[i]);
    keys_[at] = keys[i];
    counts_[at] = counts[i];
  }
}

std::uint32_t accepted_ledger::add(const push_identity& who) {
  if (limit_ == 0) return 0;
  if (totals_.distinct + 1 > keys_.size() / 4 * 3) grow();
  const std::size_t at = place_of(who);
  if (counts_[at] == 0) {
    if (totals_.distinct >= limit_) {
      ++totals_.uncounted;
      return 0;
    }
    keys_[at] = who;
    ++totals_.distinct;
  }
  if (counts_[at] == 1) ++totals_.repeated;
  if (counts_[at] < 255) ++counts_[at];
  ++totals_.accepted;
  totals_.most = std::max<std::uint64_t>(totals_.most, counts_[at]);
  return counts_[at];
}

std::uint32_t accepted_ledger::count_of(const push_identity& who) const {
  return keys_.empty() ? 0 : counts_[place_of(who)];
}

}  // namespace reveille::mock_providers
