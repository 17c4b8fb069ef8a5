/// The AORs of which the store has, or may soon have, anything. So a phone's first REGISTER, and a call to nobody, need
/// not wait for a look into the database.
///
/// Begins with what the database holds when it is opened, read by a thread of its own at the lowest priority (about a
/// second per million AORs); until that is done nobody is surely absent. A database that is empty needs no reading.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/store/aor_filter.hpp"

namespace rocksdb {
class ColumnFamilyHandle;
}

namespace reveille {

class rocksdb_files;

/// Threads: add() and surely_absent() from any, the rest from one.
class known_aors {
 public:
  explicit known_aors(hash_key key) : filter_(key) {}

  /// Before a write of that AOR is submitted.
  void add(std::string_view of) { filter_.add(of); }
  /// True: nothing of this AOR is stored, and whoever asks has submitted no write of it.
  bool surely_absent(std::string_view of) const {
    return complete_.load(std::memory_order_acquire) && !filter_.may_contain(of);
  }
  /// AORs with bindings among those read so far.
  std::uint64_t found() const { return found_.load(std::memory_order_relaxed); }
  bool complete() const { return complete_.load(std::memory_order_acquire); }
  std::size_t bytes() const { return filter_.bytes(); }

  enum class progress : std::uint8_t { more, done, unreadable };
  /// Reads the next few thousand keys. `files` may be another opening of the same database at each call.
  progress read_some(rocksdb_files& files);

 private:
  aor_filter filter_;
  std::atomic<bool> complete_{false};
  std::atomic<std::uint64_t> found_{0};
  std::size_t family_ = 0;   ///< the one that is being read
  std::string last_;         ///< the key with which to go on; "" = from the start
};

}  // namespace reveille
