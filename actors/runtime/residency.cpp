#include "actors/runtime/residency.hpp"

#include <algorithm>

namespace reveille {
namespace {

/// How far the clock hand goes for one newcomer: about a microsecond of memory. Who is not found then stands over the
/// bound for a while, and the hand goes on with the next one.
constexpr std::size_t leaver_entries = 256;
constexpr std::size_t leaver_actors = 16;
/// Who leaves for one newcomer or event at most: a fat one takes the place of many.
constexpr std::size_t leavers_a_turn = 64;

}  // namespace

residency::residency(const home_config& config, departures& home, bool addresses_bind)
    : config_(config),
      home_(home),
      addresses_bind_(addresses_bind),
      all_(std::min(config.reserve, config.places())) {}  // sparse, the clock hand would walk for nothing

void residency::add(subscriber_actor& a) {
  all_.insert(a.key(), a);
  if (a.resident() == nullptr) {
    ++unread_;
  } else {
    count(a);
  }
}

void residency::arrived(subscriber_actor& a) {
  --unread_;
  count(a);
}

void residency::remove(subscriber_actor& a) {
  if (a.resident() == nullptr) --unread_;
  bytes_ -= a.counted_bytes;
  a.counted_bytes = 0;
  all_.erase(a.key());
}

void residency::count(subscriber_actor& a) {
  const auto now =
      static_cast<std::uint32_t>(std::min<std::size_t>(sizeof a + a.resident()->resident_bytes(), 0xffffffff));
  bytes_ = bytes_ - a.counted_bytes + now;
  a.counted_bytes = now;
}

residency::entry residency::admit() {
  if (!crowded(1)) return entry::granted;
  make_room(1);
  // Now somebody must be found, if there is anybody: all are asked, once until the directory has room again.
  while ((too_many() || too_many_bytes()) && !nobody_may_leave_) {
    subscriber_actor* leaver = any_leaver();
    nobody_may_leave_ = leaver == nullptr;
    if (leaver == nullptr || !home_.let_go(*leaver)) break;
  }
  if (too_many()) return entry::too_many;
  return too_many_bytes() ? entry::too_many_bytes : entry::granted;
}

void residency::make_room(std::size_t more) {
  if (!crowded(more)) {
    nobody_may_leave_ = false;
    return;
  }
  for (std::size_t most = leavers_a_turn; most > 0 && crowded(more) && !nobody_may_leave_; --most) {
    subscriber_actor* leaver = next_leaver();
    if (leaver == nullptr || !home_.let_go(*leaver)) return;
  }
}

bool residency::may_leave(const subscriber_actor& a) {
  return a.resident() != nullptr && a.resident()->at_rest() && a.idle();
}

bool residency::must_leave(const subscriber_actor& a) const {
  return nobody_may_leave_ && crowded(0) && (may_leave(a) || may_leave_once_written(a));
}

bool residency::crowded(std::size_t more) const {
  return all_.size() - unread_ + more > config_.resident_limit || bytes_ > config_.resident_bytes;
}

bool residency::too_many() const {
  const std::size_t slack = addresses_bind_ ? 0 : config_.loads_in_flight;
  return all_.size() - unread_ >= config_.resident_limit + slack;
}

bool residency::too_many_bytes() const { return bytes_ > config_.resident_bytes + config_.resident_bytes / 8; }

subscriber_actor* residency::next_leaver() {
  subscriber_actor* with_address = nullptr;
  subscriber_actor* at_rest = all_.choose_leaver(leaver_entries, leaver_actors, [&](subscriber_actor& a) {
    if (may_leave(a)) return true;
    if (with_address == nullptr && may_leave_once_written(a)) with_address = &a;
    return false;
  });
  return at_rest != nullptr ? at_rest : with_address;
}

subscriber_actor* residency::any_leaver() {
  return all_.choose_leaver(all_.capacity(), 2 * all_.size(), [&](const subscriber_actor& a) {
    return may_leave(a) || may_leave_once_written(a);
  });
}

bool residency::may_leave_once_written(const subscriber_actor& a) const {
  return a.resident() != nullptr && a.resident()->waits_only_to_write() && a.idle() && !addresses_bind_;
}

}  // namespace reveille
