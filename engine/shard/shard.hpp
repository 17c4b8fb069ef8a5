/// One shard: SIP transactions, routing, and the home of its AORs, without I/O. A thin thread (engine/shard/shard_thread)
/// feeds it from sockets; the virtual world steps the same object.
///
/// Threads: one. FIFO per (sender shard, this shard) is all that is promised of hand-overs.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "actors/effects.hpp"
#include "actors/events.hpp"
#include "actors/ports/push_gateway.hpp"
#include "actors/ports/store.hpp"
#include "actors/ports/subscribers.hpp"
#include "core/flow.hpp"
#include "core/hash.hpp"
#include "core/random.hpp"
#include "sip/edit.hpp"
#include "sip/message.hpp"

namespace reveille {

struct shard_config;     // engine/shard/shard_config.hpp: domains, listen addresses, trust, limits, T1, Timer C
struct shard_counters;   // engine/shard/shard_counters.hpp: plain numbers, one writer, read at scrape

/// What one shard sends another. A datagram that another shard must handle, an event for an AOR at home elsewhere,
/// or an effect on a server transaction that lives elsewhere.
struct datagram_for { sip::message_ptr message; flow from; };
/// An empty `name` means: the home reads it from the request (a REGISTER's To), so that handing over allocates nothing.
struct event_for { aor_key key; std::string name; subscriber_event event; };
/// The owner of an INVITE's server transaction is another shard than its callee's home.
struct adoption_for { aor_key key; adopt_invite invite; };
/// The shard that remembers whose a token is. `name` of the claimant stands in the claim.
struct claim_for { claim_token claim; };
struct response_for {
  server_transaction_id transaction;
  int status = 0;
  sip::packet packet;
  sip::answer_kind kind = sip::answer_kind::decided;
};
using hand_over = std::variant<datagram_for, event_for, adoption_for, claim_for, response_for>;

/// Port: the way out of a shard.
class shard_outlet {
 public:
  virtual ~shard_outlet() = default;
  /// One datagram. Never blocks; a full socket drops and counts. @return false on a transport error known at once.
  virtual bool transmit(const flow& to, const sip::packet& packet) = 0;
  /// @return false when its inbox has no room for that (has_room_for()); `what` is then as it was.
  virtual bool hand_over_to(shard_id to, hand_over&& what) = 0;
};

/// Hook: the steps of calls as the subscribers note them, for wake traces (SPEC 7). Called on the shard's thread.
class shard_notes {
 public:
  virtual ~shard_notes() = default;
  virtual void noted(aor_key key, const note& what, const instant& now) = 0;
};

/// All outlive the shard. `make_subscribers` is called once, by the shard's constructor; production passes
/// [&](home_outlet& out, const instant& start) {
///   return std::make_unique<home>(host, config, around, store, out, start.steady);
/// }
struct shard_ports {
  shard_outlet& out;
  push_gateway& pushes;
  random_source& random;
  slab_pool& pool;
  subscribers_factory make_subscribers;
  shard_notes* notes = nullptr;
};

/// A datagram as the thread took it from a socket.
struct arrived {
  slab_ptr bytes;        ///< exclusively ours
  std::size_t size = 0;  ///< octets at its start
  flow from;
};

/// Whether the process has memory to spare.
enum class memory_state : std::uint8_t { enough, short_of };

class shard {
 public:
  shard(shard_id self, const shard_config& config, const shard_ports& ports, const instant& start);
  ~shard();

  /// @param bytes exclusively ours; `size` octets at its start are the datagram.
  void on_datagram(slab_ptr bytes, std::size_t size, const flow& from, const instant& now);
  /// The same for all that a system call brought, in their order. The memory that REGISTERs will touch is asked for
  /// before the first is handled: among a million subscribers nearly every access would wait for it.
  void on_datagrams(std::span<arrived> all, const instant& now);
  void on_hand_over(hand_over&& what, const instant& now);
  void on_push_answer(pns::push_answer&& answer, const instant& now);
  void on_loaded(aor_key key, const aor& name, store_token token,
                 result<std::optional<subscriber_record>>&& record, const instant& now);
  void on_written(aor_key key, const aor& name, store_token token, bool ok, const instant& now);
  /// ICMP said that nobody listens at `to` (Linux error queue): fails the client transactions that use it.
  void on_unreachable(const flow& to, const instant& now);

  /// How long what is taken from the socket now has waited there and in the inbox; fed by the thread once a batch.
  /// Above 50 ms for 100 ms the entrance admits less (ARCHITECTURE 3, "Bound at the entrance").
  void on_queue_delay(nanoseconds delay, const instant& now);

  /// While there is none to spare, requests that nobody waits for get 503 (SPEC 9.3); fed by the thread once a turn.
  void on_memory(memory_state now);

  /// The kernel has taken all that was transmitted so far; for the histogram of woken calls.
  void on_sent(const instant& now);

  void on_timer(const instant& now);
  /// When on_timer must next be called; nullopt = nothing waits.
  std::optional<steady_time> next_due() const;

  /// From now on new INVITEs get 503 (SPEC 9, clean shutdown). idle() when nothing is in flight any more.
  void drain();
  bool idle() const;

  /// Any thread may read the numbers while the shard lives; those of the transaction tables are as of the last on_timer.
  const shard_counters& counters() const;
  /// The one that shard_ports::make_subscribers made.
  subscribers& home();

 private:
  class impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace reveille
