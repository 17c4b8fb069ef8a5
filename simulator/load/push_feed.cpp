#include "simulator/load/push_feed.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <system_error>

namespace reveille::load {

push_feed::push_feed(const clock& time_source) : clock_(time_source), event_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (event_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

push_feed::~push_feed() { ::close(event_); }

void push_feed::deliver(const mock_providers::delivery& what) {
  const instant now = clock_.now();
  push_seen seen;
  seen.token = std::string(what.token);
  seen.id = std::string(what.id);
  seen.fcm = what.provider == pns::provider::fcm;
  seen.payload = std::string(what.payload);
  // The mock tells civil time; what lies between then and now is the same on every clock.
  seen.at_provider = now.steady - (now.wall - what.accepted_at);
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= max_waiting) {
      ++dropped_;
      return;
    }
    waiting_.push_back(std::move(seen));
  }
  const std::uint64_t one = 1;
  // Only a full counter can refuse, and then the reader is already being woken.
  [[maybe_unused]] const auto written = ::write(event_, &one, sizeof one);
}

void push_feed::take(std::vector<push_seen>& into) {
  into.clear();
  std::uint64_t count = 0;
  [[maybe_unused]] const auto size = ::read(event_, &count, sizeof count);
  const std::lock_guard lock(mutex_);
  waiting_.swap(into);
}

std::uint64_t push_feed::dropped() const {
  const std::lock_guard lock(mutex_);
  return dropped_;
}

}  // namespace reveille::load
