/// A set of AORs that answers "surely not in it" or "perhaps": a blocked Bloom filter (Putze, Sanders, Singler) that
/// grows by stages, each twice the one before. 16 bits an AOR, one cache line a stage and question; "perhaps" is
/// wrong about once in 500 times. Nothing is ever taken out.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string_view>

#include "core/hash.hpp"

namespace reveille {

/// Threads: any. Who added an AOR sees it at once, others when something else orders them after the adder.
/// Memory: what is used of 2 octets an AOR; bound: `stages` of them, 510 MiB, then "perhaps" grows commoner.
/// Errors: no memory for a stage counts like the bound.
class aor_filter {
 public:
  static constexpr std::size_t stages = 8;
  static constexpr std::size_t first_stage = std::size_t{1} << 20;  ///< AORs

  /// @param key of this process: strangers must not be able to choose AORs that fill one line
  explicit aor_filter(hash_key key) : key_(key) { grow(0); }
  ~aor_filter();
  aor_filter(const aor_filter&) = delete;
  aor_filter& operator=(const aor_filter&) = delete;

  void add(std::string_view of);
  bool may_contain(std::string_view of) const { return holds(siphash(key_, of)); }
  std::size_t bytes() const;  ///< of all stages

 private:
  static constexpr std::size_t line_octets = 64;

  static std::size_t room_of(std::size_t stage) { return first_stage << stage; }
  static std::size_t lines_of(std::size_t stage) { return room_of(stage) * 2 / line_octets; }
  bool holds(std::uint64_t hash) const;
  void grow(std::size_t stage);

  hash_key key_;
  std::array<std::atomic<std::uint64_t*>, stages> lines_{};  ///< null: not grown so far
  std::atomic<std::size_t> current_{0};                      ///< the stage that takes what is added
  std::atomic<std::size_t> added_{0};                        ///< to that stage
  std::mutex growing_;                                       ///< once in a million additions
};

}  // namespace reveille
