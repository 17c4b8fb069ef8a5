/// Watches RocksDB read its log when it opens, and stamps each commit with its time, for log_continuity.
#pragma once

#include "engine/store/log_continuity.hpp"

#include <rocksdb/wal_filter.h>
#include <rocksdb/write_batch.h>

namespace reveille {

/// The first thing of a commit: the time, which is in the log only and is no write. 8 octets.
void stamp(rocksdb::WriteBatch& batch, wall_time now);

class log_replay final : public rocksdb::WalFilter {
 public:
  explicit log_replay(const std::optional<acknowledged>& mark) : found_(mark) {}
  const char* Name() const override { return "reveille.replay"; }
  WalProcessingOption LogRecordFound(unsigned long long log, const std::string& file, const rocksdb::WriteBatch& batch,
                                     rocksdb::WriteBatch* changed, bool* is_changed) override;

  const log_continuity& found() const { return found_; }

 private:
  log_continuity found_;
};

}  // namespace reveille
