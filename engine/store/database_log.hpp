/// RocksDB's own log, which goes to ours: a file of its own beside the data would be the first thing that a full disk
/// refuses, and RocksDB does not survive that (Debian's aborts in an assertion).
#pragma once

#include "core/time.hpp"
#include "engine/store/store_notice.hpp"

#include <rocksdb/env.h>

#include <cstdint>
#include <mutex>
#include <string>

namespace reveille {

/// Warnings and errors only: below that RocksDB names keys, which are AORs. Any thread; cannot fail.
class database_log final : public rocksdb::Logger {
 public:
  static constexpr std::uint32_t lines_a_minute = 10;
  static constexpr std::size_t longest_line = 400;

  /// @param time outlives the object
  database_log(store_listener tell, const clock& time);

  using rocksdb::Logger::Logv;
  void Logv(rocksdb::InfoLogLevel level, const char* format, va_list arguments) override;
  void Logv(const char* format, va_list arguments) override;
  void LogHeader(const char*, va_list) override {}  // its options: those of our configuration

 protected:
  rocksdb::Status CloseImpl() override { return rocksdb::Status::OK(); }

 private:
  const store_listener tell_;
  const clock& time_;
  std::mutex mutex_;
  steady_time minute_{};
  std::uint32_t lines_ = 0;     ///< in that minute
  std::uint64_t left_out_ = 0;  ///< since the last line
};

}  // namespace reveille
