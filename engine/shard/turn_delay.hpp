/// How late the work is that a shard's thread takes in one turn, and since when the process has had what is in hand.
///
/// One delay a turn, the longest: were each socket and the inbox to tell theirs, an idle one would hide a late one.
///
/// Pure. Threads: one.
#pragma once

#include <algorithm>
#include <optional>

#include "core/time.hpp"

namespace reveille {

class turn_delay {
 public:
  void begin(steady_time now) {
    now_ = in_hand_since_ = now;
    longest_.reset();
  }
  /// The next thing from the inbox is handled now.
  /// @param since when the process had it; the clock's beginning for what is no hand-over: answers that nobody is late with
  void from_inbox(steady_time since) {
    const bool tells = since != steady_time{};
    // Once more handed over, it has still waited since the kernel had it.
    in_hand_since_ = tells ? since : now_;
    // A shard whose turn began later may have handed it over: it has not waited less than not at all.
    if (tells) count(std::max(nanoseconds{0}, now_ - since));
  }
  /// A batch of datagrams is handled now, whose oldest has waited so long in the kernel.
  void from_socket(nanoseconds waited) {
    in_hand_since_ = now_ - waited;
    count(waited);
  }
  /// All was taken; what the shard does now it does by itself.
  void all_taken() { in_hand_since_ = now_; }

  /// Of all that was taken since begin(); nullopt: nothing was that could be late.
  std::optional<nanoseconds> longest() const { return longest_; }
  /// What a hand-over that is made now is said to have waited since.
  steady_time in_hand_since() const { return in_hand_since_; }

 private:
  void count(nanoseconds waited) { longest_ = std::max(longest_.value_or(nanoseconds{0}), waited); }

  steady_time now_{};
  steady_time in_hand_since_{};
  std::optional<nanoseconds> longest_;
};

}  // namespace reveille
