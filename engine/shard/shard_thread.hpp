/// The thin thread around a shard: sockets, inbox, timer, clock; no decisions.
///
/// One turn: read the clock once, take what came (timers, inbox, datagrams, each up to a bound), let the shard work,
/// hand the answers to the kernel in one batch. Other threads reach the shard through a lock-free inbox, one wake-up a
/// burst.
///
/// Threads: made, started and destroyed on the main thread; what is marked "any thread" from any. The shard inside lives
/// and dies on its own thread. Its pool must outlive every shard of the process: slabs travel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/ports/store.hpp"
#include "actors/runtime/home.hpp"
#include "core/slots.hpp"
#include "engine/shard/shard.hpp"
#include "net/udp/udp_socket.hpp"

namespace reveille {

class actor_host;

struct shard_thread_config {
  shard_id self;
  std::vector<endpoint> listen;            ///< one UDP socket each, shared with the other shards (SO_REUSEPORT)
  udp_config udp;
  home_config home;
  std::size_t datagrams_a_turn = 128;      ///< then the inbox and the timers have their turn
  std::size_t inbox_a_turn = 1024;
  std::size_t inbox_limit = 1 << 16;       ///< that wait, before what begins work is refused: has_room_for()
};

/// Read by the scrape; refreshed by the shard at most ten times a second while it works.
struct shard_thread_counters {
  home_counters home;
  udp_counters udp;                        ///< of all its sockets
  std::uint64_t turns = 0;
  std::uint64_t inbox_items = 0, inbox_dropped = 0;
  std::uint64_t turns_failed = 0;          ///< that found no memory
  nanoseconds busy{0};                     ///< time spent in turns
  nanoseconds queue_delay{0};              ///< how long the oldest of the last batch had waited, in the kernel and in inboxes
  std::size_t pool_bytes = 0;
  std::uint64_t pool_refused = 0;
};

class shard_thread final : public store_answers {
 public:
  struct shard_thread_context {
    const shard_config& shard;
    const subscriber_config& subscribers;
    actor_host& actors;
    slab_pool& pool;
    store& durable;
    push_gateway& pushes;
    const clock& time;
    shard_notes* notes = nullptr;
    stored_aors* stored = nullptr;   ///< null: no bound
  };

  /// Opens the sockets; errors are the operator's to read.
  static result<std::unique_ptr<shard_thread>> open(const shard_thread_config& config, const shard_thread_context& around);
  /// stop() if it runs.
  ~shard_thread() override;
  shard_thread(const shard_thread&) = delete;
  shard_thread& operator=(const shard_thread&) = delete;

  /// @param all every shard of the node by its number, this one among them; they outlive this one's run.
  void start(std::vector<shard_thread*> all);
  /// Once after start(). Returns when the shard serves. @throws std::bad_alloc when its tables found no memory.
  void await_start();
  /// Refuses new calls from now on (SPEC 9). Any thread.
  void drain();
  /// After drain(): nothing is in flight any more. Any thread.
  bool idle() const;
  /// Ends the thread after its current turn; what is in the inbox is lost. Main thread.
  void stop();

  /// The addresses that were bound, in the order of `listen`.
  std::vector<endpoint> listening() const;

  // Any thread.
  void hand_over(reveille::hand_over&& what);
  void push_answered(pns::push_answer&& answer);
  void loaded(aor_key key, const aor& of, store_token token, result<std::optional<subscriber_record>> record) override;
  void written(aor_key key, const aor& of, store_token token, bool ok) override;
  void all_written(std::vector<written_answer>&& batch) override;
  /// Runs `ask` on the shard's thread, between turns: for questions of the admin API. Lost when the thread has stopped.
  void ask(std::function<void(reveille::shard& shard, const instant& now)> ask);

  /// Any thread. The shard's own, or null before start() has made the shard.
  const shard_counters* shard_counters_now() const;
  shard_thread_counters counters() const;

 private:
  class impl;
  explicit shard_thread(std::unique_ptr<impl> made);
  std::unique_ptr<impl> impl_;
};

}  // namespace reveille
