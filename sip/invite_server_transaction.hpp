/// The INVITE server transaction (RFC 3261 17.2.1, RFC 6026 figure 7) as a total function.
///
///              INVITE/resend, provisional/send
///                 +--+
///                 |  v
///             [proceeding] --success/send--> [accepted] --timer L--> [terminated]
///                   |                         INVITE: absorbed; 2xx: sent, not kept; ACK: to the TU
///             failure/send
///                   v
///   INVITE, G/resend [completed] --timer H/report_no_ack--> [terminated]
///                   |
///                  ACK
///                   v
///             [confirmed] --timer I--> [terminated]
///
/// A transport error is reported and changes no state (RFC 6026 7.1). "send 100 in 200 ms" is no event here:
/// the shard sends it at once (SPEC 3.1).
#pragma once

#include <cstdint>
#include <cstdlib>

namespace reveille::sip {

enum class invite_server_state : std::uint8_t { proceeding, completed, confirmed, accepted, terminated };
enum class invite_server_event : std::uint8_t {
  invite,       ///< a retransmission
  provisional,  ///< 1xx from the TU
  success,      ///< 2xx from the TU
  failure,      ///< 300 to 699 from the TU
  ack,
  timer_g, timer_h, timer_i, timer_l,
  transport_error,
};

/// What to do with a server transaction's response.
enum class server_action : std::uint8_t {
  none,
  send,             ///< the TU's response goes out and is kept for retransmissions
  send_unkept,      ///< it goes out; the TU repeats it itself (2xx to INVITE)
  resend,           ///< the kept response again, if there is one
  pass_ack,         ///< an ACK for the TU
  report_no_ack,    ///< timer H: the TU hears that its response was never acknowledged
  report_transport_error,
};

struct invite_server_step {
  invite_server_state next;
  server_action action;
  bool operator==(const invite_server_step&) const = default;
};

/// Total: late and duplicate events of the network and of the TU are normal.
inline invite_server_step advance(invite_server_state state, invite_server_event event) noexcept {
  using enum invite_server_state;
  using enum server_action;
  using event_of = invite_server_event;
  if (state == terminated) return {terminated, none};
  switch (event) {
    case event_of::invite:
      return {state, state == proceeding || state == completed ? resend : none};
    case event_of::provisional:
      return {state, state == proceeding ? send : none};
    case event_of::success:
      if (state == proceeding) return {accepted, send_unkept};
      return {state, state == accepted ? send_unkept : none};
    case event_of::failure:
      if (state == proceeding) return {completed, send};
      return {state, none};
    case event_of::ack:
      if (state == completed) return {confirmed, none};
      return {state, state == accepted ? pass_ack : none};
    case event_of::timer_g:
      return {state, state == completed ? resend : none};
    case event_of::timer_h:
      if (state == completed) return {terminated, report_no_ack};
      return {state, none};
    case event_of::timer_i:
      return {state == confirmed ? terminated : state, none};
    case event_of::timer_l:
      return {state == accepted ? terminated : state, none};
    case event_of::transport_error:
      return {state, state == confirmed ? none : report_transport_error};
  }
  std::abort();  // unreachable: the switch is complete
}

}  // namespace reveille::sip
