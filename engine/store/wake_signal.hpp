/// Wakes one sleeping consumer of a lock-free queue. Ringing costs a fence and a load unless it really sleeps.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

namespace reveille {

/// Threads: ring() from any, sleep_until() from one.
class wake_signal {
 public:
  /// After the work was made visible.
  void ring() {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (!asleep_.load(std::memory_order_relaxed)) return;
    const std::lock_guard lock(mutex_);
    asleep_.store(false, std::memory_order_relaxed);
    wake_.notify_one();
  }

  /// Sleeps until rung, until `until`, or not at all when `has_work()`.
  template <class HasWork>
  void sleep_until(std::chrono::steady_clock::time_point until, HasWork&& has_work) {
    std::unique_lock lock(mutex_);
    asleep_.store(true, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (!has_work()) {
      wake_.wait_until(lock, until, [this] { return !asleep_.load(std::memory_order_relaxed); });
    }
    asleep_.store(false, std::memory_order_relaxed);
  }

 private:
  std::atomic<bool> asleep_{false};
  std::mutex mutex_;
  std::condition_variable wake_;
};

}  // namespace reveille
