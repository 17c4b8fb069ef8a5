/// The INVITE client transaction (RFC 3261 17.1.1, RFC 6026 figure 5) as a total function.
///
///   [calling] --1xx/pass--> [proceeding]      calling: timer A/resend
///      | |                     |    |         B or transport error: report, terminated
///      | +--2xx/pass--+--------+    |
///      |              v             |
///      |          [accepted] --timer M--> [terminated]     accepted: 2xx/pass
///      |                            |
///      +---300-699/ack and pass-----+--> [completed] --timer D, transport error/report--> [terminated]
///                                         completed: 300-699/ack
///
/// `give_up` is RFC 3261 9.1: 64*T1 after its CANCEL a transaction without a final response is destroyed.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace reveille::sip {

enum class invite_client_state : std::uint8_t { calling, proceeding, completed, accepted, terminated };
enum class invite_client_event : std::uint8_t {
  provisional, success, failure,
  timer_a, timer_b, timer_d, timer_m,
  give_up,
  transport_error,
};

enum class client_action : std::uint8_t {
  none,
  resend,           ///< the request again
  pass,             ///< the response to the TU
  ack,              ///< a retransmitted failure: ACK again, nothing for the TU
  ack_and_pass,     ///< the first failure
  report_timeout,
  report_transport_error,
};

struct invite_client_step {
  invite_client_state next;
  client_action action;
  bool operator==(const invite_client_step&) const = default;
};

inline invite_client_step advance(invite_client_state state, invite_client_event event) noexcept {
  using enum invite_client_state;
  using enum client_action;
  using event_of = invite_client_event;
  if (state == terminated) return {terminated, none};
  const bool undecided = state == calling || state == proceeding;
  switch (event) {
    case event_of::provisional:
      if (undecided) return {proceeding, pass};
      return {state, none};
    case event_of::success:
      if (undecided || state == accepted) return {accepted, pass};
      return {state, none};
    case event_of::failure:
      if (undecided) return {completed, ack_and_pass};
      return {state, state == completed ? ack : none};
    case event_of::timer_a:
      return {state, state == calling ? resend : none};
    case event_of::timer_b:
      if (state == calling) return {terminated, report_timeout};
      return {state, none};
    case event_of::timer_d:
      return {state == completed ? terminated : state, none};
    case event_of::timer_m:
      return {state == accepted ? terminated : state, none};
    case event_of::give_up:
      if (undecided) return {terminated, report_timeout};
      return {state, none};
    case event_of::transport_error:
      if (state == calling) return {terminated, report_transport_error};
      // The TU has its final response already; figure 5 informs it, which a proxy has no use for.
      if (state == completed) return {terminated, none};
      return {state, none};
  }
  std::abort();  // unreachable: the switch is complete
}

}  // namespace reveille::sip
