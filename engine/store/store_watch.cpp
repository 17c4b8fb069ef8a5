#include "engine/store/store_watch.hpp"

namespace reveille {

void store_watch::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  for (std::uint32_t n = 1;; ++n) {
    wake_.wait_for(lock, stop, every_, [] { return false; });
    if (stop.stop_requested()) return;
    lock.unlock();
    take_(n % thorough_each == 0 ? look::thorough : look::brief);
    lock.lock();
  }
}

}  // namespace reveille
