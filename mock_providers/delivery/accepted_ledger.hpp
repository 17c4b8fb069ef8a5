/// How often each push was accepted, for exactly-once checks over millions: 17 octets a push at three quarters full.
/// Pure. Threads: one.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/random.hpp"

namespace reveille::mock_providers {

/// What tells one push from another: its apns-id; for FCM, which takes no id from its clients, token and data.
struct push_identity {
  std::uint64_t high = 0, low = 0;
  bool operator==(const push_identity&) const = default;
};

/// nullopt unless it is a canonical UUID in lower case.
std::optional<push_identity> identity_of_uuid(std::string_view text);
/// Of anything else, by two hashes.
push_identity identity_of_text(std::string_view first, std::string_view second);

class accepted_ledger {
 public:
  struct totals {
    std::uint64_t accepted = 0;       ///< counted here
    std::uint64_t distinct = 0;
    std::uint64_t repeated = 0;       ///< identities that were accepted more than once
    std::uint64_t most = 0;           ///< times that the most repeated one was (255 = that or more)
    std::uint64_t uncounted = 0;      ///< came when the ledger was full
  };

  /// @param limit identities at most; 0 = counts nothing.
  explicit accepted_ledger(std::size_t limit) : limit_(limit) {}

  /// @return how often it has been accepted, this time included; 0 = not counted.
  std::uint32_t add(const push_identity& who);
  std::uint32_t count_of(const push_identity& who) const;
  const totals& sums() const { return totals_; }
  void clear() { *this = accepted_ledger(limit_); }

 private:
  std::size_t place_of(const push_identity& who) const;
  void grow();

  std::size_t limit_;
  std::vector<push_identity> keys_;     ///< open addressing; a power of two
  std::vector<std::uint8_t> counts_;    ///< 0 = free
  totals totals_;
};

}  // namespace reveille::mock_providers
