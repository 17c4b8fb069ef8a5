/// One device's part in one call, from the INVITE's arrival to the outcome (SPEC 3.2 to 3.4a, 3.6).
///
///                 registered                    provisional
///   held ------------------------------> dialled ----------> ringing
///    | push_queued     registered          ^ |  \               |
///    v                                     | |   \ lost         | final, answered
///   pushed ------------------------------> | |    v             v
///    | push_refused    registered          | |  woken  ------> ended
///    v                                     | |    | (registered: dial again)
///   refused -------------------------------+ |    |
///    | grace_over ------------------------------> ended         call_over ends every state
///   left: un-registered while parked; registered within the grace dials, else ended
///
/// held: parked, the push not yet queued. pushed: parked, the push queued (or none wanted: silent). refused: the push was
/// refused for good, or could not be sent. woken: its branch was lost before ringing, so it is parked again.
#pragma once

#include <cstdint>

namespace reveille {

enum class parked_state : std::uint8_t {
  held,     ///< waits for the bucket's write; no push queued yet
  pushed,   ///< push queued, device asleep
  silent,   ///< parked without a push: over the push limit, or awake by the operator's choice
  refused,  ///< push refused for good; the grace runs
  left,     ///< un-registered while parked; the grace runs
  dialled,  ///< INVITE sent, neither 101-199 nor final heard
  ringing,  ///< 101-199 heard
  woken,    ///< its branch was lost before ringing; parked until the device registers again
  ended,    ///< no more to come from this device
};

enum class parked_event : std::uint8_t {
  push_queued,         ///< the order was given to the push senders
  push_refused,        ///< for good (SPEC 6.5): no push will come
  registered_here,     ///< the same device registered, by the flow and address that its branch uses
  registered_elsewhere,  ///< the same device registered by another flow or address (or has no branch)
  unregistered,        ///< the same device un-registered
  provisional,         ///< 101-199 on its branch
  answered,            ///< 2xx on its branch
  rejected,            ///< final 3xx-6xx on its branch, but for those that count as lost
  lost,                ///< transport error, timeout, 408, 430, 503 before ringing
  grace_over,          ///< refused_grace or left_grace ran out
  call_over,           ///< the call's outcome is decided (2xx, CANCEL, 6xx, deadline)
};

enum class parked_action : std::uint8_t {
  none,
  dial,            ///< fork the INVITE to the device's newest address
  redial,          ///< abandon the branch, fork once more
  resend,          ///< the same INVITE again, if it has had no answer
  start_refused_grace,
  start_left_grace,
  end_undialled,   ///< the place ends; counts as 480 and loses to any real final response
};

struct parked_step {
  parked_state next;
  parked_action action;
  bool operator==(const parked_step&) const = default;
};

/// Total: late and duplicate events are normal and change nothing.
parked_step advance(parked_state state, parked_event event) noexcept;

/// True while the INVITE waits for the device, that is where a REGISTER dials.
bool is_parked(parked_state state) noexcept;
/// True while an INVITE to the device lives.
bool is_live(parked_state state) noexcept;

const char* name_of(parked_state state) noexcept;
const char* name_of(parked_event event) noexcept;
const char* name_of(parked_action action) noexcept;

}  // namespace reveille
