#include "core/system_ports.hpp"

#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>

namespace reveille {

instant system_clock_port::now() const {
  return {std::chrono::time_point_cast<nanoseconds>(std::chrono::steady_clock::now()),
          std::chrono::time_point_cast<milliseconds>(std::chrono::system_clock::now())};
}

std::uint64_t system_random::next() {
  if (left_ == 0) {
    // getrandom() of up to 256 bytes is neither interrupted nor short once the pool is up (getrandom(2)).
    if (::getrandom(pool_, sizeof pool_, 0) != static_cast<ssize_t>(sizeof pool_)) std::abort();
    left_ = std::size(pool_);
  }
  return pool_[--left_];
}

void let_others_go_first() {
  constexpr int lowest_priority = 19;  // nice(2)
  static_cast<void>(::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), lowest_priority));
}

}  // namespace reveille
