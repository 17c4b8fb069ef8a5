/// Pushes per minute and key, in windows of one minute. Pure. Threads: one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/time.hpp"

namespace reveille::mock_providers {

class rate_limits {
 public:
  static constexpr std::size_t max_keys = 100'000;   ///< then all are forgotten

  /// @param per_minute 0 = no limit.
  explicit rate_limits(std::uint32_t per_minute) : per_minute_(per_minute) {}

  /// Counts one. @return 0 = within the limit, else the seconds until the window's end.
  std::int64_t add(std::string_view key, const instant& now) {
    if (per_minute_ == 0) return 0;
    if (windows_.size() >= max_keys) windows_.clear();
    window& w = windows_[std::string(key)];
    if (w.count == 0 || now.steady - w.begin >= seconds(60)) w = {now.steady, 0};
    if (++w.count <= per_minute_) return 0;
    return 60 - std::chrono::floor<seconds>(now.steady - w.begin).count();
  }

  std::uint32_t per_minute() const { return per_minute_; }
  std::size_t counted() const { return windows_.size(); }
  /// Calls `each(key, count, seconds until the window's end)` for keys that are over the limit, `at_most` of them.
  template <class Each>
  void for_each_over(const instant& now, std::size_t at_most, Each&& each) const {
    for (const auto& [key, w] : windows_) {
      const auto age = now.steady - w.begin;
      if (per_minute_ == 0 || w.count <= per_minute_ || age >= seconds(60)) continue;
      if (at_most-- == 0) return;
      each(std::string_view(key), w.count, 60 - std::chrono::floor<seconds>(age).count());
    }
  }

 private:
  struct window {
    steady_time begin;
    std::uint32_t count = 0;
  };
  std::uint32_t per_minute_;
  std::unordered_map<std::string, window> windows_;
};

}  // namespace reveille::mock_providers
