/// The database on disk: its column families and options, opened and closed as one thing. Only rocksdb_store and its
/// tests include this.
///
/// Three column families, so that the many bindings (point reads, full bloom filter) do not carry the few bucket
/// entries and parked INVITEs (short scans of one AOR's keys, prefix bloom filter: most subscribers have none).
#pragma once

#include "core/result.hpp"
#include "engine/store/disk_look.hpp"
#include "engine/store/log_continuity.hpp"
#include "engine/store/mark_keeper.hpp"
#include "engine/store/rocksdb_store.hpp"

#include <rocksdb/db.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace reveille {

class rocksdb_files {
 public:
  /// `existing`: nothing is made where nothing is found, as where a file system was unmounted.
  enum class wanted : std::uint8_t { any, existing };
  /// A database whose disk takes no write is opened for reading.
  /// Errors: what could not be done, the system's words, and what to do.
  static result<std::unique_ptr<rocksdb_files>> open(const rocksdb_options& options, const clock& time,
                                                     wanted which = wanted::any);
  ~rocksdb_files();
  rocksdb_files(const rocksdb_files&) = delete;
  rocksdb_files& operator=(const rocksdb_files&) = delete;

  rocksdb::DB& db() { return *db_; }
  rocksdb::ColumnFamilyHandle* bindings() const { return bindings_; }
  rocksdb::ColumnFamilyHandle* bucket() const { return bucket_; }
  rocksdb::ColumnFamilyHandle* parked() const { return parked_; }

  bool read_only() const { return !read_only_because_.empty(); }
  const std::string& read_only_because() const { return read_only_because_; }
  /// What the log lacked when it was read.
  const log_loss& loss() const { return loss_; }

  /// The writing thread: a commit was taken.
  void committed() { acknowledged_.store(db_->GetLatestSequenceNumber(), std::memory_order_release); }
  std::uint64_t acknowledged_up_to() const { return acknowledged_.load(std::memory_order_acquire); }
  /// Notes outside the log that all of it is on disk. @pre it was synced
  void mark(const clock& time) { mark_->reached(acknowledged_up_to(), time.now().wall); }
  /// Syncs the log, and notes it.
  rocksdb::Status sync_log(const clock& time);

  /// Writes all that is in memory to new files, and begins a new log: neither the old log's octets nor its place in the
  /// directory matter any more.
  rocksdb::Status write_anew();

  struct missing_files {
    bool curable = false;  ///< only the log: memory holds what it held
    std::string text;
  };
  /// What has been removed, or unmounted, under the open database. Any thread.
  /// @param all looks for every table too, not only for the few names that say where they are
  std::optional<missing_files> missing(bool all) const;

 private:
  rocksdb_files() = default;
  std::optional<missing_files> look(bool all) const;

  std::string path_;
  file_identity directory_;
  std::string read_only_because_;
  log_loss loss_;
  std::atomic<std::uint64_t> acknowledged_{0};
  std::shared_ptr<mark_keeper> mark_;
  std::unique_ptr<rocksdb::DB> db_;
  rocksdb::ColumnFamilyHandle* bindings_ = nullptr;
  rocksdb::ColumnFamilyHandle* bucket_ = nullptr;
  rocksdb::ColumnFamilyHandle* parked_ = nullptr;
};

}  // namespace reveille
