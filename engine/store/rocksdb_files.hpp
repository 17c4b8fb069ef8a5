/// The database on disk: its column families and options, opened and closed as one thing. Only rocksdb_store and its
/// tests include this.
///
/// Three column families, so that the many bindings (point reads, full bloom filter) do not carry the few bucket
/// entries and parked INVITEs (short scans of one AOR's keys, prefix bloom filter: most subscribers have none).
#pragma once

#include "core/result.hpp"
#include "engine/store/rocksdb_store.hpp"

#include <rocksdb/db.h>

#include <memory>
#include <string>

namespace reveille {

class rocksdb_files {
 public:
  static result<std::unique_ptr<rocksdb_files>> open(const rocksdb_options& options);
  ~rocksdb_files();
  rocksdb_files(const rocksdb_files&) = delete;
  rocksdb_files& operator=(const rocksdb_files&) = delete;

  rocksdb::DB& db() { return *db_; }
  rocksdb::ColumnFamilyHandle* bindings() const { return bindings_; }
  rocksdb::ColumnFamilyHandle* bucket() const { return bucket_; }
  rocksdb::ColumnFamilyHandle* parked() const { return parked_; }

 private:
  rocksdb_files() = default;

  std::unique_ptr<rocksdb::DB> db_;
  rocksdb::ColumnFamilyHandle* bindings_ = nullptr;
  rocksdb::ColumnFamilyHandle* bucket_ = nullptr;
  rocksdb::ColumnFamilyHandle* parked_ = nullptr;
};

}  // namespace reveille
