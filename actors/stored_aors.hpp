/// How many AORs the node stores, and how many it may: an AOR that was registered once is never forgotten, so in open mode
/// strangers could fill the disk with them (SPEC 10a).
#pragma once

#include <atomic>
#include <cstdint>

#include "actors/ports/store.hpp"

namespace reveille {

/// Threads: any; shared by all shards. Counts what the disk has acknowledged, so it goes over the bound by no more than
/// the writes under way. Whoever is registered for the first time while the store still counts may be counted twice.
class stored_aors {
 public:
  /// @param durable outlives it
  stored_aors(std::uint64_t most, const store& durable) : most_(most), durable_(durable) {}

  /// Written for the first time.
  void add() { added_.fetch_add(1, std::memory_order_relaxed); }
  std::uint64_t count() const { return durable_.stored_at_start() + added_.load(std::memory_order_relaxed); }
  bool full() const { return count() >= most_; }

 private:
  const std::uint64_t most_;
  const store& durable_;
  std::atomic<std::uint64_t> added_{0};
};

}  // namespace reveille
