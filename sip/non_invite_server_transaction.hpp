/// The non-INVITE server transaction (RFC 3261 17.2.2, figure 8) as a total function.
///
///   [trying] --provisional/send--> [proceeding] --final/send--> [completed] --timer J--> [terminated]
///      |  request: absorbed          request/resend               request/resend
///      +---------------final/send----------------------------------^
///
/// A transport error ends it wherever it is (figure 8).
#pragma once

#include <cstdint>
#include <cstdlib>

#include "sip/invite_server_transaction.hpp"

namespace reveille::sip {

enum class non_invite_server_state : std::uint8_t { trying, proceeding, completed, terminated };
enum class non_invite_server_event : std::uint8_t {
  request,      ///< a retransmission
  provisional,  ///< 1xx from the TU
  final,        ///< 200 to 699 from the TU
  timer_j,
  transport_error,
};

struct non_invite_server_step {
  non_invite_server_state next;
  server_action action;
  bool operator==(const non_invite_server_step&) const = default;
};

inline non_invite_server_step advance(non_invite_server_state state, non_invite_server_event event) noexcept {
  using enum non_invite_server_state;
  using enum server_action;
  using event_of = non_invite_server_event;
  if (state == terminated) return {terminated, none};
  switch (event) {
    case event_of::request:
      return {state, state == trying ? none : resend};
    case event_of::provisional:
      if (state == completed) return {completed, none};
      return {proceeding, send};
    case event_of::final:
      if (state == completed) return {completed, none};  // 17.2.2: any other final response is discarded
      return {completed, send};
    case event_of::timer_j:
      return {state == completed ? terminated : state, none};
    case event_of::transport_error:
      return {terminated, report_transport_error};
  }
  std::abort();  // unreachable: the switch is complete
}

}  // namespace reveille::sip
