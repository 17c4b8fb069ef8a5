/// Turns changes into one WriteBatch, and AORs into one batched read. Only rocksdb_store and its tests include this.
#pragma once

#include "actors/ports/store.hpp"
#include "engine/store/rocksdb_files.hpp"

#include <rocksdb/write_batch.h>

#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace reveille {

/// Collects changes in order. One thread; reused for every commit.
class commit_batch {
 public:
  /// Starts a commit to `files`, which must live until the next clear(). What one large commit needed is given back.
  void clear(rocksdb_files& files, wall_time now);
  /// @return false when the change cannot be written (the AOR is too long, a look-up failed); nothing was added then.
  bool add(std::string_view of, const store_mutation& change);
  rocksdb::WriteBatch& batch() { return batch_; }

 private:
  void put_bindings_of(std::string_view of, const put_bindings& change);
  void put_entry(const bucket_entry& entry);
  std::optional<bool> entry_exists(const std::string& key) const;

  rocksdb_files* files_ = nullptr;
  rocksdb::WriteBatch batch_;
  std::string key_;
  std::string value_;
  /// Bucket keys that this batch has written (true) or deleted: an update must see them before the database has.
  std::unordered_map<std::string, bool> touched_;
};

/// Entries of one AOR that a load reads at most; four times what SPEC 4.5 keeps. More are a fault of ours, counted.
inline constexpr std::size_t loaded_items_limit = 1024;

struct load_outcome {
  std::vector<result<std::optional<subscriber_record>>> records;  ///< in the order of the AORs
  std::size_t corrupt = 0;                                        ///< values that could not be decoded
};
/// Reads all of them with one MultiGet, and the buckets of each. A value that cannot be decoded fails its AOR's load:
/// half a subscriber would be worse than none.
load_outcome load_records(rocksdb_files& files, std::span<const aor* const> wanted);

struct parked_scan {
  std::vector<aor> living;  ///< AORs with a parked INVITE whose deadline is not over, each once
  std::size_t removed = 0;  ///< INVITEs whose deadline is over: deleted
  std::size_t corrupt = 0;
};
/// Once, when the store opens.
result<parked_scan> scan_parked(rocksdb_files& files, wall_time now);

}  // namespace reveille
