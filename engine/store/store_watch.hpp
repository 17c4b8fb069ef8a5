/// Looks at something again and again on a thread of its own, since a look at a disk may take as long as the disk does.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

namespace reveille {

class store_watch {
 public:
  enum class look : std::uint8_t { brief, thorough };
  static constexpr std::uint32_t thorough_each = 10;  ///< looks: one table costs a microsecond, a store has thousands

  store_watch(std::chrono::milliseconds every, std::function<void(look)> take)
      : every_(every), take_(std::move(take)), thread_([this](const std::stop_token& stop) { run(stop); }) {}
  store_watch(const store_watch&) = delete;
  store_watch& operator=(const store_watch&) = delete;

 private:
  void run(const std::stop_token& stop);

  const std::chrono::milliseconds every_;
  const std::function<void(look)> take_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;  ///< last: it uses all above; stopped and joined first
};

}  // namespace reveille
