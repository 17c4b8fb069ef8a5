/// The home of the AORs that hash to one shard: their directory, their actors, their timers, their loads and writes.
///
/// Every AOR has a lean CAF actor, made when first needed (from the store), run on this shard's thread alone and put
/// away when idle (ARCHITECTURE 3 "Home", "Coming and leaving"; docs/adr has the measurements). CAF stays behind this header.
///
/// Threads: all calls on the shard's thread. Effects reach `outlet` before the call returns. The outlet may deliver
/// from inside perform(): that waits until the event being performed is done, still before the outermost call returns.
/// The store must not answer from inside try_load() or try_write() (its port says so).
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

#include "actors/events.hpp"
#include "actors/ports/home_outlet.hpp"
#include "actors/ports/store.hpp"
#include "actors/ports/subscribers.hpp"
#include "actors/runtime/home_config.hpp"
#include "actors/subscriber.hpp"

namespace caf {
class actor;
}

namespace reveille {

struct home_counters {
  std::uint64_t spawned = 0, left = 0, loads = 0, load_failures = 0;
  std::uint64_t loads_spared = 0;      ///< the store knew at once that there was nothing to load
  std::uint64_t queue_full = 0, loads_refused = 0, residents_refused = 0, writes_refused = 0, deferred_refused = 0;
  std::uint64_t bytes_refused = 0;     ///< newcomers that the bound on octets kept out
  std::uint64_t loads_late = 0;        ///< loads that waited longer than load_patience
  std::uint64_t left_early = 0;        ///< of `left`: whose address was written before its time
  std::uint64_t mail_refused = 0;      ///< CAF messages: mailbox full, or not understood
  std::uint64_t collisions = 0;        ///< two AORs of one key at once; the second is refused
  std::uint64_t handler_failures = 0;  ///< exceptions kept inside; always a bug of ours (or no memory)
  std::size_t resident = 0;
  std::size_t resident_bytes = 0;
  std::size_t loads_waiting = 0;
  std::size_t bindings = 0, parked = 0;   ///< of the residents
  std::size_t timers = 0;
};

class actor_host;  // actors/runtime/actor_host.hpp: owns the caf::actor_system, one a process

class home final : public subscribers {
 public:
  home(actor_host& host, const home_config& config, const shard_context& around, store& durable, home_outlet& outlet,
       steady_time start);
  ~home() override;

  /// Hands the event to the AOR's actor, loading it first when it is not resident.
  /// @return false when a bound refused it (queue or loads): the shard answers 503 where there is something to answer.
  bool deliver(aor_key key, std::string_view name, subscriber_event&& event, const instant& now) override;

  /// For events that only make sense to a resident subscriber (responses, push answers): dropped when it is not there.
  bool deliver_if_resident(aor_key key, subscriber_event&& event, const instant& now) override;

  /// Asks the CPU for the directory entry of a message that is about to be delivered (a batch is parsed first).
  void prefetch(aor_key key) const override;
  /// The actor, its subscriber, that one's name and bindings, their text.
  void prefetch_further(aor_key key, unsigned step) const override;

  /// `awaited` when a call is parked for it; for choosing whom to refuse under load.
  subscriber_standing standing(aor_key key) const override;

  void on_loaded(aor_key key, const aor& name, store_token token,
                 result<std::optional<subscriber_record>>&& record, const instant& now) override;
  void on_written(aor_key key, const aor& name, store_token token, bool ok, const instant& now) override;

  /// Runs what other threads sent to the actors of this home (CAF messages), and due timers.
  void on_timer(const instant& now) override;
  std::optional<steady_time> next_due() const override;

  const home_counters& counters() const;
  /// Lets everybody idle leave (shutdown, tests). @return how many are still busy.
  std::size_t retire_idle(const instant& now);

 private:
  friend caf::actor handle_of(home& of, aor_key key, std::string_view name, const instant& now);  // home_handles.hpp
  class impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace reveille
