/// What store tests share: an inbox that can be waited on, and records that are easy to tell apart.
#pragma once

#include "actors/ports/store.hpp"
#include "core/system_ports.hpp"

#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace reveille::store_testing {

/// Keeps every answer in the order in which it came.
class inbox final : public store_answers {
 public:
  struct answer {
    aor of;
    store_token token;
    bool ok = false;
    bool was_load = false;
    std::optional<subscriber_record> record;
  };

  void loaded(aor_key, const aor& of, store_token token, result<std::optional<subscriber_record>> record) override {
    const bool ok = record.has_value();
    add({of, token, ok, true, ok ? std::move(*record) : std::nullopt});
  }
  void written(aor_key, const aor& of, store_token token, bool ok) override {
    add({of, token, ok, false, std::nullopt});
  }

  /// Waits until `count` answers have come (20 s at most: then the test fails on what is missing).
  std::vector<answer> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    arrived_.wait_for(lock, std::chrono::seconds(20), [&] { return answers_.size() >= count; });
    return answers_;
  }
  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return answers_.size();
  }

 private:
  void add(answer&& a) {
    const std::lock_guard lock(mutex_);
    answers_.push_back(std::move(a));
    arrived_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<answer> answers_;
};

/// The real clock with a calendar of the test's own.
class calendar final : public clock {
 public:
  instant now() const override { return {real_.now().steady, today}; }
  wall_time today{};

 private:
  system_clock_port real_;
};

/// A directory of its own, gone when the test is over.
class scratch_directory {
 public:
  scratch_directory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "reveille-store-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~scratch_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  scratch_directory(const scratch_directory&) = delete;
  scratch_directory& operator=(const scratch_directory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline call_ref call_number(std::uint8_t n) {
  call_ref c;
  c.bytes.fill(n);
  return c;
}
inline wall_time at(std::int64_t second) {
  return wall_time(seconds(second));
}
inline bucket_entry entry_number(std::uint8_t n) {
  return {call_number(n), "10" + std::to_string(n), "Name " + std::to_string(n), at(1000 + n), at(1030 + n), false};
}
inline parked_invite invite_number(std::uint8_t n, std::int64_t deadline = 1030) {
  return {call_number(n), "INVITE sip:ann@example.com SIP/2.0\r\n\r\n", "udp", at(1000), at(deadline)};
}
inline aor_key key_of(const aor& of) {
  return {std::hash<aor>{}(of)};
}
inline constexpr shard_id here{0};

}  // namespace reveille::store_testing
