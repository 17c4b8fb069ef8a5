/// What a shard counts. One writer (the shard's thread); any thread may read, each number for itself.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "actors/effects.hpp"
#include "core/buckets.hpp"
#include "core/slots.hpp"
#include "sip/client_transactions.hpp"
#include "sip/types.hpp"

namespace reveille {

/// Why something that came was not acted on. Closed: a metric's label.
enum class drop_reason : std::uint8_t {
  keep_alive,          ///< CRLF
  stun,                ///< first two bits 00, and no Binding Request (RFC 5389)
  malformed,           ///< not even a 400 is due
  no_memory,           ///< the pool is at its bound
  forged_branch,       ///< a response whose branch we did not sign
  stray_response,      ///< signed, but its transaction is gone (RFC 6026: never forwarded)
  stray_ack,           ///< no transaction and no signed flow
  ack_refused,         ///< an ACK that may not be answered: bad token, Max-Forwards, CSeq mismatch
  unknown_listener,    ///< a token or branch names a listener that is no more
  send_failed,         ///< the transport said so at once
  late_response,       ///< of a subscriber, for a server transaction that wants none
  wrong_source,        ///< a response from an address that was not asked
  final_response,      ///< not even the pool's reserve had room for it: its transaction ended unanswered
  inbox_full,          ///< what begins no work found the next shard's inbox full
};
inline constexpr std::size_t drop_reason_count = 14;
std::string_view name_of(drop_reason why);

/// Why a request got 503 without reaching an actor.
enum class refusal : std::uint8_t { credit, transactions, home_full, draining, strangers, memory, inbox };
inline constexpr std::size_t refusal_count = 7;
std::string_view name_of(refusal why);

inline constexpr std::size_t method_count = static_cast<std::size_t>(sip::method::other) + 1;
inline constexpr std::size_t stage_count = static_cast<std::size_t>(trace_step::stale_push_answer) + 1;

struct shard_counters {
  std::array<slot, method_count> requests;         ///< received, by method
  std::array<slot, 7> responses_received;          ///< by class: [2] = 2xx; [0] unused
  std::array<slot, 7> responses_sent;
  std::array<slot, method_count> requests_sent;    ///< without repetitions
  std::array<slot, drop_reason_count> drops;
  std::array<slot, refusal_count> refusals;
  std::array<slot, stage_count> stages;            ///< the subscribers' notes
  slot stun_answered;                              ///< Binding Requests: keep-alives (RFC 5626 8)
  slot malformed_answered;                         ///< 400 and the like from the parser
  slot loops, max_forwards_used_up, forged_tokens, relay_refused;
  slot handed_over, taken_over;
  slot in_dialog_forwarded, stateless_responses;
  slot duplicates, cancels_unknown;
  slot pushes_refused;
  std::array<slot, sip::lack_count> branches_refused;   ///< client transactions, by what was full; [none] unused
  slot stage_clock_overwritten;                    ///< a call's times were lost to another's
  slot credit;                                     ///< what the entrance admits per 10 ms now
  slot server_transactions, client_transactions;   ///< alive; these and all below are refreshed by on_timer
  slot server_strangers;                           ///< alive, of senders that no phone has answered
  slot server_forgotten, server_refused_again;     ///< refused to strangers without a transaction; repetitions of those
  slot senders_forgotten, refusals_forgotten, peers_forgotten;   ///< bounds of what is remembered without an entry
  slot server_abandoned, server_no_ack, server_responses_repeated;
  slot client_timeouts, client_transport_errors, client_requests_repeated, client_orphaned, cancels_sent;

  histogram_slot push_queued{buckets::fast};       ///< INVITE in -> first push queued
  histogram_slot push_accepted{buckets::push};     ///< first push queued -> first one accepted
  histogram_slot wake{buckets::wake};              ///< first push accepted -> REGISTER of a device that waits
  histogram_slot release{buckets::release};        ///< that REGISTER -> its INVITE handed to the kernel
  histogram_slot post_dial{buckets::post_dial};    ///< INVITE in -> first ringing or answer
};

}  // namespace reveille
