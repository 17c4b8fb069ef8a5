#include "engine/store/log_syncer.hpp"

#include <utility>

namespace reveille {

log_syncer::log_syncer(const shared_files& files, const clock& time, milliseconds every,
                       const std::atomic<bool>& paused, std::function<void()> on_failure)
    : files_(files),
      time_(time),
      every_(every),
      paused_(paused),
      on_failure_(std::move(on_failure)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

std::string log_syncer::error() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

void log_syncer::wanted() {
  const std::lock_guard lock(mutex_);
  if (unsynced_) return;
  unsynced_ = true;
  wake_.notify_one();
}

void log_syncer::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, stop, [this] { return unsynced_; });
    if (stop.stop_requested()) return;
    wake_.wait_for(lock, stop, every_, [] { return false; });
    unsynced_ = false;  // what is written from here on wants the next round
    lock.unlock();
    sync();
    lock.lock();
  }
}

void log_syncer::sync() {
  const rocksdb::Status status = files_.with([this](rocksdb_files* files) {
    if (files == nullptr || paused_.load(std::memory_order_relaxed)) return rocksdb::Status::OK();
    return files->sync_log(time_);
  });
  if (status.ok()) return;
  {
    const std::lock_guard lock(mutex_);
    error_ = status.ToString();
  }
  failures_.add();
  failed_.store(true);
  on_failure_();
}

}  // namespace reveille
