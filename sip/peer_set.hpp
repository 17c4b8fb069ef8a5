/// Which peers, by address and port, have shown something: fixed in size, so that strangers cannot make it grow.
///
/// Sets of four places; a newcomer takes the place that was confirmed longest ago. Two peers pass for one with a chance
/// of 2^-30. Nothing is allocated after the constructor. Threads: one.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <vector>

#include "core/flow.hpp"
#include "core/hash.hpp"
#include "core/time.hpp"

namespace reveille::sip {

/// An endpoint under a key that strangers do not know.
inline std::uint64_t hash_of(hash_key key, const endpoint& peer) {
  return siphash({key.k0 ^ peer.port, key.k1 ^ (peer.v6 ? 1U : 0U)},
                 std::string_view(reinterpret_cast<const char*>(peer.address.data()), peer.address.size()));
}

/// By whatever port.
inline bool same_host(const endpoint& a, const endpoint& b) { return a.v6 == b.v6 && a.address == b.address; }

class peer_set {
 public:
  /// @param capacity rounded up to a power of two, at least four
  peer_set(hash_key key, std::uint32_t capacity)
      : key_(key), sets_(std::bit_ceil(std::max<std::size_t>(capacity / ways, 1))) {}

  bool contains(const endpoint& peer) const { return contains(hash_of(key_, peer)); }
  /// @param hash of the peer under this set's key, where the caller has it already
  bool contains(std::uint64_t hash) const {
    for (const place& p : sets_[hash & (sets_.size() - 1)]) {
      if (p.mark == mark_of(hash)) return true;
    }
    return false;
  }

  void add(const endpoint& peer, steady_time now) { add(hash_of(key_, peer), now); }
  void add(std::uint64_t hash, steady_time now) {
    const auto second = static_cast<std::uint32_t>(
        std::chrono::duration_cast<seconds>(now.time_since_epoch()).count());
    std::array<place, ways>& set = sets_[hash & (sets_.size() - 1)];
    place* oldest = &set.front();
    for (place& p : set) {
      if (p.mark == mark_of(hash)) {
        p.second = second;
        return;
      }
      // An empty place is the oldest of all.
      if (p.mark == 0 || (oldest->mark != 0 && p.second < oldest->second)) oldest = &p;
    }
    if (oldest->mark != 0) ++displaced_;
    *oldest = {mark_of(hash), second};
  }
  /// Peers that had to make room for others.
  std::uint64_t displaced() const { return displaced_; }

 private:
  static constexpr std::size_t ways = 4;
  struct place {
    std::uint32_t mark = 0;     ///< 0 = empty
    std::uint32_t second = 0;   ///< when it was last confirmed
  };
  static std::uint32_t mark_of(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32) | 1U; }

  hash_key key_;
  std::vector<std::array<place, ways>> sets_;
  std::uint64_t displaced_ = 0;
};

}  // namespace reveille::sip
