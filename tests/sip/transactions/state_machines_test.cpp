// RFC 3261 figures 5 to 8 with RFC 6026, as tables: every arrow is a row, and whatever is no row changes nothing.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "sip/invite_client_transaction.hpp"
#include "sip/invite_server_transaction.hpp"
#include "sip/non_invite_client_transaction.hpp"
#include "sip/non_invite_server_transaction.hpp"

namespace reveille::sip {
namespace {

template <class State, class Event, class Action>
struct row {
  State from;
  Event event;
  State next;
  Action action;
};

/// Runs every state against every event.
template <class State, class Event, class Action>
void follows(std::span<const row<State, Event, Action>> table, State last_state, Event last_event) {
  for (std::uint8_t s = 0; s <= static_cast<std::uint8_t>(last_state); ++s) {
    for (std::uint8_t e = 0; e <= static_cast<std::uint8_t>(last_event); ++e) {
      State next = static_cast<State>(s);
      Action action = Action::none;
      for (const auto& r : table) {
        if (r.from != static_cast<State>(s) || r.event != static_cast<Event>(e)) continue;
        next = r.next;
        action = r.action;
      }
      const auto got = advance(static_cast<State>(s), static_cast<Event>(e));
      EXPECT_EQ(got.next, next) << "state " << int{s} << ", event " << int{e};
      EXPECT_EQ(got.action, action) << "state " << int{s} << ", event " << int{e};
    }
  }
}

TEST(InviteServerTransaction, FollowsFigure7OfRfc6026) {
  using S = invite_server_state;
  using E = invite_server_event;
  using A = server_action;
  constexpr row<S, E, A> table[] = {
      {S::proceeding, E::invite, S::proceeding, A::resend},
      {S::proceeding, E::provisional, S::proceeding, A::send},
      {S::proceeding, E::success, S::accepted, A::send_unkept},
      {S::proceeding, E::failure, S::completed, A::send},
      {S::proceeding, E::transport_error, S::proceeding, A::report_transport_error},
      {S::completed, E::invite, S::completed, A::resend},
      {S::completed, E::timer_g, S::completed, A::resend},
      {S::completed, E::ack, S::confirmed, A::none},
      {S::completed, E::timer_h, S::terminated, A::report_no_ack},
      {S::completed, E::transport_error, S::completed, A::report_transport_error},
      {S::confirmed, E::timer_i, S::terminated, A::none},
      {S::accepted, E::success, S::accepted, A::send_unkept},
      {S::accepted, E::ack, S::accepted, A::pass_ack},
      {S::accepted, E::timer_l, S::terminated, A::none},
      {S::accepted, E::transport_error, S::accepted, A::report_transport_error},
  };
  follows<S, E, A>(table, S::terminated, E::transport_error);
}

TEST(NonInviteServerTransaction, FollowsFigure8) {
  using S = non_invite_server_state;
  using E = non_invite_server_event;
  using A = server_action;
  constexpr row<S, E, A> table[] = {
      {S::trying, E::provisional, S::proceeding, A::send},
      {S::trying, E::final, S::completed, A::send},
      {S::trying, E::transport_error, S::terminated, A::report_transport_error},
      {S::proceeding, E::request, S::proceeding, A::resend},
      {S::proceeding, E::provisional, S::proceeding, A::send},
      {S::proceeding, E::final, S::completed, A::send},
      {S::proceeding, E::transport_error, S::terminated, A::report_transport_error},
      {S::completed, E::request, S::completed, A::resend},
      {S::completed, E::timer_j, S::terminated, A::none},
      {S::completed, E::transport_error, S::terminated, A::report_transport_error},
  };
  follows<S, E, A>(table, S::terminated, E::transport_error);
}

TEST(InviteClientTransaction, FollowsFigure5OfRfc6026) {
  using S = invite_client_state;
  using E = invite_client_event;
  using A = client_action;
  constexpr row<S, E, A> table[] = {
      {S::calling, E::provisional, S::proceeding, A::pass},
      {S::calling, E::success, S::accepted, A::pass},
      {S::calling, E::failure, S::completed, A::ack_and_pass},
      {S::calling, E::timer_a, S::calling, A::resend},
      {S::calling, E::timer_b, S::terminated, A::report_timeout},
      {S::calling, E::give_up, S::terminated, A::report_timeout},
      {S::calling, E::transport_error, S::terminated, A::report_transport_error},
      {S::proceeding, E::provisional, S::proceeding, A::pass},
      {S::proceeding, E::success, S::accepted, A::pass},
      {S::proceeding, E::failure, S::completed, A::ack_and_pass},
      {S::proceeding, E::give_up, S::terminated, A::report_timeout},
      {S::completed, E::failure, S::completed, A::ack},
      {S::completed, E::timer_d, S::terminated, A::none},
      {S::completed, E::transport_error, S::terminated, A::none},
      {S::accepted, E::success, S::accepted, A::pass},
      {S::accepted, E::timer_m, S::terminated, A::none},
  };
  follows<S, E, A>(table, S::terminated, E::transport_error);
}

TEST(NonInviteClientTransaction, FollowsFigure6) {
  using S = non_invite_client_state;
  using E = non_invite_client_event;
  using A = client_action;
  constexpr row<S, E, A> table[] = {
      {S::trying, E::provisional, S::proceeding, A::pass},
      {S::trying, E::final, S::completed, A::pass},
      {S::trying, E::timer_e, S::trying, A::resend},
      {S::trying, E::timer_f, S::terminated, A::report_timeout},
      {S::trying, E::transport_error, S::terminated, A::report_transport_error},
      {S::proceeding, E::provisional, S::proceeding, A::pass},
      {S::proceeding, E::final, S::completed, A::pass},
      {S::proceeding, E::timer_e, S::proceeding, A::resend},
      {S::proceeding, E::timer_f, S::terminated, A::report_timeout},
      {S::proceeding, E::transport_error, S::terminated, A::report_transport_error},
      {S::completed, E::timer_k, S::terminated, A::none},
  };
  follows<S, E, A>(table, S::terminated, E::transport_error);
}

}  // namespace
}  // namespace reveille::sip
