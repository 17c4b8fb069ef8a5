/// The client transactions of one shard: entries, index and timers around the two state machines, and CANCEL.
///
/// A branch of a subscriber owns each INVITE and non-INVITE transaction; a CANCEL's belongs to the INVITE it cancels
/// and shares its branch parameter (RFC 3261 9.1), so its responses come by the INVITE's handle.
/// Kept: the request's octets while they may be repeated or cancelled, then the ACK while failures may be repeated.
///
/// A peer that has never answered anything gets four requests, no more, and is not waited for as long as others (SPEC
/// 10a.3): whoever can register contacts can name addresses where nobody asked for our datagrams.
///
/// Threads: one. Bound: `capacity` entries, CANCELs among them; reserve() then refuses and the caller counts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/flow.hpp"
#include "core/ids.hpp"
#include "core/slab.hpp"
#include "core/time.hpp"
#include "core/timer_wheel.hpp"
#include "sip/edit.hpp"
#include "sip/invite_client_transaction.hpp"
#include "sip/message.hpp"
#include "sip/non_invite_client_transaction.hpp"
#include "sip/peer_set.hpp"
#include "sip/transaction_index.hpp"
#include "sip/transaction_support.hpp"
#include "sip/transaction_table.hpp"
#include "sip/transaction_timing.hpp"

namespace reveille::sip {

struct client_transaction_counters {
  std::uint64_t created = 0, requests_repeated = 0, responses_absorbed = 0, timeouts = 0, transport_errors = 0,
                cancels_sent = 0, cancels_refused = 0,  ///< no entry or no slab for the CANCEL
                acks_failed = 0,                        ///< no slab for the ACK
                orphaned = 0,        ///< the branch's number was given out again while this one lingered
                stray_responses = 0; ///< no transaction, or a CSeq method that is not its own: dropped (RFC 6026)
};

/// Parts of the table (SPEC 10a.3). "Silent" is a transaction without any response yet.
struct client_transaction_bounds {
  static constexpr std::uint32_t none = 0xffffffff;
  std::uint32_t kept_for_woken = 0;        ///< entries that only branches released by a REGISTER, and CANCELs, may take
  std::uint32_t unheard = none;            ///< silent ones to peers that have never answered anything
  std::uint32_t silent_of_caller = none;   ///< to whomever, for one caller
  std::uint32_t silent_of_flow = none;     ///< from whomever, to one peer
  std::uint32_t heard_peers = 0;           ///< how many that have answered are remembered; 0: all pass for such
};

/// Why there is no room for a transaction: a bound of ours, never the peer's fault.
enum class lack : std::uint8_t { none, table, unheard, caller, flow };
inline constexpr std::size_t lack_count = 5;

class client_transactions {
 public:
  using handle = transaction_handle;
  /// What a transaction is for; it decides in which part of the table it finds room.
  struct errand {
    enum class cause : std::uint8_t { request, woken } why = cause::request;
    endpoint to;
    endpoint caller;             ///< empty: not counted (a trusted peer)
  };
  struct reservation {
    handle id;
    lack missing = lack::none;   ///< `none`: id is good
  };
  /// Who hears of it: a branch of a subscriber. Opaque numbers here.
  struct owner {
    aor_key subscriber;
    std::uint32_t call = 0;
    std::uint32_t branch = 0;
    auto operator<=>(const owner&) const = default;
  };
  enum class failure : std::uint8_t {
    timeout,
    transport_error,
    no_room,   ///< never reported here: the owner of the table says it when reserve() refused
  };
  /// Port: a transaction ended without a final response. Called inside start(), on_timer(), on_unreachable().
  class failure_sink {
   public:
    virtual ~failure_sink() = default;
    virtual void client_failed(const owner& of, failure why) = 0;
  };

  /// @param guard how long an INVITE may stay in proceeding after its last provisional: beyond timer C.
  client_transactions(const transaction_timing& timing, std::uint32_t capacity, const client_transaction_bounds& bounds,
                      nanoseconds guard, hash_key key, timer_wheel& wheel, slab_pool& pool, packet_outlet& out,
                      failure_sink& failures);

  /// Takes an entry, so that its handle can be written into the branch parameter. Then start() or drop() it.
  reservation reserve(const errand& what);
  void drop(handle id);
  /// Sends and keeps the request. @pre id is reserved for `to` and not started.
  void start(handle id, bool invite, const owner& of, const flow& to, packet&& request, steady_time now);

