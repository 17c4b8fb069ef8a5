// REGISTER: what the subscriber does around registration's decision (SPEC 2.7, 3.3, 9; ARCHITECTURE 3 "Durable first").
#include <algorithm>
#include <array>
#include <cstddef>
#include <memory_resource>

#include "actors/stored_aors.hpp"
#include "actors/subscriber_state.hpp"
#include "actors/token_claims.hpp"
#include "sip/response.hpp"

namespace reveille {
namespace {

constexpr timer_key soft_key{timer_kind::soft_write, {}};
constexpr timer_key patience_key{timer_kind::pending_write, {}};
/// A store that failed is asked again this much later: often enough for a short fault, seldom enough for a long one.
constexpr seconds bucket_retry{5};

bool same_request(const held_register& held, const sip::message& m) {
  return held.request->cseq().number == m.cseq().number && held.request->call_id() == m.call_id() &&
         held.request->top_via().branch == m.top_via().branch;
}

}  // namespace

void subscriber::state::on(const register_received& e, const instant& now, effects& out) {
  const sip::message& request = *e.request;
  if (bindings.sweep(now.wall, config())) write_unheld(write_urgency::now, out);
  const bool calls = busy_ && !busy_->calls.empty();
  if (!known && around.stored && around.stored->full() && request.count(sip::header::contact) > 0) {
    add_note(out, trace_step::aors_full, nullptr, nullptr, 503, "");
    return refuse_register(request, e.source, 503, "", out);
  }
  const registration_outcome o = bindings.apply(request, e.source, now, config(), calls, e.trust);
  say_bounds(o, out);
  if (calls) forget_removed(out);
  if (o.status != 200) return refuse_register(request, e.source, o.status, o.why, out);
  if (busy_) {
    for (const held_register& h : busy_->held) {
      if (same_request(h, request)) return;  // its answer is on its way
    }
  }
  if (o.durable) {
    known = true;
    held_register h;
    h.request = e.request;
    h.source = e.source;
    h.trust = e.trust;
    h.version = bindings.version();
    h.patience = now.steady + config().store_patience;
    h.tells = o.push_registered && !o.retransmission;
    h.absence = o.absence;
    h.registered = o.registered;
    if (busy().held.size() >= config().messages || busy().writes.size() >= writes_limit) {
      add_note(out, trace_step::messages_full, nullptr, nullptr, 503, "register");
      refuse_register(request, e.source, 503, "", out);
    } else {
      h.token = new_token();
      write_bindings(h.token, write_urgency::now, out);
      busy().held.push_back(std::move(h));
      if (busy().held.size() == 1) arm_patience(now, out);
    }
  } else {
    send_200(request, e.source, e.trust, now, out);
    if (o.soft) write_soft(now.steady, out);
  }
  if (o.retransmission) {
    // It proves no new registration, but a phone that is awake: its parked calls go out (SPEC 3.3).
    if (busy_ && !busy_->calls.empty()) release(o.registered, released::parked_only, now, out);
    return;
  }
  if (busy_ && !busy_->calls.empty()) {
    unregister(o.removed, now, out);
    merge(o.merged, now, out);
    release(o.registered, released::all, now, out);
  }
  // SPEC 4.3: parked calls are released first, and only a REGISTER answered 200 tells.
  if (!o.durable && o.push_registered && bucket_) tell_missed(o.registered, o.absence, now, out);
}

void subscriber::state::say_bounds(const registration_outcome& o, effects& out) {
  using bound = registration_outcome::bound;
  switch (o.hit) {
    case bound::none: break;
    case bound::contacts: add_note(out, trace_step::contacts_full, nullptr, nullptr, o.status, ""); break;
    case bound::octets: add_note(out, trace_step::contact_octets_full, nullptr, nullptr, o.status, ""); break;
    case bound::one_contact: add_note(out, trace_step::contact_too_long, nullptr, nullptr, o.status, ""); break;
  }
  for (std::uint32_t i = 0; i < o.evicted; ++i) add_note(out, trace_step::binding_evicted, nullptr, nullptr, 0, "");
  for (std::uint32_t i = 0; i < o.refused_removals; ++i) add_note(out, trace_step::removal_refused, nullptr, nullptr, 0, "");
}

void subscriber::state::send_200(const sip::message& request, const flow& to, peer_trust trust, const instant& now,
                                 effects& out) {
  std::array<std::byte, 6144> room;  // a dozen contacts; more spill to the heap
  std::pmr::monotonic_buffer_resource memory(room.data(), room.size());
  std::pmr::string lines(&memory);
  lines.reserve(2048);
  const std::size_t unlisted = bindings.write_200(request, {to, request.call_id(), trust}, now.wall, config(), lines);
  if (unlisted > 0) add_note(out, trace_step::contacts_unlisted, nullptr, nullptr, 200, "");
  sip::packet packet = sip::build_response(request, to.remote, 200, tag_of(request.top_via().branch), lines, around.pool);
  if (!packet.bytes) {
    add_note(out, trace_step::messages_full, nullptr, nullptr, 200, "pool");
    return;  // the client asks again
  }
  out.emplace_back(send{to, std::move(packet), 200});
}

std::string subscriber::state::retry_after() {
  const auto base = static_cast<std::uint64_t>(config().retry_after.count());
  return "Retry-After: " + std::to_string(base + around.random.below(base + 1)) + "\r\n";
}

void subscriber::state::refuse_register(const sip::message& request, const flow& to, int status, std::string_view why,
                                        effects& out) {
  std::string extra;
  if (status == 423) {
    extra = "Min-Expires: " + std::to_string(config().min_expires.count()) + "\r\n";
  } else if (status == 503) {
    extra = retry_after();
  }
  if (why == "contacts-full") extra = warning("all contacts of this address-of-record are taken");
  if (why == "contact-octets") extra = warning("the contacts of this address-of-record are too long together");
  if (why == "contact-too-long") extra = warning("Contact and Call-ID, or Path, are too long to be kept");
  sip::packet packet =
      sip::build_response(request, to.remote, status, tag_of(request.top_via().branch), extra, around.pool);
  if (!packet.bytes) {
    add_note(out, trace_step::messages_full, nullptr, nullptr, status, "pool");
    return;
  }
  out.emplace_back(send{to, std::move(packet), status});
}

void subscriber::state::write_bindings(store_token token, write_urgency urgency, effects& out) {
  out.emplace_back(write{token, put_bindings{bindings.encode(around.process), urgency}});
  soft_dirty = false;
  if (busy_ && !busy_->unsynced.empty()) return;  // the timer is theirs too
  if (soft_timer) out.emplace_back(clear_timer{soft_key});
  soft_timer = false;
}

void subscriber::state::write_soft(steady_time now, effects& out) {
  soft_dirty = true;
  if (soft_timer) return;
  soft_timer = true;
  // Spread, so that a fleet that came together does not write together.
  const auto delay = std::chrono::duration_cast<milliseconds>(config().soft_write_delay);
  const auto early = milliseconds(static_cast<std::int64_t>(
      around.random.below(static_cast<std::uint64_t>(delay.count()) / 4 + 1)));
  out.emplace_back(set_timer{soft_key, now + (delay - early)});
}

/// A change that no REGISTER waits for: a dead token, a sweep. Asked for again with the next REGISTER if it fails.
void subscriber::state::write_unheld(write_urgency urgency, effects& out) {
  const store_token token = new_token();
  write_bindings(token, urgency, out);
  await_write({token, bindings.version(), {}}, out);
}

/// Writes that find the bound are on their way to the disk like all others; only their answer is not waited for. So what
/// it says of entries is asked for again, and bindings stay unsaved until the next write of theirs.
void subscriber::state::await_write(open_write&& what, effects& out) {
  if (busy().writes.size() < writes_limit) {
    busy().writes.push_back(std::move(what));
    return;
  }
  add_note(out, trace_step::list_full, nullptr, nullptr, 0, "writes");
  keep_unsynced(what.calls, out);
}

void subscriber::state::keep_unsynced(const std::vector<call_ref>& calls, effects& out) {
  std::vector<call_ref>& unsynced = busy().unsynced;
  for (const call_ref& c : calls) {
    if (std::find(unsynced.begin(), unsynced.end(), c) != unsynced.end()) continue;
    if (unsynced.size() >= unsynced_limit) {
      // What is lost is the removal of an old entry: it may be told once more after a restart.
      add_note(out, trace_step::list_full, nullptr, nullptr, 0, "entries to be written again");
      unsynced.erase(unsynced.begin());
    }
    unsynced.push_back(c);
  }
}

void subscriber::state::write_bucket(store_mutation change, std::vector<call_ref> calls, effects& out) {
  const store_token token = new_token();
  out.emplace_back(write{token, std::move(change)});
  await_write({token, 0, std::move(calls)}, out);
}

void subscriber::state::forget_parked(const call_ref& call, effects& out) {
  out.emplace_back(write{store_token{}, remove_parked{call}});
}

void subscriber::state::bucket_write_failed(const std::vector<call_ref>& calls, const instant& now, effects& out) {
  keep_unsynced(calls, out);
  if (soft_timer) return;
  soft_timer = true;
  out.emplace_back(set_timer{soft_key, now.steady + bucket_retry});
}

void subscriber::state::resync_bucket(effects& out) {
  const std::vector<call_ref> calls = std::move(busy_->unsynced);
  busy_->unsynced.clear();
  std::vector<call_ref> gone;
  for (const call_ref& c : calls) {
    if (const bucket_entry* e = bucket().find(c)) {
      write_bucket(add_bucket_entry{*e, std::nullopt}, {c}, out);
    } else {
      gone.push_back(c);
    }
  }
  if (!gone.empty()) write_bucket(remove_bucket_entries{gone}, gone, out);
}

void subscriber::state::on_soft_write(const instant& now, effects& out) {
  (void)now;
  soft_timer = false;
  if (soft_dirty) write_unheld(write_urgency::behind, out);
  if (busy_ && !busy_->unsynced.empty()) resync_bucket(out);
}

void subscriber::state::arm_patience(const instant& now, effects& out) {
  (void)now;
  if (busy_ && !busy_->held.empty()) out.emplace_back(set_timer{patience_key, busy_->held.front().patience});
}

void subscriber::state::answer_register(const held_register& h, int status, const instant& now, effects& out) {
  if (status != 200) {
    refuse_register(*h.request, h.source, status, "", out);
    return;
  }
  send_200(*h.request, h.source, h.trust, now, out);
  if (config().apps.any_one()) claim_tokens(h, out);
  if (h.tells && bucket_) tell_missed(h.registered, h.absence, now, out);
}

void subscriber::state::claim_tokens(const held_register& h, effects& out) {
  for (const device_id device : h.registered) {
    if (const binding* b = bindings.find_push(device, config())) {
      for_each_claim(name, *b, config().apps, [&](claim_token&& c) { out.emplace_back(std::move(c)); });
    }
  }
}

void subscriber::state::on(const token_claimed& e, const instant& now, effects& out) {
  const device_list gone = remove_token(e.token, e.since, trace_step::token_moved, out);
  if (gone.empty() || !busy_) return;
  unregister(gone, now, out);  // its user is somebody else now
  for (std::size_t i = 0; busy_ && i < busy_->calls.size(); ++i) progress(*busy_->calls[i], now, out);
}

void subscriber::state::on_bindings_written(const write_finished& e, const instant& now, effects& out) {
  if (!busy_) return;
  for (auto w = busy_->writes.begin(); w != busy_->writes.end(); ++w) {
    if (w->token != e.token) continue;
    const open_write done = std::move(*w);
    busy_->writes.erase(w);
    if (!busy_->unsynced.empty()) bucket_write_failed({}, now, out);  // those that found the bound have no timer yet
    if (!done.calls.empty()) {
      if (!e.ok) bucket_write_failed(done.calls, now, out);
    } else if (e.ok) {
      note_saved(done.version);
    } else {
      write_soft(now.steady, out);  // tried again behind
    }
    return;
  }
  for (auto h = busy_->held.begin(); h != busy_->held.end(); ++h) {
    if (h->token != e.token) continue;
    const held_register what = std::move(*h);
    const bool first = h == busy_->held.begin();
    busy_->held.erase(h);
    if (first) {
      out.emplace_back(clear_timer{patience_key});
      arm_patience(now, out);
    }
    if (e.ok) note_saved(what.version);
    if (!e.ok) add_note(out, trace_step::register_write_failed, nullptr, nullptr, 503, "");
    answer_register(what, e.ok ? 200 : 503, now, out);
    return;
  }
}

void subscriber::state::note_saved(std::uint32_t version) {
  bindings.saved(version);
  if (!counted && around.stored) around.stored->add();
  counted = true;
}

void subscriber::state::on_pending_write(const instant& now, effects& out) {
  if (!busy_) return;
  while (!busy_->held.empty() && busy_->held.front().patience <= now.steady) {
    const held_register what = std::move(busy_->held.front());
    busy_->held.erase(busy_->held.begin());
    await_write({what.token, what.version, {}}, out);  // its answer may yet come
    add_note(out, trace_step::register_write_late, nullptr, nullptr, 503, "");
    answer_register(what, 503, now, out);
  }
  arm_patience(now, out);
}

}  // namespace reveille
