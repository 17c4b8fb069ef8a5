#include "engine/store/database_log.hpp"

#include <array>
#include <cstdio>
#include <utility>

namespace reveille {

database_log::database_log(store_listener tell, const clock& time)
    : Logger(rocksdb::InfoLogLevel::WARN_LEVEL), tell_(std::move(tell)), time_(time) {}

void database_log::Logv(const char* format, va_list arguments) {
  Logv(rocksdb::InfoLogLevel::WARN_LEVEL, format, arguments);
}

void database_log::Logv(rocksdb::InfoLogLevel level, const char* format, va_list arguments) {
  if (level < rocksdb::InfoLogLevel::WARN_LEVEL || level == rocksdb::InfoLogLevel::HEADER_LEVEL || !tell_) return;
  std::array<char, longest_line> text;
  if (std::vsnprintf(text.data(), text.size(), format, arguments) < 0) return;
  const std::lock_guard lock(mutex_);
  const steady_time now = time_.now().steady;
  if (now - minute_ >= std::chrono::minutes(1)) {
    minute_ = now;
    lines_ = 0;
  }
  if (++lines_ > lines_a_minute) {
    ++left_out_;
    return;
  }
  std::string line = std::string("RocksDB: ") + text.data();
  while (line.ends_with('\n')) line.pop_back();
  if (left_out_ != 0) line += " (" + std::to_string(std::exchange(left_out_, 0)) + " lines before it were left out)";
  const bool error = level >= rocksdb::InfoLogLevel::ERROR_LEVEL;
  tell_({error ? store_notice::weight::error : store_notice::weight::warning, std::move(line)});
}

}  // namespace reveille