  /// Where the request went, null when the transaction is gone.
  const flow* asked(handle id) const;
  /// @return whom the response is for, or nullopt: absorbed, a CANCEL's, or stray.
  std::optional<owner> on_response(handle id, const message& response, steady_time now);
  /// Sends CANCEL at once when the INVITE has had a provisional response, else with its first one. No-op when the
  /// transaction is gone, decided, cancelled already or no INVITE.
  void cancel(const owner& of, std::string_view reason, steady_time now);
  /// The peer is known to listen now: an INVITE without any response is sent again and timer A starts anew. No-op in any
  /// other state, and while timer A would fire within T1 anyway.
  void resend(const owner& of, steady_time now);
  /// Nobody listens there: fails the transactions that still wait for their first response from it.
  void on_unreachable(const endpoint& remote, steady_time now);
  void on_timer(std::uint64_t payload, steady_time now);

  std::uint32_t size() const { return entries_.size(); }
  std::uint32_t capacity() const { return entries_.capacity(); }
  std::uint32_t undecided() const { return undecided_; }  ///< INVITE and others without a final response
  std::uint64_t peers_forgotten() const { return heard_.displaced(); }
  const client_transaction_counters& counters() const { return counters_; }

 private:
  static constexpr std::uint32_t none = transaction_index::none;
  static constexpr std::size_t remotes = 4096;  ///< chains and counts by remote, counts by caller; a power of two
  static constexpr std::uint16_t uncounted = 0xffff;

  enum class kind : std::uint8_t { reserved, invite, non_invite, cancel };
  struct entry : transaction_place {
    owner of;
    flow to;
    std::uint64_t remote = 0;  ///< hash of to.remote, taken once
    packet request;          ///< then, for a failed INVITE, its ACK
    std::string reason;      ///< of the CANCEL that waits for a provisional
    std::uint32_t same_remote_next = none;
    std::uint32_t same_remote_previous = none;
    handle cancel{none, 0};  ///< its CANCEL
    kind what = kind::reserved;
    std::uint8_t state = 0;
    bool owned = false;           ///< `of` hears of it and the index finds it
    bool cancel_wanted = false;
    bool cancel_sent = false;
    bool undecided = false;
    bool silent = false;          ///< no response yet, and counted as such
    bool unheard = false;         ///< nor has its peer ever answered anything
    bool woken = false;
    std::uint16_t caller = uncounted;  ///< its place in the counts
  };

  void step(std::uint32_t index, invite_client_event event, const message* response, steady_time now);
  void step(std::uint32_t index, non_invite_client_event event, const message* response, steady_time now);
  void perform(std::uint32_t index, client_action action, const message* response, steady_time now);
  void entered(std::uint32_t index, invite_client_state state, steady_time now);
  void transmit(std::uint32_t index, steady_time now);
  void acknowledge(std::uint32_t index, const message& response, steady_time now);
  void send_cancel(std::uint32_t index, steady_time now);
  void transport_failed(std::uint32_t index, steady_time now);
  void report(std::uint32_t index, failure why);
  std::optional<std::uint32_t> take();
  void heard(entry& e, steady_time now);
  void count_out(entry& e);
  void decide(entry& e);
  void release(std::uint32_t index);
  void own(std::uint32_t index, const owner& of);
  std::uint64_t fingerprint(const owner& of) const;
  static std::size_t place_of(std::uint64_t hash) { return hash & (remotes - 1); }
  void chain(std::uint32_t index);
  void unchain(std::uint32_t index);

  const transaction_timing& timing_;
  client_transaction_bounds bounds_;
  nanoseconds guard_;
  hash_key key_;
  slab_pool& pool_;
  packet_outlet& out_;
  failure_sink& failures_;
  transaction_index by_owner_;
  transaction_table<entry> entries_;
  std::vector<std::uint32_t> by_remote_;
  std::vector<std::uint32_t> silent_of_remote_;   ///< peers that share a place share its bound
  std::vector<std::uint32_t> silent_of_caller_;
  peer_set heard_;
  std::uint32_t unheard_ = 0;
  std::uint32_t undecided_ = 0;
  bool passed_ = false;  ///< the step under way wants the response at the TU
  client_transaction_counters counters_;
};

}  // namespace reveille::sip
