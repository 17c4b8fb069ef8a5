/// The non-INVITE client transaction (RFC 3261 17.1.2, figure 6) as a total function.
///
///   [trying] --1xx/pass--> [proceeding] --final/pass--> [completed] --timer K--> [terminated]
///      |                        |                        responses: absorbed
///      +--final/pass------------|--------------------------^
///   trying, proceeding: timer E/resend; timer F or transport error/report --> [terminated]
#pragma once

#include <cstdint>
#include <cstdlib>

#include "sip/invite_client_transaction.hpp"

namespace reveille::sip {

enum class non_invite_client_state : std::uint8_t { trying, proceeding, completed, terminated };
enum class non_invite_client_event : std::uint8_t {
  provisional, final, timer_e, timer_f, timer_k, transport_error,
};

struct non_invite_client_step {
  non_invite_client_state next;
  client_action action;
  bool operator==(const non_invite_client_step&) const = default;
};

inline non_invite_client_step advance(non_invite_client_state state, non_invite_client_event event) noexcept {
  using enum non_invite_client_state;
  using enum client_action;
  using event_of = non_invite_client_event;
  if (state == terminated) return {terminated, none};
  const bool undecided = state != completed;
  switch (event) {
    case event_of::provisional:
      if (undecided) return {proceeding, pass};
      return {completed, none};
    case event_of::final:
      return {completed, undecided ? pass : none};
    case event_of::timer_e:
      return {state, undecided ? resend : none};
    case event_of::timer_f:
      if (undecided) return {terminated, report_timeout};
      return {completed, none};
    case event_of::timer_k:
      return {state == completed ? terminated : state, none};
    case event_of::transport_error:
      if (undecided) return {terminated, report_transport_error};
      return {completed, none};
  }
  std::abort();  // unreachable: the switch is complete
}

}  // namespace reveille::sip
