/// Syncs the log `every` so often while something was written (durability::process): what a loss of power may take.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "core/slots.hpp"
#include "core/time.hpp"
#include "engine/store/shared_files.hpp"

namespace reveille {

class log_syncer {
 public:
  /// @param paused while true nothing is synced: the disk has failed and is being recovered
  /// @param on_failure called on the syncing thread
  log_syncer(const shared_files& files, const clock& time, milliseconds every, const std::atomic<bool>& paused,
             std::function<void()> on_failure);
  log_syncer(const log_syncer&) = delete;
  log_syncer& operator=(const log_syncer&) = delete;

  /// Something was written. Any thread.
  void wanted();

  /// A sync has failed since the last forget(). Any thread.
  bool failed() const { return failed_.load(); }
  void forget_failure() { failed_.store(false); }
  std::uint64_t failures() const { return failures_.value(); }
  /// What the last failed sync said.
  std::string error() const;

 private:
  void run(const std::stop_token& stop);
  void sync();

  const shared_files& files_;
  const clock& time_;
  const milliseconds every_;
  const std::atomic<bool>& paused_;
  const std::function<void()> on_failure_;
  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  bool unsynced_ = false;
  std::string error_;
  std::atomic<bool> failed_{false};
  slot failures_;
  std::jthread thread_;  ///< last: it uses all above; stopped and joined first
};

}  // namespace reveille
