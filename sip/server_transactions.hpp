/// The server transactions of one shard: entries, index and timers around the two state machines.
///
/// REGISTER over UDP has none (ARCHITECTURE 3). ACK and CANCEL never make one: an ACK ends its INVITE's, a CANCEL is answered
/// anew each time it comes while its INVITE's lives, and reported once.
///
/// A sender that no phone has answered yet is a stranger (SPEC 10a.1): strangers have a part of the table, and what is
/// refused to them is forgotten as soon as the protocol allows.
///
/// Threads: one. Bound: `capacity` entries; create() then refuses and the caller counts. Nothing is allocated after
/// the constructor but the pages of entries used for the first time.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/flow.hpp"
#include "core/ids.hpp"
#include "core/time.hpp"
#include "core/timer_wheel.hpp"
#include "sip/answer_kind.hpp"
#include "sip/edit.hpp"
#include "sip/invite_server_transaction.hpp"
#include "sip/non_invite_server_transaction.hpp"
#include "sip/peer_set.hpp"
#include "sip/refused_requests.hpp"
#include "sip/transaction_index.hpp"
#include "sip/transaction_support.hpp"
#include "sip/transaction_table.hpp"
#include "sip/transaction_timing.hpp"

namespace reveille::sip {

struct server_transaction_counters {
  std::uint64_t created = 0, absorbed = 0, responses_repeated = 0, no_ack = 0, transport_errors = 0,
                abandoned = 0,       ///< no final response: none within the guard time, a fault of ours, or given up
                late_responses = 0,  ///< for a transaction that is gone, or had its final response
                forgotten = 0,       ///< refused to a stranger, and not kept
                refused_again = 0;   ///< repetitions of what was not kept
};

/// How a sender stands with us.
enum class sender_standing : std::uint8_t {
  open,      ///< a stranger until a phone has answered it
  trusted,   ///< never a stranger
};

class server_transactions {
 public:
  using handle = transaction_handle;
  struct view {
    handle id;
    aor_key owner;
    bool invite = false;
    bool decided = false;    ///< a final response has been sent
    bool cancelled = false;  ///< mark_cancelled() was called
    bool told = false;       ///< it has had a provisional response
  };
  enum class ack_result : std::uint8_t { unknown, absorbed, for_tu };

  /// Peers whose standing is remembered: 128 KB. Forgotten ones are strangers again until a phone answers them.
  static constexpr std::uint32_t known_senders = 16384;
  /// Failures are repeated so often to a stranger, who may not be where his datagrams say: 4 for 1, not 11 for 1.
  static constexpr std::uint8_t stranger_repeats = 3;

  /// @param abandon_after how long a transaction may stay without a final response: beyond every timer of the TU.
  /// @param for_strangers how many transactions strangers may have; at half of that they get no 100 any more, so that
  ///        what is refused to them need not be kept (RFC 3261 8.2.7).
  server_transactions(const transaction_timing& timing, std::uint32_t capacity, std::uint32_t for_strangers,
                      nanoseconds abandon_after, hash_key key, timer_wheel& wheel, packet_outlet& out);

  /// @pre find(fingerprint) is empty. @return nullopt at the bound, or at that of strangers.
  std::optional<handle> create(std::uint64_t fingerprint, bool invite, const flow& source, sender_standing standing,
                               aor_key owner, steady_time now);
  /// Whether the TU should say 100 at once. False: the sender repeats its INVITE, and may be refused without state.
  bool wants_trying(handle id) const;
  /// The status with which a request of this name was refused and forgotten, if it was lately.
  std::optional<int> refused_before(std::uint64_t fingerprint, steady_time now);
  std::optional<view> find(std::uint64_t fingerprint) const;
  /// A request that find() knows came again: the kept response goes out again where the state wants it.
  void repeated(handle id, steady_time now);
  ack_result acknowledged(std::uint64_t fingerprint, steady_time now);
  void mark_cancelled(handle id);
  /// A response of the TU. @return false when the transaction is gone or wants no more (counted).
  bool respond(handle id, int status, const packet& response, steady_time now,
               answer_kind kind = answer_kind::decided);
  /// Ends it unanswered: there was no memory for its final response. Its sender's repetition begins anew.
  /// @return false when it is gone or has its final response.
  bool give_up(handle id);
  const flow* source_of(handle id) const;

  void on_timer(std::uint64_t payload, steady_time now);

  std::uint32_t size() const { return index_.size(); }
  std::uint32_t capacity() const { return index_.capacity(); }
  std::uint32_t undecided() const { return undecided_; }  ///< without a final response yet
  std::uint32_t strangers() const { return strangers_; }  ///< of senders that no phone has answered
  std::uint32_t for_strangers() const { return for_strangers_; }
  std::uint64_t senders_forgotten() const { return known_.displaced(); }
  std::uint64_t refusals_forgotten() const { return refused_.displaced(); }
  const server_transaction_counters& counters() const { return counters_; }

 private:
  struct entry : transaction_place {
    std::uint64_t fingerprint = 0;
    aor_key owner;
    flow source;
    packet response;
    std::uint8_t state = 0;
    bool invite = false;
    bool decided = false;
    bool cancelled = false;
    bool stranger = false;
    bool told = false;      ///< a provisional response was sent: its sender repeats nothing any more
    bool refused = false;   ///< by us, to a stranger: kept only until the ACK or the last repetition
    std::uint8_t repeats = 0;
  };

  bool stops_repeating(const entry& e) const { return e.stranger && e.repeats >= stranger_repeats; }
  void know(entry& e, steady_time now);
  void step(std::uint32_t index, invite_server_event event, const packet* response, steady_time now);
  void step(std::uint32_t index, non_invite_server_event event, const packet* response, steady_time now);
  void perform(std::uint32_t index, server_action action, const packet* response, steady_time now);
  void entered(std::uint32_t index, invite_server_state state, steady_time now);
  void send(std::uint32_t index, const packet& what, steady_time now);
  void decide(entry& e);
  void release(std::uint32_t index);

  const transaction_timing& timing_;
  std::uint32_t for_strangers_;
  nanoseconds abandon_after_;
  packet_outlet& out_;
  transaction_index index_;
  transaction_table<entry> entries_;
  peer_set known_;
  refused_requests refused_;
  std::uint32_t undecided_ = 0;
  std::uint32_t strangers_ = 0;
  server_transaction_counters counters_;
};

}  // namespace reveille::sip
