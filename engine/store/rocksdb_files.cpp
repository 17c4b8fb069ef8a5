#include "engine/store/rocksdb_files.hpp"

#include "engine/store/database_log.hpp"
#include "engine/store/log_replay.hpp"
#include "engine/store/record_codec.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

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

rocksdb::DBOptions database_options(const rocksdb_options& wanted, const clock& time, bool may_make) {
  rocksdb::DBOptions o;
  o.env = wanted.env != nullptr ? wanted.env : rocksdb::Env::Default();
  o.create_if_missing = may_make;
  o.create_missing_column_families = may_make;
  o.max_background_jobs = 2;   // one flush, one compaction: the cores belong to the shards
  o.recycle_log_file_num = 0;  // recycled logs have lost data upstream
  o.max_total_wal_size =
      4 * wanted.memtable_bytes;  // a rarely written family must not keep old logs, nor make opening slow
  // Each write is a whole value of one AOR and needs none before it: a damaged place costs what it held, not all behind
  // it, and never the start (ADR 0009). What is skipped is counted (log_continuity).
  o.wal_recovery_mode = rocksdb::WALRecoveryMode::kSkipAnyCorruptedRecords;
  o.bytes_per_sync = std::uint64_t{1} << 20;  // flushes write steadily instead of in one burst
  o.allow_concurrent_memtable_write = false;  // one writer
  o.skip_stats_update_on_db_open = true;      // opening is measured in fractions of a second
  o.skip_checking_sst_file_sizes_on_db_open = true;
  o.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;  // below it the log names keys, which are AORs
  o.max_bgerror_resume_count = 0;
  o.info_log = std::make_shared<database_log>(wanted.tell, time);
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

std::vector<rocksdb::ColumnFamilyDescriptor> families_of(const rocksdb_options& wanted) {
  const std::shared_ptr<rocksdb::Cache> cache = rocksdb::NewLRUCache(wanted.cache_bytes);
  const rocksdb::ColumnFamilyOptions scanned = scanned_family_options(wanted, cache);
  return {
      {rocksdb::kDefaultColumnFamilyName, rocksdb::ColumnFamilyOptions()},  // RocksDB wants it; see write_anew()
      {"bindings", family_options(wanted, cache)},
      {"bucket", scanned},
      {"parked", scanned},
  };
}

/// A disk that takes no write, rather than a database that is not whole, not ours, or in use.
bool disk_refuses(const rocksdb::Status& opened, std::optional<int> refused) {
  if (refused == EACCES || refused == EPERM) return false;  // another user's: a mistake, said at once
  return refused.has_value() || opened.IsNoSpace() || opened.IsIOError();
}

std::string words_of(int error) { return std::generic_category().message(error); }

}  // namespace

