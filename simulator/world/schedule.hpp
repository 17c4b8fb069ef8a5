/// What may happen next in the virtual world: one thread, one clock, one seed.
///
/// Every datagram, hand-over, timer, store completion and push answer is an item with a random delay, so that each
/// seed is another interleaving. Items of one channel keep their order, as the real hand-overs do.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "core/random.hpp"
#include "core/time.hpp"

namespace reveille::world {

class schedule {
 public:
  using action = std::function<void()>;

  schedule(std::uint64_t seed, const instant& start) : random_(seed), now_(start) {}

  const instant& now() const { return now_; }
  random_source& random() { return random_; }

  void after(nanoseconds delay, action what) { insert(now_.steady + delay, std::move(what)); }
  void at(steady_time due, action what) { insert(std::max(due, now_.steady), std::move(what)); }
  /// In order with what was put on the same channel before.
  void in_order(const std::string& channel, nanoseconds delay, action what) {
    steady_time& last = channels_[channel];
    last = std::max(last + nanoseconds(1), now_.steady + delay);
    insert(last, std::move(what));
  }

  /// Runs the earliest item; among items of the same instant the seed picks. @return false when nothing waits.
  bool step() {
    if (items_.empty()) return false;
    auto first = items_.begin();
    advance_to(first->first.due);
    action what = std::move(first->second);
    items_.erase(first);
    ++steps_;
    what();
    return true;
  }
  /// Runs what is due before `end`, then stands at `end`.
  void run_until(steady_time end) {
    while (!items_.empty() && items_.begin()->first.due <= end) step();
    advance_to(end);
  }

  std::uint64_t steps() const { return steps_; }

  /// Uniform in [low, high].
  nanoseconds between(nanoseconds low, nanoseconds high) {
    return low + nanoseconds(static_cast<std::int64_t>(
                     random_.below(static_cast<std::uint64_t>((high - low).count()) + 1)));
  }
  bool chance(double probability) { return random_.unit() < probability; }

  /// A digest of all that was noted: the same seed gives the same number.
  void mix(std::uint64_t what) { trace_ = (trace_ ^ what) * 0x100000001b3U; }
  void mix(std::string_view what) {
    for (char c : what) mix(static_cast<std::uint64_t>(static_cast<unsigned char>(c)));
    mix(static_cast<std::uint64_t>(now_.steady.time_since_epoch().count()));
  }
  std::uint64_t trace() const { return trace_; }

 private:
  struct position {
    steady_time due;
    std::uint64_t lot;  ///< drawn: decides between items of one instant
    std::uint64_t serial;
    auto operator<=>(const position&) const = default;
  };
  void insert(steady_time due, action what) {
    items_.emplace(position{due, random_.next(), ++serial_}, std::move(what));
  }
  void advance_to(steady_time t) {
    if (t <= now_.steady) return;
    // Wall time keeps its distance to steady time, to the millisecond.
    const nanoseconds ahead = t - now_.steady + wall_rest_;
    const auto whole = std::chrono::floor<milliseconds>(ahead);
    now_.wall += whole;
    wall_rest_ = ahead - whole;
    now_.steady = t;
  }

  seeded_random random_;
  instant now_;
  nanoseconds wall_rest_{0};
  std::map<position, action> items_;
  std::map<std::string, steady_time> channels_;
  std::uint64_t serial_ = 0;
  std::uint64_t steps_ = 0;
  std::uint64_t trace_ = 0xcbf29ce484222325U;
};

}  // namespace reveille::world
