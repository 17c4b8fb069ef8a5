/// Owns the process's caf::actor_system. Subscribers are spawned in it but run by their homes (home.hpp); its own
/// scheduler serves only the few ordinary actors.
///
/// Threads: made and destroyed on the main thread, after resp. before everything that holds an actor; on_mail() before
/// the homes start, the rest from any thread.
#pragma once

#include <functional>
#include <memory>

#include "core/ids.hpp"

namespace caf {
class actor_system;
}

namespace reveille {

enum class actor_scheduling : unsigned char {
  threaded,  ///< one CAF worker, policy `sharing`: idle costs nothing (CAF's own default polls)
  stepped,   ///< no thread at all: the virtual world and tests
};

class actor_host {
 public:
  explicit actor_host(actor_scheduling how);
  ~actor_host();
  actor_host(const actor_host&) = delete;
  actor_host& operator=(const actor_host&) = delete;

  caf::actor_system& system();

  /// Tells how the home on `shard` is woken when an actor of its gets mail from another thread: `wake` is called on that
  /// thread, at most once a burst, and must outlive whoever may still send. @pre no home was made. Without one, next_due() of the home says "now".
  void on_mail(shard_id shard, std::function<void()> wake);
  const std::function<void()>& waker(shard_id shard) const;  ///< empty when none was given

 private:
  class impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace reveille
