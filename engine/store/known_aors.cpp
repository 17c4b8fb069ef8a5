#include "engine/store/known_aors.hpp"

#include <array>
#include <memory>

#include "engine/store/record_codec.hpp"
#include "engine/store/rocksdb_files.hpp"

namespace reveille {
namespace {

constexpr std::size_t keys_a_step = 4096;  ///< milliseconds: closing and reopening the store wait for one step

}  // namespace

known_aors::progress known_aors::read_some(rocksdb_files& files) {
  const std::array families{files.bindings(), files.bucket(), files.parked()};
  rocksdb::ReadOptions options;
  options.total_order_seek = true;
  options.fill_cache = false;  // the blocks are wanted once
  const std::unique_ptr<rocksdb::Iterator> at(files.db().NewIterator(options, families[family_]));
  if (last_.empty()) {
    at->SeekToFirst();
  } else {
    at->Seek(last_);  // where the last step stopped, before reading it
  }
  std::size_t read = 0;
  for (; at->Valid() && read < keys_a_step; at->Next(), ++read) {
    // A damaged key belongs to nobody: no load would find it either.
    if (family_ == 0) found_.fetch_add(1, std::memory_order_relaxed);
    if (const auto parts = record_codec::parse_key({at->key().data(), at->key().size()})) filter_.add(parts->of);
  }
  if (!at->status().ok()) return progress::unreadable;
  if (at->Valid()) {
    last_.assign(at->key().data(), at->key().size());
    return progress::more;
  }
  last_.clear();
  if (++family_ < families.size()) return progress::more;
  complete_.store(true, std::memory_order_release);
  return progress::done;
}

}  // namespace reveille
