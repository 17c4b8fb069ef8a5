/// What can happen to a subscriber. Pure data: the shell (actors/behaviors) takes these from the shard and hands
/// them to subscriber::apply in the order in which they came (SPEC 3.4a).
#pragma once

#include <cstdint>
#include <variant>

#include "actors/peer_trust.hpp"
#include "actors/ports/store.hpp"
#include "core/flow.hpp"
#include "core/ids.hpp"
#include "core/time.hpp"
#include "pns/push_order.hpp"
#include "sip/message.hpp"

namespace reveille {

/// A server transaction (RFC 3261 17.2) in the table of one shard.
struct server_transaction_id {
  shard_id shard;
  std::uint32_t index = 0;
  std::uint32_t generation = 0;
  auto operator<=>(const server_transaction_id&) const = default;
};

/// One branch of one call of a subscriber; both numbers are given out by the subscriber. It names the client
/// transaction that the shard makes for it.
struct branch_id {
  std::uint32_t call = 0;
  std::uint32_t branch = 0;
  auto operator<=>(const branch_id&) const = default;
};

/// A REGISTER for this AOR. It has no server transaction (ARCHITECTURE 3): the answer goes straight to `source`.
struct register_received {
  sip::message_ptr request;
  flow source;
  peer_trust trust = peer_trust::open;
};

/// A dialog-forming or standalone request for this AOR (INVITE, MESSAGE, SUBSCRIBE, NOTIFY ...), its server transaction made.
struct request_received {
  sip::message_ptr request;
  server_transaction_id transaction;
  flow source;
  peer_trust trust = peer_trust::open;
};

/// CANCEL of a request_received; the transaction layer has answered it 200.
struct cancel_received {
  server_transaction_id transaction;
  sip::message_ptr cancel;   ///< for its Reason
};

/// The INVITE of a resumed call has a server transaction again (SPEC 9): a CANCEL finds it, responses go by it.
struct invite_adopted {
  std::uint32_t call = 0;    ///< as adopt_invite named it
  server_transaction_id transaction;
};

/// A response on a branch, past its client transaction (retransmissions absorbed; every 2xx to INVITE comes).
struct response_received {
  branch_id branch;
  sip::message_ptr response;
};

/// The branch ended without a final response.
struct branch_failed {
  enum class why : std::uint8_t {
    timeout,
    transport_error,
    no_room,   ///< a bound of ours refused it: nothing was sent, and nothing is known of the phone
  } cause;
  branch_id branch;
};

/// Another AOR has registered this token since, in an app where it belongs to one at a time (SPEC 2.4).
struct token_claimed {
  prid token;
  wall_time since;
};

struct push_answered {
  pns::push_answer answer;
};

/// A write that was asked for with a token is on disk, or will never be.
struct write_finished {
  store_token token;
  bool ok = true;
};

enum class timer_kind : std::uint8_t {
  answer_deadline,   ///< SPEC 3.4: of a call
  refused_grace,     ///< 3.4: of a parked branch
  left_grace,        ///< 3.4a: the device un-registered while parked
  bucket_write_late, ///< ARCHITECTURE 3: push after 50 ms without the bucket write
  cancel_give_up,    ///< 64*T1 after CANCEL
  timer_c,           ///< RFC 3261 16.6 step 11: of a branch
  soft_write,        ///< the address of a push binding, written behind
  pending_write,     ///< a store that never answers must not hold a REGISTER
};
struct timer_key {
  timer_kind kind;
  branch_id of;      ///< call, or call and branch; {0,0} for the subscriber's own
  auto operator<=>(const timer_key&) const = default;
};
struct timer_fired {
  timer_key key;
};

using subscriber_event = std::variant<register_received, request_received, cancel_received, invite_adopted,
                                      response_received, branch_failed, token_claimed, push_answered, write_finished, timer_fired>;

}  // namespace reveille
