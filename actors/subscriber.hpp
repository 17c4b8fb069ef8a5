/// One address-of-record: bindings, push bucket, parked calls, response contexts. The decisions of SPEC 2 to 4.
///
/// Pure: events and the time go in, effects come out; actors/behaviors performs them. Runs on its home shard's thread
/// only. The parts are classes of their own: registration, push_bucket, parked_call, sip::response_context.
#pragma once

#include <memory>
#include <optional>

#include "actors/effects.hpp"
#include "actors/events.hpp"
#include "core/random.hpp"
#include "core/slab.hpp"
#include "core/time.hpp"

namespace reveille {

class stored_aors;         // actors/stored_aors.hpp
struct subscriber_config;  // actors/subscriber_config.hpp

/// What every subscriber of a shard shares. Outlives them.
struct shard_context {
  const subscriber_config& config;
  slab_pool& pool;
  random_source& random;
  shard_id home;
  std::uint64_t process = 0;   ///< drawn at the start of the process, never 0 there: whose writes are our own (ARCHITECTURE 3)
  stored_aors* stored = nullptr;   ///< of the node; null: as many as come
};

class subscriber {
 public:
  /// A subscriber that was never stored: nullptr record. @pre record, if any, is of this AOR.
  subscriber(const shard_context& around, aor_key key, aor name, const subscriber_record* record, const instant& now);
  ~subscriber();
  subscriber(const subscriber&) = delete;
  subscriber& operator=(const subscriber&) = delete;

  /// Appends to `out`, in the order in which they must be performed.
  void apply(const subscriber_event& event, const instant& now, effects& out);

  const aor& name() const;
  aor_key key() const;
  /// True when it may leave memory: no call, no round of missed calls, no timer, no unacknowledged or unwritten change.
  bool at_rest() const;
  /// True when an address that waits to be written behind is all that keeps it in memory.
  bool waits_only_to_write() const;
  /// When an address that waits to be written behind is all that keeps it in memory: that write. Once the store has taken
  /// it the subscriber may leave; nobody need hear how it ended (an address is soft, ARCHITECTURE 3).
  std::optional<store_mutation> unwritten() const;
  /// True when there is nothing to store either: it leaves at once (a stranger's AOR).
  bool unknown() const;
  std::size_t binding_count() const;
  std::size_t parked_count() const;
  std::size_t resident_bytes() const;
  /// Asks the CPU for what a REGISTER will touch, one pointer further with each step from 0 to 2.
  void prefetch(unsigned step) const;

 private:
  struct state;                    // the owner of this file decides how it is laid out (budget: docs/roadmap.md, 1 KB)
  std::unique_ptr<state> state_;
};

}  // namespace reveille
