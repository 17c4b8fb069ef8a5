/// The open database as the store's threads share it: one may close it and open it again while the others keep away.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
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
  /// @return what is wrong; it may be open for reading all the same
  std::optional<std::string> reopen(const rocksdb_options& options, const clock& time) {
    const std::unique_lock lock(mutex_);
    files_.reset();
    auto opened = rocksdb_files::open(options, time, rocksdb_files::wanted::existing);
    if (!opened) return opened.error().what;
    files_ = std::move(*opened);
    return files_->read_only() ? std::optional(files_->read_only_because()) : std::nullopt;
  }

 private:
  mutable std::shared_mutex mutex_;
  std::unique_ptr<rocksdb_files> files_;
};

}  // namespace reveille
