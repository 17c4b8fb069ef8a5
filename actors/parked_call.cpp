#include "actors/parked_call.hpp"

#include <cstdlib>

namespace reveille {
namespace {

using enum parked_state;
using enum parked_action;

/// held, pushed, silent, woken: parked with nothing running out but the call's deadline.
parked_step advance_waiting(parked_state state, parked_event event) noexcept {
  switch (event) {
    case parked_event::push_queued: return {state == held ? pushed : state, none};
    case parked_event::push_refused:
      // A device that was awake once needs no push: it registers again or the deadline comes.
      return state == woken ? parked_step{woken, none} : parked_step{refused, start_refused_grace};
    case parked_event::registered_here:
    case parked_event::registered_elsewhere: return {dialled, dial};
    case parked_event::unregistered: return {left, start_left_grace};
    case parked_event::call_over: return {ended, none};
    case parked_event::provisional:
    case parked_event::answered:
    case parked_event::rejected:
    case parked_event::lost:
    case parked_event::grace_over: return {state, none};  // of an earlier, abandoned branch
  }
  std::abort();  // unreachable: the switch is complete
}

/// refused, left: a grace runs.
parked_step advance_in_grace(parked_state state, parked_event event) noexcept {
  switch (event) {
    case parked_event::registered_here:
    case parked_event::registered_elsewhere: return {dialled, dial};
    case parked_event::unregistered:
      return state == left ? parked_step{left, none} : parked_step{left, start_left_grace};
    case parked_event::grace_over: return {ended, end_undialled};
    case parked_event::call_over: return {ended, none};
    case parked_event::push_queued:
    case parked_event::push_refused:
    case parked_event::provisional:
    case parked_event::answered:
    case parked_event::rejected:
    case parked_event::lost: return {state, none};
  }
  std::abort();  // unreachable: the switch is complete
}

parked_step advance_dialled(parked_event event) noexcept {
  switch (event) {
    case parked_event::registered_elsewhere: return {dialled, redial};
    case parked_event::registered_here: return {dialled, resend};
    case parked_event::provisional: return {ringing, none};
    case parked_event::answered:
    case parked_event::rejected:
    case parked_event::call_over: return {ended, none};
    case parked_event::lost: return {woken, none};
    case parked_event::push_queued:
    case parked_event::push_refused:
    case parked_event::unregistered:  // the branch that is out decides
    case parked_event::grace_over: return {dialled, none};
  }
  std::abort();  // unreachable: the switch is complete
}

parked_step advance_ringing(parked_event event) noexcept {
  switch (event) {
    case parked_event::answered:
    case parked_event::rejected:
    case parked_event::lost:  // after ringing a 408 or 503 is the phone's last word
    case parked_event::call_over: return {ended, none};
    case parked_event::push_queued:
    case parked_event::push_refused:
    case parked_event::registered_here:
    case parked_event::registered_elsewhere:
    case parked_event::unregistered:
    case parked_event::provisional:
    case parked_event::grace_over: return {ringing, none};
  }
  std::abort();  // unreachable: the switch is complete
}

}  // namespace

parked_step advance(parked_state state, parked_event event) noexcept {
  switch (state) {
    case held:
    case pushed:
    case silent:
    case woken: return advance_waiting(state, event);
    case refused:
    case left: return advance_in_grace(state, event);
    case dialled: return advance_dialled(event);
    case ringing: return advance_ringing(event);
    case ended: return {ended, none};
  }
  std::abort();  // unreachable: the switch is complete
}

bool is_parked(parked_state state) noexcept {
  switch (state) {
    case held:
    case pushed:
    case silent:
    case refused:
    case left:
    case woken: return true;
    case dialled:
    case ringing:
    case ended: return false;
  }
  std::abort();  // unreachable: the switch is complete
}

bool is_live(parked_state state) noexcept { return state == dialled || state == ringing; }

const char* name_of(parked_state state) noexcept {
  switch (state) {
    case held: return "held";
    case pushed: return "pushed";
    case silent: return "silent";
    case refused: return "refused";
    case left: return "left";
    case dialled: return "dialled";
    case ringing: return "ringing";
    case woken: return "woken";
    case ended: return "ended";
  }
  std::abort();
}

const char* name_of(parked_event event) noexcept {
  switch (event) {
    case parked_event::push_queued: return "push_queued";
    case parked_event::push_refused: return "push_refused";
    case parked_event::registered_here: return "registered_here";
    case parked_event::registered_elsewhere: return "registered_elsewhere";
    case parked_event::unregistered: return "unregistered";
    case parked_event::provisional: return "provisional";
    case parked_event::answered: return "answered";
    case parked_event::rejected: return "rejected";
    case parked_event::lost: return "lost";
    case parked_event::grace_over: return "grace_over";
    case parked_event::call_over: return "call_over";
  }
  std::abort();
}

const char* name_of(parked_action action) noexcept {
  switch (action) {
    case none: return "none";
    case dial: return "dial";
    case redial: return "redial";
    case parked_action::resend: return "resend";
    case start_refused_grace: return "start_refused_grace";
    case start_left_grace: return "start_left_grace";
    case end_undialled: return "end_undialled";
  }
  std::abort();
}

}  // namespace reveille
