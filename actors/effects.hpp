/// What a subscriber wants done. The shell performs effects in order.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "actors/events.hpp"
#include "actors/ports/store.hpp"
#include "sip/answer_kind.hpp"
#include "sip/edit.hpp"

namespace reveille {

/// Bytes to a flow, outside any transaction: the answer to a REGISTER.
struct send {
  flow to;
  sip::packet packet;
  int status = 0;
};

/// A response on a server transaction. 2xx to INVITE may come more than once (retransmissions, forks).
struct respond {
  server_transaction_id transaction;
  int status = 0;
  sip::packet packet;
  sip::answer_kind kind = sip::answer_kind::decided;
};

/// A server transaction for an INVITE whose own died with an earlier process: its sender may still repeat or CANCEL it.
/// invite_adopted follows, unless the table is full or the transaction has ended.
struct adopt_invite {
  std::uint32_t call = 0;
  sip::message_ptr request;
  flow source;
};

/// A request to a contact: the shard makes a client transaction named `branch`, and adds Via, Record-Route, and
/// Max-Forwards less one. `request` is kept by the client transaction while it may retransmit.
struct forward {
  branch_id branch;
  sip::message_ptr request;
  std::string request_uri;     ///< the contact, push parameters stripped as SPEC 2.4 wants
  std::string route;           ///< Path of the binding as Route value, or ""
  flow to;
  flow caller;                 ///< the flow by which the request came, for the dialog's signed flow token
  enum class cause : std::uint8_t { request, woken } why = cause::request;  ///< woken: a REGISTER released it
};

/// CANCEL for a branch that was forwarded; sent by the client transaction as soon as RFC 3261 9.1 allows.
struct cancel_branch {
  branch_id branch;
  std::string reason;          ///< Reason header value(s), or ""
};

/// The phone behind a branch is awake: if its INVITE has no response yet, the next copy need not wait for timer A.
struct resend_branch {
  branch_id branch;
};

/// One durable change; `token` 0 = nobody waits for it.
struct write {
  store_token token;
  store_mutation mutation;
};

/// A REGISTER with this token was answered 200, and its app lets a token belong to one AOR at a time (SPEC 2.4): whoever
/// had it before hears token_claimed.
/// `registered`: now, so it is the newest whatever the clocks say. `stored`: read after a restart; `since` decides.
enum class claim_source : std::uint8_t { registered, stored };
struct claim_token {
  aor by;
  pns::provider provider = pns::provider::apns;
  prid token;
  wall_time since;
  claim_source source = claim_source::registered;
};

struct push {
  pns::push_order order;
};
/// Withdraws what is not yet on the wire (SPEC 3.6). The answer `dropped{withdrawn}` may or may not come.
struct withdraw_push {
  pns::push_id id;
};

struct set_timer {
  timer_key key;
  steady_time due;
};
struct clear_timer {
  timer_key key;
};

/// A step of a call, for the wake trace, the stage histograms and the outcome counters (SPEC 7).
enum class trace_step : std::uint8_t {
  invite_in, push_queued, push_accepted, push_refused, register_in, invite_out, ringing, answered,
  cancelled, not_woken, rejected, failed,
  // the bucket
  bucket_added, bucket_removed, bucket_dropped, missed_told, missed_failed,
  // bounds and oddities, each a counter (ARCHITECTURE 3)
  push_limited, bucket_write_late, contacts_full, contact_octets_full, contact_too_long, contacts_unlisted,
  removal_refused, aors_full, binding_evicted, parked_full, messages_full, branch_withheld,
  register_write_failed, register_write_late, list_full,
  token_removed, token_quarantined, token_renamed, token_moved, token_owners_full, stale_push_answer,
};
struct note {
  trace_step what;
  pns::provider provider = pns::provider::apns;
  call_ref call{};
  branch_id branch{};
  int status = 0;              ///< SIP or HTTP status, where there is one
  std::string detail;          ///< the precise cause; never a token or an AOR
};

using effect = std::variant<send, respond, adopt_invite, forward, cancel_branch, resend_branch, write, claim_token, push,
                            withdraw_push, set_timer, clear_timer, note>;
/// Reused by the shell: cleared, never shrunk.
using effects = std::vector<effect>;

}  // namespace reveille
