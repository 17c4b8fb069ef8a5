/// Where each shard hears what became of its operations.
#pragma once

#include <array>
#include <atomic>
#include <cassert>
#include <cstddef>

#include "actors/ports/store.hpp"

namespace reveille {

/// Threads: any; a shard is named before its first operation.
class answer_inboxes {
 public:
  static constexpr std::size_t max_shards = 256;

  void name(shard_id shard, store_answers& inbox) {
    assert(shard.value < max_shards);
    of_shard_[shard.value].store(&inbox, std::memory_order_release);
  }
  store_answers& of(shard_id shard) const {
    store_answers* found = of_shard_[shard.value].load(std::memory_order_acquire);
    assert(found != nullptr);
    return *found;
  }

 private:
  std::array<std::atomic<store_answers*>, max_shards> of_shard_{};
};

}  // namespace reveille
