#include "engine/store/rocksdb_files.hpp"

#include "engine/store/record_codec.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>

#include <filesystem>
#include <system_error>
#include <vector>

namespace reveille {
namespace {

/// All keys of one AOR share a prefix: what makes the bloom filters of the small families work.
class aor_prefix final : public rocksdb::SliceTransform {
 public:
  const char* Name() const override { return "reveille.aor"; }
  rocksdb::Slice Transform(const rocksdb::Slice& key) const override {
    const std::string_view prefix = record_codec::prefix_of({key.data(), key.size()});
    return {prefix.data(), prefix.size()};
  }
  bool InDomain(const rocksdb::Slice& key) const override {
    return !record_codec::prefix_of({key.data(), key.size()}).empty();
  }
};

rocksdb::DBOptions database_options(const rocksdb_options& wanted) {
  rocksdb::DBOptions o;
  o.env = wanted.env != nullptr ? wanted.env : rocksdb::Env::Default();
  o.create_if_missing = true;
  o.create_missing_column_families = true;
  o.max_background_jobs = 2;   // one flush, one compaction: the cores belong to the shards
  o.recycle_log_file_num = 0;  // recycled logs have lost data upstream
  o.max_total_wal_size =
      4 * wanted.memtable_bytes;  // a rarely written family must not keep old logs, nor make opening slow
  o.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;  // a torn tail is what a crash leaves
  o.bytes_per_sync = std::uint64_t{1} << 20;  // flushes write steadily instead of in one burst
  o.allow_concurrent_memtable_write = false;  // one writer
  o.skip_stats_update_on_db_open = true;      // opening is measured in fractions of a second
  o.skip_checking_sst_file_sizes_on_db_open = true;
  o.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;  // below it the log names keys, which are AORs
  o.max_log_file_size = std::size_t{4} << 20;
  o.keep_log_file_num = 4;
  o.stats_dump_period_sec = 0;  // an idle node is idle
  o.stats_persist_period_sec = 0;
  return o;
}

rocksdb::ColumnFamilyOptions family_options(const rocksdb_options& wanted,
                                            const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));  // 1 % false answers; 12 MB for 10 M subscribers
  table.format_version = 5;
  rocksdb::ColumnFamilyOptions o;
  o.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  o.write_buffer_size = wanted.memtable_bytes;
  o.max_write_buffer_number = 4;  // a burst of 100 MB before writers feel the disk
  o.compression = rocksdb::kLZ4Compression;
  o.level_compaction_dynamic_level_bytes = true;  // 1.1 x the data on disk, whatever its size
  o.max_bytes_for_level_base = 8 * wanted.memtable_bytes;
  return o;
}

rocksdb::ColumnFamilyOptions scanned_family_options(const rocksdb_options& wanted,
                                                    const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions o = family_options(wanted, cache);
  o.write_buffer_size = wanted.memtable_bytes / 4;  // small families
  o.prefix_extractor = std::make_shared<aor_prefix>();
  o.memtable_prefix_bloom_size_ratio = 0.05;
  return o;
}

}  // namespace

result<std::unique_ptr<rocksdb_files>> rocksdb_files::open(const rocksdb_options& options) {
  std::error_code problem;
  std::filesystem::create_directories(options.path, problem);
  if (problem) return failure("cannot make the store's directory " + options.path + ": " + problem.message());

  const std::shared_ptr<rocksdb::Cache> cache = rocksdb::NewLRUCache(options.cache_bytes);
  const rocksdb::ColumnFamilyOptions scanned = scanned_family_options(options, cache);
  const std::vector<rocksdb::ColumnFamilyDescriptor> families = {
      {rocksdb::kDefaultColumnFamilyName, rocksdb::ColumnFamilyOptions()},  // RocksDB wants it; unused
      {"bindings", family_options(options, cache)},
      {"bucket", scanned},
      {"parked", scanned},
  };
  rocksdb::DBOptions database = database_options(options);
  database.env->LowerThreadPoolCPUPriority(rocksdb::Env::LOW);  // compaction yields to calls
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status opened = rocksdb::DB::Open(database, options.path, families, &handles, &db);
  if (!opened.ok()) return failure("cannot open the store in " + options.path + ": " + opened.ToString());

  std::unique_ptr<rocksdb_files> files(new rocksdb_files);
  files->db_.reset(db);
  files->bindings_ = handles[1];
  files->bucket_ = handles[2];
  files->parked_ = handles[3];
  db->DestroyColumnFamilyHandle(handles[0]);
  return files;
}

rocksdb_files::~rocksdb_files() {
  for (rocksdb::ColumnFamilyHandle* handle : {bindings_, bucket_, parked_}) db_->DestroyColumnFamilyHandle(handle);
}

}  // namespace reveille
