/// Keeps the mark of an open database (acknowledged_mark): told of each sync, and by RocksDB before it moves a part of
/// the log into a table.
#pragma once

#include "engine/store/acknowledged_mark.hpp"

#include <rocksdb/listener.h>

#include <mutex>

namespace reveille {

/// Any thread.
class mark_keeper final : public rocksdb::EventListener {
 public:
  /// The database is open and holds everything up to `reached` outside its log.
  void begin(acknowledged_mark mark, std::uint64_t reached, wall_time now) {
    const std::lock_guard lock(mutex_);
    mark_ = std::move(mark);
    state_ = {reached, now, now, flushed_ ? acknowledged::unknown : reached};
    begun_ = true;
    mark_.write(state_);
  }
  void reached(std::uint64_t sequence, wall_time now) {
    const std::lock_guard lock(mutex_);
    if (!begun_ || sequence == state_.sequence) return;
    state_.sequence = sequence;
    state_.at = now;
    mark_.write(state_);
  }

  // rocksdb::EventListener
  /// Only after it are logs removed.
  void OnFlushBegin(rocksdb::DB*, const rocksdb::FlushJobInfo&) override {
    const std::lock_guard lock(mutex_);
    flushed_ = true;
    if (!begun_ || state_.from == acknowledged::unknown) return;
    state_.from = acknowledged::unknown;
    mark_.write(state_);
  }
  /// Recovery is ours (store_recovery): RocksDB's own waits for more room than a small disk has, and bars ours.
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status, bool* automatic) override {
    *automatic = false;
  }

 private:
  std::mutex mutex_;
  acknowledged_mark mark_;
  acknowledged state_;
  bool begun_ = false;
  bool flushed_ = false;
};

}  // namespace reveille
