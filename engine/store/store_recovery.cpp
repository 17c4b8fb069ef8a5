#include "engine/store/store_recovery.hpp"

#include <system_error>

namespace reveille {

std::optional<std::string> recover(shared_files& shared, const rocksdb_options& options, const clock& time) {
  rocksdb_files* files = shared.mine();
  if (files != nullptr) {
    const auto missing = files->missing(true);
    if (missing && !missing->curable) return missing->text;
  }
  if (const auto refused = write_refused(options.path)) return std::generic_category().message(*refused);
  if (files == nullptr || files->read_only()) return shared.reopen(options, time);

  rocksdb::Status status = files->db().Resume();
  if (status.IsBusy()) return "RocksDB is recovering";
  // A failed write may have left half a record at the log's end, a failed sync may have lost pages that the kernel
  // calls clean, and a removed log will not be found again: memory has it all.
  if (status.ok()) status = files->write_anew();
  if (status.ok()) return std::nullopt;
  if (status.severity() < rocksdb::Status::Severity::kFatalError) return status.ToString();
  return shared.reopen(options, time);  // the disk takes writes, but this database will not go on
}

}  // namespace reveille
