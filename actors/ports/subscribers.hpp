/// Port: the subscribers that are at home on one shard. actors/runtime/home is the real one; tests use a fake.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "actors/events.hpp"
#include "actors/ports/home_outlet.hpp"
#include "actors/ports/store.hpp"
#include "core/time.hpp"

namespace reveille {

/// What the entrance may know of an AOR without waking it, to choose whom to refuse under load (ARCHITECTURE 3).
enum class subscriber_standing : std::uint8_t {
  absent,    ///< not resident: a new registration, or one that must be loaded
  resident,  ///< in memory, nothing waits for it
  awaited,   ///< a call is parked for it: its REGISTER is never refused
};

/// Threads: all calls on the shard's thread. Effects reach the outlet before the call returns.
class subscribers {
 public:
  virtual ~subscribers() = default;

  /// Hands the event to the AOR's actor, loading it first when it is not resident.
  /// @return false when a bound refused it (queue or loads): the shard answers 503 where there is something to answer.
  virtual bool deliver(aor_key key, std::string_view name, subscriber_event&& event, const instant& now) = 0;
  /// For events that only make sense to a resident subscriber (responses, push answers): dropped when it is not there.
  virtual bool deliver_if_resident(aor_key key, subscriber_event&& event, const instant& now) = 0;
  /// Asks the CPU for the directory entry of a message that is about to be delivered.
  virtual void prefetch(aor_key key) const = 0;
  /// Then for what that leads to, one pointer further with each step from 0 to prefetch_steps - 1: a step for a whole
  /// batch gives the memory time to answer before the next.
  static constexpr unsigned prefetch_steps = 4;
  virtual void prefetch_further(aor_key key, unsigned step) const {
    static_cast<void>(key);
    static_cast<void>(step);
  }
  /// One look into the directory; asked only while the entrance refuses somebody.
  virtual subscriber_standing standing(aor_key key) const = 0;

  virtual void on_loaded(aor_key key, const aor& name, store_token token,
                         result<std::optional<subscriber_record>>&& record, const instant& now) = 0;
  virtual void on_written(aor_key key, const aor& name, store_token token, bool ok, const instant& now) = 0;
  virtual void on_timer(const instant& now) = 0;
  virtual std::optional<steady_time> next_due() const = 0;
};

/// Makes the subscribers of one shard; they live as long as the shard and perform their effects on `outlet`.
using subscribers_factory = std::function<std::unique_ptr<subscribers>(home_outlet& outlet, const instant& start)>;

}  // namespace reveille
