/// `store.kind = "memory"`: a node that may forget. The memory store behind a lock, each operation answered at once
/// (through the shard's inbox, as the port wants). For trying out and for measuring without a disk.
#pragma once

#include <mutex>

#include "engine/store/memory_store.hpp"

namespace reveille {

/// Threads: any.
class volatile_store final : public store {
 public:
  void answer_to(shard_id shard, store_answers& inbox) { memory_.answer_to(shard, inbox); }

  bool try_load(shard_id from, aor_key key, const aor& of, store_token token) override {
    const std::lock_guard lock(mutex_);
    const bool taken = memory_.try_load(from, key, of, token);
    memory_.complete_all();
    return taken;
  }
  bool try_write(shard_id from, aor_key key, const aor& of, store_mutation change, store_token token) override {
    const std::lock_guard lock(mutex_);
    const bool taken = memory_.try_write(from, key, of, std::move(change), token);
    memory_.complete_all();
    return taken;
  }

 private:
  std::mutex mutex_;
  memory_store memory_;
};

}  // namespace reveille
