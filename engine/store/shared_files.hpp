/// The open database as the store's threads share it: one may close it and open it again while the others keep away.
#pragma once

#include <memory>
#include <mutex>
#include <shared_mutex>
#include <utility>

#include "engine/store/rocksdb_files.hpp"

namespace reveille {

class shared_files {
 public:
  explicit shared_files(std::unique_ptr<rocksdb_files> open) : files_(std::move(open)) {}

  /// Any thread: calls `use` with the database, or nullptr while it could not be opened again.
  template <class Use>
  decltype(auto) with(Use&& use) const {
    const std::shared_lock lock(mutex_);
    return std::forward<Use>(use)(files_.get());
  }

  /// The thread that alone reopens, so needs no lock to look.
  rocksdb_files* mine() { return files_.get(); }
  rocksdb::Status reopen(const rocksdb_options& options) {
    const std::unique_lock lock(mutex_);
    files_.reset();
    auto opened = rocksdb_files::open(options);
    if (!opened) return rocksdb::Status::IOError(opened.error().what);
    files_ = std::move(*opened);
    return rocksdb::Status::OK();
  }

 private:
  mutable std::shared_mutex mutex_;
  std::unique_ptr<rocksdb_files> files_;
};

}  // namespace reveille
