// Responses, CANCEL, deadline, and the one final response (SPEC 3.4 to 3.6, RFC 3261 16.7).
#include <algorithm>

#include "actors/subscriber_state.hpp"
#include "sip/edit.hpp"
#include "sip/response.hpp"

namespace reveille {
namespace {

using sip::fork_outcome;

/// Before ringing these mean that the INVITE did not reach a phone that could ring (SPEC 3.3).
bool counts_as_lost(int status) { return status == 408 || status == 430 || status == 503; }

bool is_declined(int status) { return status == 486 || status == 600 || status == 603; }

}  // namespace

void subscriber::state::on(const response_received& e, const instant& now, effects& out) {
  call* found = find_call(e.branch.call);
  if (!found || !found->context.knows(e.branch.branch)) return;  // long over
  call& c = *found;
  const std::uint32_t branch = e.branch.branch;
  const int status = e.response->status();
  c.context.on_sign_of_life(branch);
  prove_flow(c, branch, status, now, out);
  if (status <= 100) return;
  call_device* d = c.by_branch(branch);
  if (status < 200) {
    if (d && c.invite && d->state != parked_state::ringing) {
      d->push_due = false;
      withdraw(c, *d, out);  // it rings: no push may reach it now (SPEC 3.6)
      step(c, *d, parked_event::provisional, now, out);
      add_note(out, trace_step::ringing, &c, d, status, "");
    }
    if (c.timer_c_runs(config().timer_c)) {
      // RFC 3261 16.7 step 2: a sign of life.
      out.emplace_back(set_timer{{timer_kind::timer_c, {c.number, branch}}, now.steady + config().timer_c});
    }
    if (c.context.on_provisional(branch) == sip::response_context::relay::forward) relay(c, *e.response, {}, out);
    return;
  }
  if (status < 300) {
    answered(c, branch, e.response, now, out);
  } else {
    final_failure(c, branch, e.response, now, out);
  }
  progress(c, now, out);
}

void subscriber::state::answered(call& c, std::uint32_t branch, const sip::message_ptr& response, const instant& now,
                                 effects& out) {
  const bool first = !c.context.final_sent();
  close_branch(c, branch, out);
  const bool forward = c.context.on_success(branch) == sip::response_context::relay::forward;
  if (!forward) {
    add_note(out, trace_step::failed, &c, c.by_branch(branch), response->status(), "2xx after the final response");
    return;
  }
  relay(c, *response, {}, out);
  if (!first || !c.invite) return;
  if (call_device* d = c.by_branch(branch)) {
    withdraw(c, *d, out);
    step(c, *d, parked_event::answered, now, out);
  }
  cancel_open_branches(c, sip::completed_elsewhere, now, out);
  end_devices(c, now, out);
  record_end(c, response->status(), true, now, out);
}

void subscriber::state::final_failure(call& c, std::uint32_t branch, const sip::message_ptr& response,
                                      const instant& now, effects& out) {
  call_device* d = c.by_branch(branch);
  const int status = response->status();
  const bool was_open = c.context.is_open(branch);
  close_branch(c, branch, out);
  if (!was_open) return;
  const bool collided = d && met_another_branch(c, *d, status);
  if (d && !collided && (status == 408 || status == 430) && d->state == parked_state::dialled) {
    note_failed_flow(*d);
    if (dial_next_flow(c, *d, branch, now, out)) return;
  }
  if (d && c.invite && c.undecided() && d->parkable && d->state == parked_state::dialled &&
      (collided || counts_as_lost(status))) {
    c.context.park_again(branch);
    d->collided = collided;
    d->cause = collided ? "met its own earlier branch" : "lost before ringing";
    step(c, *d, parked_event::lost, now, out);
    add_note(out, trace_step::failed, &c, d, status, d->cause);
    push_belatedly(c, *d, now, out);
    dial_after_collision(c, *d, 482, now, out);
    return;
  }
  const bool before = c.undecided();
  c.context.on_failure(branch, response);
  for (call_device& other : c.devices) {
    if (other.has_abandoned(branch)) dial_after_collision(c, other, status, now, out);
  }
  if (d && before) {
    withdraw(c, *d, out);
    d->push_due = false;
    d->unheard = d->state == parked_state::dialled && counts_as_lost(status);
    step(c, *d, parked_event::rejected, now, out);
    if (c.invite) add_note(out, trace_step::rejected, &c, d, status, "");
  }
  if (before && c.context.outcome() == fork_outcome::rejected && c.invite) {
    cancel_open_branches(c, "", now, out);
    end_devices(c, now, out);
  }
}

/// The phone took our newest INVITE for a copy of one that we have given up for it (RFC 3261 8.2.2.2), or is busy with
/// that one: no answer to the call.
bool subscriber::state::met_another_branch(const call& c, const call_device& d, int status) const {
  if (status == 482) return !d.abandoned.empty() || c.resumed;
  return status == 486 && std::any_of(d.abandoned.begin(), d.abandoned.end(), [&](std::uint32_t branch) {
    return c.context.is_open(branch) && c.context.heard(branch);
  });
}

/// One of its abandoned branches ended, or its newest one has just been refused because of them. The branch that the phone
/// held ends with something else than 482; then it has nothing of the call any more, is awake, and gets its INVITE.
void subscriber::state::dial_after_collision(call& c, call_device& d, int status, const instant& now, effects& out) {
  const auto is_open = [&](std::uint32_t branch) { return c.context.is_open(branch); };
  d.let_go = d.let_go || status != 482;
  const bool waits = !d.let_go && std::any_of(d.abandoned.begin(), d.abandoned.end(), is_open);
  if (!d.collided || waits || d.abandoned.empty() || d.state != parked_state::woken) return;
  d.collided = d.let_go = false;
  std::erase_if(d.abandoned, [&](std::uint32_t branch) { return !is_open(branch); });
  // Without a flow that may be dialled it waits on as parked: its next REGISTER brings one.
  if (c.undecided() && next_flow(d, now)) {
    step(c, d, parked_event::registered_here, now, out);
  }
}

/// push.when = asleep took the device for awake, and it was not (SPEC 3.2).
void subscriber::state::push_belatedly(call& c, call_device& d, const instant& now, effects& out) {
  if (config().push != push_when::asleep || d.push != 0 || d.push_due) return;
  d.push_due = true;
  if (!c.entry) {
    c.request = c.request->compact_copy();
    count_call(c);
    write_entry(c, now, out);
  } else if (!c.late_set) {
    queue_pushes(c, now, out);
  }
}

void subscriber::state::on(const branch_failed& e, const instant& now, effects& out) {
  call* found = find_call(e.branch.call);
  if (!found || !found->context.is_open(e.branch.branch)) return;
  call& c = *found;
  call_device* d = c.by_branch(e.branch.branch);
  close_branch(c, e.branch.branch, out);
  for (call_device& other : c.devices) {
    if (!other.has_abandoned(e.branch.branch)) continue;
    c.context.give_up(e.branch.branch);
    dial_after_collision(c, other, 408, now, out);
    return progress(c, now, out);
  }
  using why = branch_failed::why;
  using no_answer = sip::response_context::no_answer;
  const bool ours = e.cause == why::no_room;
  const char* cause = ours ? "no room" : e.cause == why::timeout ? "timeout" : "transport error";
  if (d && d->state == parked_state::dialled && !ours) {
    note_failed_flow(*d);
    if (dial_next_flow(c, *d, e.branch.branch, now, out)) return progress(c, now, out);
  }
  if (d && c.invite && c.undecided() && d->parkable && d->state == parked_state::dialled) {
    if (ours) {
      // However often it registers while we have no room: only what left us counts against dials_limit (SPEC 10a.4).
      c.context.take_back(e.branch.branch);
      --d->dials;
    } else {
      c.context.park_again(e.branch.branch);
    }
    d->cause = cause;
    step(c, *d, parked_event::lost, now, out);
    push_belatedly(c, *d, now, out);
  } else {
    if (c.undecided()) {
      c.context.on_no_answer(e.branch.branch, ours                      ? no_answer::no_room
                                              : e.cause == why::timeout ? no_answer::silent
                                                                        : no_answer::unreachable);
    } else {
      c.context.give_up(e.branch.branch);
    }
    if (d && d->state != parked_state::ended) {
      d->unheard = d->state == parked_state::dialled;
      step(c, *d, parked_event::rejected, now, out);
    }
  }
  if (c.invite) add_note(out, trace_step::failed, &c, d, 0, cause);
  progress(c, now, out);
}

void subscriber::state::on(const cancel_received& e, const instant& now, effects& out) {
  if (!busy_) return;
  for (const auto& candidate : busy_->calls) {
    call& c = *candidate;
    if (c.transaction != e.transaction || c.back != way_back::transaction) continue;
    const bool elsewhere = e.cancel && sip::says_answered_elsewhere(*e.cancel);
    if (!c.invite || !c.context.decide(fork_outcome::cancelled)) {
      // Too late to decide the call, or nothing to cancel (RFC 3261 9.2). But it was answered, whoever decided (SPEC 4.2).
      const bool rejected = c.context.outcome() == fork_outcome::rejected;
      if (c.invite && elsewhere && !c.context.final_sent()) record_end(c, rejected ? 600 : 480, true, now, out);
      return;
    }
    cancel_open_branches(c, e.cancel ? sip::reasons_of(*e.cancel) : std::string(), now, out);
    end_devices(c, now, out);
    // A 2xx may still overtake the CANCEL, so the call is over only with its final response (SPEC 4.2, 4.3). Answered
    // elsewhere it is answered, whatever our branches say.
    if (elsewhere) record_end(c, 487, true, now, out);
    if (config().planted.answer_480_and_487) answer(c, 480, "", out);
    progress(c, now, out);
    return;
  }
}

void subscriber::state::on_deadline(call& c, const instant& now, effects& out) {
  c.deadline_set = false;
  if (!c.context.decide(fork_outcome::expired)) return;
  for (call_device& d : c.devices) {
    if (is_parked(d.state)) add_note(out, trace_step::not_woken, &c, &d, 0, *d.cause ? d.cause : "deadline");
  }
  c.context.abandon_silent();  // their INVITEs may be lost: the caller does not wait another 32 s for nobody
  cancel_open_branches(c, "", now, out);
  end_devices(c, now, out);
  progress(c, now, out);
}

void subscriber::state::cancel_branch_of(call& c, std::uint32_t branch, std::string_view reason, const instant& now,
                                         effects& out) {
  if (!c.context.is_open(branch)) return;
  c.context.mark_cancelled(branch);
  out.emplace_back(cancel_branch{{c.number, branch}, std::string(reason)});
  out.emplace_back(set_timer{{timer_kind::cancel_give_up, {c.number, branch}}, now.steady + config().cancel_give_up});
}

void subscriber::state::cancel_open_branches(call& c, std::string_view reason, const instant& now, effects& out) {
  for (const std::uint32_t branch : c.context.to_cancel()) cancel_branch_of(c, branch, reason, now, out);
}

/// The branch has had its final response: its timers go.
void subscriber::state::close_branch(call& c, std::uint32_t branch, effects& out) {
  if (!c.context.is_open(branch)) return;
  if (c.context.is_cancelled(branch)) out.emplace_back(clear_timer{{timer_kind::cancel_give_up, {c.number, branch}}});
  if (c.invite && c.timer_c_runs(config().timer_c)) {
    out.emplace_back(clear_timer{{timer_kind::timer_c, {c.number, branch}}});
  }
}

void subscriber::state::end_devices(call& c, const instant& now, effects& out) {
  for (call_device& d : c.devices) {
    if (!config().planted.push_after_cancel) d.push_due = false;
    withdraw(c, d, out);
    step(c, d, parked_event::call_over, now, out);
  }
  c.context.end_all_places();
}

/// What the end means for the bucket, the trace and the timers; once a call.
void subscriber::state::record_end(call& c, int status, bool answered_somewhere, const instant& now, effects& out) {
  (void)now;
  if (c.settled) return;
  c.settled = true;
  if (c.deadline_set) out.emplace_back(clear_timer{{timer_kind::answer_deadline, {c.number, 0}}});
  c.deadline_set = false;
  if (c.late_set && !config().planted.push_after_cancel) {
    out.emplace_back(clear_timer{{timer_kind::bucket_write_late, {c.number, 0}}});
    c.late_set = false;
  }
  if (!c.invite) return;
  const trace_step how = status < 300                                             ? trace_step::answered
                    : c.context.outcome() == fork_outcome::cancelled         ? trace_step::cancelled
                    : status == 480 && !c.context.any_rang()                 ? trace_step::not_woken
                    : status == 480 || status == 408                         ? trace_step::failed
                                                                             : trace_step::rejected;
  add_note(out, how, &c, nullptr, status, "outcome");
  if (c.stored) forget_parked(c.ref, out);
  c.stored = false;
  // An answer also removes what an earlier INVITE of the same call left (SPEC 4.2: by call_ref).
  if (!bucket_ || !(c.entry || answered_somewhere)) return;
  const bool dropped = config().declined == declined_calls::drop && is_declined(status);
  if ((answered_somewhere && !config().planted.tell_answered_calls) || dropped) {
    if (bucket().remove(c.ref)) {
      write_bucket(remove_bucket_entries{{c.ref}}, {c.ref}, out);
      add_note(out, trace_step::bucket_removed, &c, nullptr, status, "");
    }
  } else if (const bucket_entry* e = bucket().mark_over(c.ref)) {
    write_bucket(update_bucket_entry{*e}, {c.ref}, out);
  }
}

void subscriber::state::progress(call& c, const instant& now, effects& out) {
  if (const auto answer = c.context.take_final()) send_final(c, *answer, now, out);
  if (!c.context.final_sent() || !c.context.all_closed()) return;
  if (c.context.final_status() < 300 && c.invite) {
    // Repeats of the 2xx are passed on until its sender gives up (RFC 3261 13.3.1.4).
    if (!c.lingering) {
      c.lingering = true;
      out.emplace_back(set_timer{{timer_kind::cancel_give_up, {c.number, 0}}, now.steady + config().cancel_give_up});
    }
    return;
  }
  c.lingering = false;
  c.ended = true;
}

std::string subscriber::state::warning(std::string_view cause) const {
  return "Warning: 399 " + config().warn_agent + " \"" + std::string(cause) + "\"\r\n";
}

void subscriber::state::send_final(call& c, const sip::response_context::final_answer& a, const instant& now,
                                   effects& out) {
  if (a.response) {
    relay(c, *a.response, a.challenges, out);
  } else {
    std::string extra;
    if (a.status == 480) {
      extra = c.context.any_rang() ? "Reason: Q.850;cause=19\r\n" : "Reason: Q.850;cause=20\r\n";
      if (c.trust == peer_trust::trusted) {
        const char* cause = "";
        for (const call_device& d : c.devices) cause = *d.cause ? d.cause : cause;
        extra += warning(*cause ? cause : c.context.any_rang() ? "no answer" : "not woken");
      }
    } else if (a.status == 503) {
      extra = retry_after();
    }
    answer(c, a.status, extra, out);
  }
  end_devices(c, now, out);
  record_end(c, a.status, false, now, out);
}

/// A response of a branch without our Via, without push parameters (SPEC 2.4).
void subscriber::state::relay(call& c, const sip::message& response, std::string_view extra, effects& out) {
  sip::edits changes(response);
  changes.remove_top_via();
  changes.strip_contact_params(&pns::is_push_param);
  if (!extra.empty()) changes.append(extra);
  emit_response(c, response.status(), changes.serialise(around.pool), sip::answer_kind::of_phone, out);
}

void subscriber::state::answer(call& c, int status, std::string_view extra, effects& out) {
  const bool nobody_asked = c.devices.empty() && status >= 300;
  emit_response(c, status,
                sip::build_response(*c.request, c.source.remote, status, tag_of(c.request->top_via().branch), extra,
                                    around.pool),
                nobody_asked ? sip::answer_kind::refused : sip::answer_kind::decided, out);
}

/// A null packet (pool at its bound) still goes out: the transaction layer then ends the transaction.
void subscriber::state::emit_response(call& c, int status, sip::packet packet, sip::answer_kind kind, effects& out) {
  if (c.back == way_back::transaction) {
    out.emplace_back(respond{c.transaction, status, std::move(packet), kind});
  } else if (packet.bytes) {
    out.emplace_back(send{c.source, std::move(packet), status});
  }
}

void subscriber::state::on(const push_answered& e, const instant& now, effects& out) {
  const std::uint32_t number = e.answer.id.number;
  const pns::push_outcome& outcome = e.answer.outcome;
  const bool accepted = std::holds_alternative<pns::accepted>(outcome);
  if (bucket_ && bucket_->is_waiting_for(number)) {
    const auto age = std::chrono::duration_cast<milliseconds>(now.steady - bucket_->round_started());
    token_answer(outcome, now.wall - age, now, out);
    on_told(number, accepted, now, out);
    return;
  }
  for (std::size_t i = 0; busy_ && i < busy_->calls.size(); ++i) {
    call& c = *busy_->calls[i];
    for (call_device& d : c.devices) {
      if (d.push != number) continue;
      d.push_open = false;
      token_answer(outcome, d.pushed_at, now, out);
      push_outcome_of(c, d, e.answer, now, out);
      progress(c, now, out);
      return;
    }
  }
  // Its call is over. A stamp still tells what the token is worth; without one nothing does.
  token_answer(outcome, wall_time{}, now, out);
  add_note(out, trace_step::stale_push_answer, nullptr, nullptr, e.answer.status, e.answer.reason);
}

void subscriber::state::push_outcome_of(call& c, call_device& d, const pns::push_answer& a, const instant& now,
                                        effects& out) {
  if (std::holds_alternative<pns::accepted>(a.outcome)) {
    add_note(out, trace_step::push_accepted, &c, &d, a.status, "");
    const auto provisional = static_cast<int>(config().provisional);
    if (provisional != 0 && c.undecided() && !c.told_caller && is_parked(d.state)) {
      c.told_caller = true;
      answer(c, provisional, "", out);
    }
    return;
  }
  const auto refused = [&](const char* cause) {
    d.cause = cause;
    add_note(out, trace_step::push_refused, &c, &d, a.status, a.reason.empty() ? cause : a.reason);
    if (c.undecided()) step(c, d, parked_event::push_refused, now, out);
  };
  if (std::holds_alternative<pns::try_later>(a.outcome)) {
    d.cause = "push service busy";  // parked till the deadline (SPEC 3.4)
    add_note(out, trace_step::push_refused, &c, &d, a.status, a.reason.empty() ? d.cause : a.reason);
  } else if (const auto* dropped = std::get_if<pns::dropped>(&a.outcome)) {
    using why = pns::dropped::why;
    switch (dropped->reason) {
      case why::withdrawn: return;
      case why::deadline: d.cause = "push too late"; return;
      case why::provider_off: d.cause = "provider switched off"; return;  // SPEC 8: stays parked
      case why::queue_full: return refused("push queue full");
      case why::no_app: return refused("no app for this token");
      case why::skipped: return refused("push skipped");
    }
  } else if (std::holds_alternative<pns::dead_token>(a.outcome)) {
    refused("dead token");
  } else if (std::holds_alternative<pns::suspect_token>(a.outcome)) {
    refused("suspect token");
  } else if (std::holds_alternative<pns::credential_fault>(a.outcome)) {
    refused("push credentials refused");
  } else {
    refused("push refused");
  }
}

}  // namespace reveille
