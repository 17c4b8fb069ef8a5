/// Port: what a home cannot do itself. The shard implements it.
#pragma once

#include "actors/effects.hpp"

namespace reveille {

/// Threads: called on the home shard's thread, inside home::deliver and what is like it, in the order of the effects.
class home_outlet {
 public:
  virtual ~home_outlet() = default;
  /// One of send, respond, forward, cancel_branch, resend_branch, push, withdraw_push, note. Timers and writes never come here.
  virtual void perform(aor_key key, effect&& what, const instant& now) = 0;
};

}  // namespace reveille
