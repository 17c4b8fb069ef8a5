#include "simulator/load/call_truth.hpp"

#include "core/hash.hpp"
#include "simulator/report/duration_text.hpp"

namespace reveille::load {

namespace {

std::string since(steady_time from, steady_time to) {
  if (from == steady_time::max() || to == steady_time::max()) return "at no time";
  if (to < from) return report::write_duration(from - to) + " before";
  return report::write_duration(to - from) + " after";
}

std::string in_words(int status) { return status == 0 ? "no final response" : std::to_string(status); }

void count_up(std::uint8_t& counter) {
  if (counter != 255) ++counter;
}

}  // namespace

call_number call_truth::begin(phone_number phone, intent meant, steady_time deadline, steady_time now) {
  record& r = records_.emplace_back();
  r.invited = now;
  r.deadline = deadline;
  r.phone = phone.value;
  r.meant = meant;
  ++calls_.offered;
  return {static_cast<std::uint32_t>(records_.size() - 1)};
}

void call_truth::found(std::string rule, std::string call_id, std::string expected, std::string seen) {
  ++violation_count_;
  if (violations_.size() < report::run_report::kept_violations) {
    violations_.push_back({std::move(rule), std::move(call_id), std::move(expected), std::move(seen)});
  }
}

void call_truth::blame(const record& r, std::string rule, std::string expected, std::string seen) {
  const auto number = static_cast<std::uint32_t>(&r - records_.data());
  found(std::move(rule), names_.call_id_of({number}), std::move(expected), std::move(seen));
}

void call_truth::push_arrived(call_number call, push_stamp stamp, steady_time at) {
  record& r = records_[call.value];
  if (r.pushes > 0 && stamp.value != 0 && stamp.value == r.push_stamp) return;  // the same push once more
  const bool expected_before = must_be_told(r);
  count_up(r.pushes);
  r.push_stamp = stamp.value;
  // A caller may have hung up before word of the push came by here: then the call was closed as one without a push.
  if (!expected_before) count_missed(r);
  if (r.pushes > rules_.pushes_per_call) {
    blame(r, "too-many-pushes", "at most " + std::to_string(rules_.pushes_per_call) + " for this device and call",
          "push " + std::to_string(r.pushes));
  }
  if (before(r.final_at, at)) {
    blame(r, "push-after-end", "no push once the call is over", "a push " + since(r.final_at, at) + " the final response");
  } else if (before(r.rang, at)) {
    blame(r, "push-after-ringing", "no push to a device that rings", "a push " + since(r.rang, at) + " its 180");
  }
}

void call_truth::phone_registered(call_number call, steady_time now) {
  record& r = records_[call.value];
  if (r.registered == never) r.registered = now;
}

void call_truth::invite_reached_sleeping_phone(call_number call) {
  blame(records_[call.value], "dialled-asleep", "no INVITE before the woken device registers", "an INVITE to its old address");
}

void call_truth::invite_arrived(call_number call, steady_time now) {
  record& r = records_[call.value];
  count_up(r.invites);
  if (r.flags & is_answered) {
    blame(r, "invite-after-answer", "one INVITE for a device and call", "another INVITE after the phone's 200");
  } else if (r.live > 0) {
    blame(r, "second-live-invite", "one live INVITE for a device and call", "INVITE " + std::to_string(r.invites) + " while the one before was pending");
  } else if (before(r.final_at, now)) {
    blame(r, "invite-after-end", "no INVITE once the call is over", "an INVITE " + since(r.final_at, now) + " the final response");
  }
  count_up(r.live);
}

void call_truth::phone_rang(call_number call, steady_time now) {
  record& r = records_[call.value];
  if (r.rang == never) r.rang = now;
}

void call_truth::phone_answered(call_number call, steady_time now) {
  record& r = records_[call.value];
  r.answered = now;
  r.flags |= is_answered;
}

void call_truth::phone_ended_invite(call_number call) {
  record& r = records_[call.value];
  if (r.live > 0) --r.live;
}

void call_truth::phone_was_cancelled(call_number call, steady_time now) {
  record& r = records_[call.value];
  r.flags |= is_cancelled_at_phone;
  // The only device of its subscriber: nobody else can have answered.
  if (r.cancelled == never && now + rules_.grace < r.deadline && !before(r.final_at, now)) {
    blame(r, "cancelled-without-reason", "no CANCEL before the caller's or the deadline",
          "a CANCEL " + since(r.deadline, now) + " the deadline");
  }
}

void call_truth::phone_never_acked(call_number call) {
  blame(records_[call.value], "ack-lost", "an ACK for the phone's 200", "none within 64*T1");
}

void call_truth::request_unanswered(call_number call, std::string_view method) {
  blame(records_[call.value], "request-unanswered", "a final response to " + std::string(method), "none within 64*T1");
}

void call_truth::caller_cancelled(call_number call, steady_time now) { records_[call.value].cancelled = now; }

void call_truth::caller_heard(call_number call, int status, std::string_view to_tag, steady_time now) {
  record& r = records_[call.value];
  const auto tag = static_cast<std::uint32_t>(siphash({}, to_tag));
  if (r.status != 0) {
    if (r.status != status) {
      blame(r, "second-final-response", in_words(r.status) + " and nothing after it", in_words(status) + " as well");
    } else if (status < 300 && tag != r.final_tag) {
      blame(r, "answered-twice", "one answer", "two 2xx with different To tags");
    }
    return;
  }
  r.status = static_cast<std::uint16_t>(status);
  r.final_tag = tag;
  r.final_at = now;
}

void call_truth::closed(call_number call) {
  record& r = records_[call.value];
  if (r.flags & is_closed) return;
  r.flags |= is_closed;
  count_outcome(r);
  if (r.status == 0) {
    blame(r, "no-final-response", "exactly one", "none");
    return;
  }
  if (r.deadline != never && r.status >= 300 && r.deadline + rules_.grace + rules_.late + r.patience < r.final_at) {
    blame(r, "final-too-late", "a final response at the deadline", in_words(r.status) + " " + since(r.deadline, r.final_at) + " it");
  }
  if (r.status < 300) {
    if (!(r.flags & is_answered)) blame(r, "answered-by-nobody", "200 only from the phone", "200, but the phone sent none");
  } else if (r.status == 487) {
    judge_cancelled(r);
  } else if (r.status == 480 || r.status == 408) {
    judge_unanswered(r);
  } else if (r.status == 503) {
    // Overload, refused at the door: a failed call, but no contradiction unless the phone was woken for it.
    if (r.pushes > 0) blame(r, "unexpected-final", "no push for a call that is refused", "503 and a push");
  } else {
    blame(r, "unexpected-final", "200, 480 or 487", in_words(r.status));
  }
}

void call_truth::judge_cancelled(const record& r) {
  if (r.cancelled == never) {
    blame(r, "487-without-cancel", "487 only after a CANCEL", "487 although the caller stayed");
  } else if (before(r.answered, r.cancelled)) {
    blame(r, "487-after-answer", "the phone's 200, sent before the CANCEL", "487; the CANCEL was " + since(r.answered, r.cancelled) + " the answer");
  }
}

void call_truth::judge_unanswered(const record& r) {
  // A caller who hangs up at the deadline itself may hear either.
  if (before(r.cancelled, r.deadline)) {
    blame(r, "480-after-cancel", "487 for a cancelled call", in_words(r.status));
    return;
  }
  if (r.pushes == 0 && r.rang == never) {
    if (lay_in_silence(r)) return;
    blame(r, "no-push", "a push for a call to a sleeping device", in_words(r.status) + " and no push at the provider");
    return;
  }
  if (before(r.answered, std::min(r.deadline, r.final_at))) {
    blame(r, "answer-lost", "200: the phone answered " + since(r.deadline, r.answered) + " the deadline", in_words(r.status));
  } else if (before(r.final_at, r.deadline)) {
    blame(r, "gave-up-early", "no final response before the deadline", in_words(r.status) + " " + since(r.deadline, r.final_at) + " it");
  } else if (before(r.registered, r.deadline) && r.invites == 0) {
    blame(r, "woken-not-called", "an INVITE: the phone's REGISTER got its 200 " + since(r.deadline, r.registered) + " the deadline", in_words(r.status) + " and no INVITE");
  }
}

void call_truth::count_outcome(const record& r) {
  if (r.status >= 200 && r.status < 300) {
    ++calls_.answered;
  } else if (r.status == 487) {
    ++calls_.cancelled;
  } else if (r.status == 480 || r.status == 408) {
    ++(r.rang != never ? calls_.unanswered : calls_.not_woken);
    if (r.pushes == 0 && lay_in_silence(r)) ++calls_.in_silence;
  } else {
    ++calls_.failed;
  }
  count_missed(r);
}

void call_truth::count_missed(const record& r) {
  if (!must_be_told(r)) return;
  ++missed_.expected;
  if (r.told > 0) ++missed_.told;
}

bool call_truth::must_be_told(const record& r) const {
  if (!(r.flags & is_closed) || (r.flags & never_told)) return false;
  // Without a push a caller's CANCEL may have come before the entry was written.
  if (r.pushes == 0 && (r.status == 487 || !lay_in_silence(r))) return false;
  return r.status == 480 || r.status == 408 || r.status == 487;
}

bool call_truth::lay_in_silence(const record& r) const {
  return silent_from_ != never && silent_from_ < r.invited + rules_.grace && r.deadline < silent_until_ + rules_.recovery;
}

bool call_truth::told(call_number call, phone_number to, push_stamp stamp, bool late, steady_time at) {
  if (call.value >= records_.size()) return false;
  record& r = records_[call.value];
  if (r.phone != to.value) {
    blame(r, "told-to-another", "told to its callee", "told to another subscriber's device");
    return true;
  }
  if (r.told > 0 && stamp.value != 0 && stamp.value == r.told_stamp) {
    ++missed_.repeated;
    return true;
  }
  count_up(r.told);
  r.told_stamp = stamp.value;
  if (r.told > 1) {
    blame(r, "told-twice", "each missed call told once", "told " + std::to_string(r.told) + " times");
    return true;
  }
  if (r.status >= 200 && r.status < 300) {
    blame(r, "answered-call-told", "no word of a call that was answered", "told as missed");
  } else if (r.final_at == never || before(at, r.final_at)) {
    blame(r, "told-too-early", "told when the call is over", "told while it rang");
  }
  if (must_be_told(r)) {
    ++missed_.told;
    if (late) ++missed_.told_late;
  }
  return true;
}

void call_truth::finish(ending how) {
  for (const record& r : records_) {
    if (!(r.flags & is_closed)) ++calls_.failed;  // cut off in the middle: no outcome, and no verdict
  }
  if (how == ending::cut_short) return;
  for_each_untold([&](call_number call, phone_number) {
    blame(records_[call.value], "missed-call-not-told", "told once when the phone came back", "never told");
  });
}

}  // namespace reveille::load
