/// Hands pushes from the mock providers' thread to the load thread, which sleeps in epoll.
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "core/time.hpp"
#include "mock_providers/delivery/device_sink.hpp"
#include "simulator/load/push_payload.hpp"

namespace reveille::load {

/// deliver() on any thread, take() on the load thread. One lock a push and a batch: thousands a second, not millions.
class push_feed final : public mock_providers::device_sink {
 public:
  /// Pushes waiting at most; beyond it they are dropped and counted (the load thread has stopped reading).
  static constexpr std::size_t max_waiting = 1 << 20;

  /// @param time_source outlives the feed.
  explicit push_feed(const clock& time_source);
  ~push_feed() override;
  push_feed(const push_feed&) = delete;
  push_feed& operator=(const push_feed&) = delete;

  void deliver(const mock_providers::delivery& what) override;
  /// Readable while something waits.
  int descriptor() const { return event_; }
  /// Swaps out what has arrived; `into` is cleared first.
  void take(std::vector<push_seen>& into);
  std::uint64_t dropped() const;

 private:
  const clock& clock_;
  int event_;
  mutable std::mutex mutex_;
  std::vector<push_seen> waiting_;
  std::uint64_t dropped_ = 0;
};

}  // namespace reveille::load