result<std::unique_ptr<rocksdb_files>> rocksdb_files::open(const rocksdb_options& options, const clock& time,
                                                           wanted which) {
  std::error_code problem;
  if (which == wanted::any) std::filesystem::create_directories(options.path, problem);
  if (problem) return failure("cannot make the store's directory " + options.path + ": " + problem.message());
  const auto fail = [&](const std::string& why) {
    return failure("cannot open the store in " + options.path + ": " + why);
  };

  const std::vector<rocksdb::ColumnFamilyDescriptor> families = families_of(options);
  rocksdb::DBOptions database = database_options(options, time, which == wanted::any);
  database.env->LowerThreadPoolCPUPriority(rocksdb::Env::LOW);  // compaction yields to calls
  const auto mark = acknowledged_mark::read(options.path);
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const auto keeper = std::make_shared<mark_keeper>();
  database.listeners.push_back(keeper);
  log_replay replay(mark);
  database.wal_filter = &replay;
  // Asked first: opening for writing on a full disk leaves what it could begin.
  std::optional<int> refused = write_refused(options.path);
  rocksdb::Status opened = refused ? rocksdb::Status::IOError(words_of(*refused))
                                   : rocksdb::DB::Open(database, options.path, families, &handles, &db);
  std::string read_only_because;
  log_replay second_replay(mark);
  if (!opened.ok()) {
    if (!refused) refused = write_refused(options.path);
    const std::string why = refused ? words_of(*refused) : opened.ToString();
    if (opened.ToString().find("lock") != std::string::npos) return fail(opened.ToString());
    if (!disk_refuses(opened, refused)) return fail(why);
    if (in_use_elsewhere(options.path)) return fail("another process has it open");
    database.wal_filter = &second_replay;
    database.create_if_missing = database.create_missing_column_families = false;
    const rocksdb::Status read = rocksdb::DB::OpenForReadOnly(database, options.path, families, &handles, &db);
    if (!read.ok()) {
      return fail(why + "; and there is nothing in it that could be served meanwhile (" + read.ToString() + ")");
    }
    read_only_because = why;
  }
  const log_continuity& found = read_only_because.empty() ? replay.found() : second_replay.found();

  std::unique_ptr<rocksdb_files> files(new rocksdb_files);
  files->path_ = options.path;
  files->directory_ = identity_of(options.path).value_or(file_identity{});
  files->read_only_because_ = std::move(read_only_because);
  files->db_.reset(db);
  files->bindings_ = handles[1];
  files->bucket_ = handles[2];
  files->parked_ = handles[3];
  db->DestroyColumnFamilyHandle(handles[0]);
  files->loss_ = found.end(db->GetLatestSequenceNumber());
  files->committed();
  files->mark_ = keeper;
  if (!files->read_only()) {
    keeper->begin(acknowledged_mark(options.path), files->acknowledged_up_to(), time.now().wall);
  }
  return files;
}

rocksdb_files::~rocksdb_files() {
  for (rocksdb::ColumnFamilyHandle* handle : {bindings_, bucket_, parked_}) db_->DestroyColumnFamilyHandle(handle);
}

rocksdb::Status rocksdb_files::sync_log(const clock& time) {
  const std::uint64_t reached = acknowledged_up_to();
  const rocksdb::Status synced = db_->SyncWAL();
  if (synced.ok()) mark_->reached(reached, time.now().wall);
  return synced;
}

rocksdb::Status rocksdb_files::write_anew() {
  // A flush of empty memory keeps the old log: something must be in it. The default family holds nothing else.
  rocksdb::Status status = db_->Put(rocksdb::WriteOptions(), db_->DefaultColumnFamily(), "written anew", "");
  if (!status.ok()) return status;
  return db_->Flush(rocksdb::FlushOptions(), {db_->DefaultColumnFamily(), bindings_, bucket_, parked_});
}

/// Between the list and the look a table may have been merged away, a log finished: only what is missing twice is.
std::optional<rocksdb_files::missing_files> rocksdb_files::missing(bool all) const {
  return look(all) ? look(all) : std::nullopt;
}

std::optional<rocksdb_files::missing_files> rocksdb_files::look(bool all) const {
  const auto directory = identity_of(path_);
  if (!directory) return missing_files{false, "the directory of the store is missing"};
  if (*directory != directory_) return missing_files{false, "another directory has taken the place of the store's"};
  if (!identity_of(path_ + "/CURRENT")) return missing_files{false, "files of the store are missing: CURRENT"};
  if (all) {
    std::vector<std::string> names;
    std::uint64_t manifest_bytes = 0;
    if (db_->GetLiveFiles(names, &manifest_bytes, false).ok()) {
      for (const std::string& name : names) {
        if (name.starts_with("/OPTIONS") || identity_of(path_ + name)) continue;
        return missing_files{false, "files of the store are missing: " + name.substr(1)};
      }
    }
  }
  std::unique_ptr<rocksdb::LogFile> log;
  if (!read_only() && !db_->GetCurrentWalFile(&log).ok()) return missing_files{true, "the log of the store is missing"};
  return std::nullopt;
}

}  // namespace reveille
