// A request arrives; devices are dialled, or pushed and parked; a REGISTER releases (SPEC 3.1 to 3.3, 4.1, 9).
#include <algorithm>
#include <cassert>

#include "actors/octets.hpp"
#include "actors/subscriber_state.hpp"
#include "core/hash.hpp"
#include "sip/call_ref.hpp"

namespace reveille {
namespace {

template <class Object>
std::string_view octets_of(const Object& o) {
  return {reinterpret_cast<const char*>(&o), sizeof o};
}

std::string_view host_of(const aor& name) {
  const std::size_t at = name.view().rfind('@');
  return at == std::string_view::npos ? name.view() : name.view().substr(at + 1);
}

}  // namespace

std::uint64_t address_of(const binding& b) {
  const flow& to = b.facts().source;
  // A flow without Path ends at the phone, whatever its Contact says: behind a NAT the text changes as the phone learns
  // its address. Behind an edge proxy the Contact tells where.
  std::uint64_t h = b.path().empty() ? 0 : siphash({siphash({}, b.path()), 0}, b.request_uri());
  h = siphash({h, to.connection}, octets_of(to.remote.address));
  h = siphash({h, to.remote.port}, "");
  return siphash({h, static_cast<std::uint64_t>(to.kind)}, "");
}

std::uint32_t subscriber::state::new_call_number() {
  do {
    ++next_call;
  } while (next_call == 0 || find_call(next_call));
  return next_call;
}

std::size_t subscriber::state::waiting_calls() const {
  if (!busy_) return 0;
  return static_cast<std::size_t>(std::count_if(busy_->calls.begin(), busy_->calls.end(),
                                                [](const auto& c) { return c->invite && c->undecided(); }));
}

void subscriber::state::refuse(const request_received& e, int status, effects& out) {
  std::string extra;
  if (status == 480) extra = "Reason: Q.850;cause=20\r\n";
  out.emplace_back(respond{e.transaction, status,
                           sip::build_response(*e.request, e.source.remote, status, tag_of(e.request->top_via().branch),
                                               extra, around.pool)});
}

call& subscriber::state::new_call(const request_received& e, const instant& now, sip::response_context::kind kind) {
  auto made = std::make_unique<call>(kind);
  call& c = *made;
  c.number = new_call_number();
  c.ref = sip::call_ref_of(*e.request);
  c.request = e.request;
  c.transaction = e.transaction;
  c.source = e.source;
  c.trust = e.trust;
  c.invite = kind == sip::response_context::kind::invite;
  c.arrived = now;
  busy().calls.push_back(std::move(made));
  return c;
}

void subscriber::state::on(const request_received& e, const instant& now, effects& out) {
  if (bindings.sweep(now.wall, config())) write_unheld(out);
  const sip::message& m = *e.request;
  const bool invite = m.method() == sip::method::invite;
  if (!known && bindings.all().empty()) return refuse(e, 404, out);
  if (!m.to_tag().empty()) return refuse(e, 481, out);  // a dialog's requests follow their Route set, not the registrar
  if (invite) {
    const call_ref ref = sip::call_ref_of(m);
    if (busy_) {
      for (const auto& c : busy_->calls) {
        if (!c->invite || c->ref != ref || !c->undecided()) continue;
        // Sent again by a caller that heard nothing, while the process that had parked it restarted.
        if (c->back == way_back::stateless && c->request->top_via().branch == m.top_via().branch) {
          return adopt(*c, e.transaction);
        }
        // Two INVITEs of one call at once: merged on its way to us (RFC 3261 8.2.2.2). One device, one INVITE (SPEC 3.3).
        return refuse(e, 482, out);
      }
    }
    if (waiting_calls() >= config().parked_calls) {
      say(out, stage::parked_full, nullptr, nullptr, 480, "");
      return refuse(e, 480, out);
    }
    begin_invite(new_call(e, now, sip::response_context::kind::invite), now, out);
    return;
  }
  const std::size_t standing =
      busy_ ? static_cast<std::size_t>(std::count_if(busy_->calls.begin(), busy_->calls.end(),
                                                     [](const auto& c) { return !c->invite; }))
            : 0;
  if (standing >= config().messages) {
    say(out, stage::messages_full, nullptr, nullptr, 480, "");
    return refuse(e, 480, out);
  }
  begin_other(new_call(e, now, sip::response_context::kind::other), now, out);
}

bool subscriber::state::is_callers_own(const call& c, const binding& b) const {
  std::string caller;
  if (!sip::write_aor(c.request->from().uri, caller) || caller != name.view()) return false;
  // By its flow only where nobody else can stand behind it: an edge or SBC gives all phones the same.
  const auto from_there = [&](const binding& x) {
    return x.facts().source.remote == c.source.remote && x.facts().source.kind == c.source.kind;
  };
  if (b.path().empty() && c.request->via_count() == 1 && from_there(b) &&
      std::count_if(bindings.all().begin(), bindings.all().end(), from_there) == 1) {
    return true;
  }
  const auto text = c.request->first(sip::header::contact);
  if (!text) return false;
  const auto contact = sip::parse_name_addr(*text);
  if (!contact) return false;
  const std::string_view instance = instance_of(contact->uri.params, contact->params);
  if (!instance.empty() && !b.instance().empty()) return instance == b.instance();
  const std::string_view label = label_of(contact->uri.params, contact->params);
  if (!label.empty() && !b.label().empty()) return label == b.label();
  if (const auto sent = pns::read_push_params(contact->uri.params, contact->params); sent && b.push()) {
    if (same_push_params(*sent, b.push_params())) return true;
  }
  const auto bound = sip::parse_uri(b.uri());
  return bound && sip::equivalent(contact->uri, *bound);
}

void subscriber::state::begin_other(call& c, const instant& now, effects& out) {
  for (const binding& b : bindings.all()) {
    if (!b.live(now.wall) || is_callers_own(c, b)) continue;
    call_device d;
    d.device = b.device();
    d.provider = b.facts().provider;
    c.devices.push_back(d);
    dial(c, c.devices.back(), sip::response_context::origin::fresh, now, out);
  }
  if (c.devices.empty()) c.context.park(), c.context.end_place();
  progress(c, now, out);
}

void subscriber::state::begin_invite(call& c, const instant& now, effects& out) {
  nanoseconds patience = config().answer_timeout;
  if (const auto expires = c.request->expires()) patience = std::min<nanoseconds>(patience, seconds(*expires));
  c.deadline = now.steady + patience;
  c.deadline_wall = now.wall + std::chrono::duration_cast<milliseconds>(patience);
  c.caller = sip::caller_identity_of(
      *c.request, c.trust == peer_trust::trusted ? sip::asserted_identity::believe : sip::asserted_identity::ignore,
      host_of(name));
  say(out, stage::invite_in, &c, nullptr, 0, "");

  bool pushes = false;
  bool parks = false;
  std::vector<std::size_t> dial_now;
  for (const binding& b : bindings.all()) {
    if (is_callers_own(c, b)) continue;
    const bool push_device = bindings.is_push(b, config());
    const bool live = b.live(now.wall);
    if (!push_device && !live) continue;
    call_device d;
    d.device = b.device();
    d.provider = b.facts().provider;
    d.parkable = push_device;
    const bool dialled = !push_device || (live && config().live_flow == dial_live_flow::yes);
    if (push_device) {
      c.context.park();
      parks = true;
      const bool wanted = config().push == push_when::always || !live;
      if (!wanted) {
        d.state = parked_state::silent;
      } else {
        d.state = parked_state::held;
        if (!b.facts().quarantined) {
          d.push_due = true;
          pushes = true;
        } else {
          d.cause = "token quarantined";
        }
      }
    }
    if (dialled) dial_now.push_back(c.devices.size());
    c.devices.push_back(d);
  }
  if (c.devices.empty()) {
    c.context.park();
    c.context.end_place();
    progress(c, now, out);
    return;
  }
  if (!config().planted.ignore_deadline) {
    c.deadline_set = true;
    out.emplace_back(set_timer{{timer_kind::answer_deadline, {c.number, 0}}, c.deadline});
  }
  for (const std::size_t i : dial_now) {
    call_device& d = c.devices[i];
    if (d.parkable) {
      step(c, d, parked_event::registered_here, now, out);  // SPEC 3.2 dial.live_flow: it counts as just registered
    } else {
      dial(c, d, sip::response_context::origin::fresh, now, out);
    }
  }
  if (parks) c.request = c.request->compact_copy();  // waits for seconds: let the slab go
  for (call_device& d : c.devices) {
    if (d.parkable && !d.push_due && d.state == parked_state::held) step(c, d, parked_event::push_refused, now, out);
  }
  if (pushes) write_entry(c, now, out);
}

void subscriber::state::write_entry(call& c, const instant& now, effects& out) {
  std::vector<call_ref> dropped;
  bucket_entry entry{c.ref, c.caller.number, c.caller.display_name, c.arrived.wall, c.deadline_wall, false};
  const bool added = bucket().add(entry, now.wall, config(), dropped);
  c.entry = true;
  for (const call_ref& old : dropped) {
    say(out, stage::bucket_dropped, nullptr, nullptr, 0, "");
    std::get<note>(out.back()).call = old;
  }
  if (!dropped.empty()) write_bucket(remove_bucket_entries{dropped}, dropped, out);
  if (config().planted.skip_bucket_write) return queue_pushes(c, now, out);
  c.entry_write = new_token();
  c.stored = true;
  parked_invite stored{c.ref, std::string(c.request->text()), {}, c.arrived.wall, c.deadline_wall};
  encode_flow(stored.source, c.source);
  octets::put8(stored.source, static_cast<std::uint8_t>(c.trust));
  if (!added) {
    // An earlier INVITE of the same call was refused and comes again (401, 407): one entry, not over any more.
    bucket().revive(c.ref, c.deadline_wall);
  } else {
    say(out, stage::bucket_added, &c, nullptr, 0, "");
  }
  out.emplace_back(write{c.entry_write, add_bucket_entry{*bucket().find(c.ref), std::move(stored)}});
  c.late_set = true;
  out.emplace_back(set_timer{{timer_kind::bucket_write_late, {c.number, 0}}, now.steady + config().bucket_write_late});
}

void subscriber::state::entry_written(call& c, const instant& now, effects& out) {
  c.entry_write = store_token{};
  if (c.late_set) out.emplace_back(clear_timer{{timer_kind::bucket_write_late, {c.number, 0}}});
  c.late_set = false;
  queue_pushes(c, now, out);
}

bool subscriber::state::within_push_limit(const instant& now) {
  std::vector<steady_time>& recent = busy().pushes;
  std::erase_if(recent, [&](steady_time t) { return t + seconds(60) <= now.steady; });
  if (recent.size() >= config().pushes_per_minute) return false;
  recent.push_back(now.steady);
  return true;
}

void subscriber::state::queue_pushes(call& c, const instant& now, effects& out) {
  const bool too_late = c.deadline - config().push_ttl_margin <= now.steady;
  if (!c.undecided() && !config().planted.push_after_cancel) return;
  for (call_device& d : c.devices) {
    if (!d.push_due) continue;
    d.push_due = false;
    const binding* b = bindings.find(d.device);
    auto target = b && b->push() ? b->push_target() : std::nullopt;
    if (!target || too_late) {
      d.cause = target ? "too late for a push" : "no push parameters";
      step(c, d, parked_event::push_refused, now, out);
      continue;
    }
    if (!within_push_limit(now)) {
      d.cause = "push limit";
      say(out, stage::push_limited, &c, &d, 0, "");
      if (d.state == parked_state::held) d.state = parked_state::silent;
      continue;
    }
    pns::push_order order;
    order.id = {key, new_push_number()};
    order.home = around.home;
    order.target = std::move(*target);
    order.content = pns::invite_content{c.arrived.wall, c.caller.number, c.caller.display_name,
                                        std::string(c.request->call_id())};
    order.call = c.ref;
    order.deadline = c.deadline;
    order.expires = c.deadline_wall - config().push_ttl_margin;
    d.push = order.id.number;
    d.push_open = true;
    d.pushed_at = now.wall;
    out.emplace_back(push{std::move(order)});
    say(out, stage::push_queued, &c, &d, 0, "");
    step(c, d, parked_event::push_queued, now, out);
  }
}

void subscriber::state::release(const few<device_id, 2 * register_contacts_limit>& devices, const instant& now,
                                effects& out) {
  const mistakes& planted = config().planted;
  // By index: a call that ends here is erased afterwards.
  for (std::size_t i = 0; busy_ && i < busy_->calls.size(); ++i) {
    call& c = *busy_->calls[i];
    if (!c.invite || !c.undecided()) continue;
    bool released = false;
    for (std::size_t k = 0; k < c.devices.size(); ++k) {
      call_device& d = c.devices[k];
      if (!devices.contains(d.device) && !planted.release_on_other_device) continue;
      if (!d.parkable) continue;
      if (planted.skip_late_register_check && d.state == parked_state::held) continue;
      const binding* b = bindings.find(d.device);
      if (!b) continue;
      say(out, stage::register_in, &c, &d, 0, name_of(d.state));
      const bool same = d.address == address_of(*b);
      if (planted.double_invite_per_register && is_live(d.state)) {
        dial(c, d, sip::response_context::origin::fresh, now, out);
        continue;
      }
      released = released || is_parked(d.state);
      step(c, d, same ? parked_event::registered_here : parked_event::registered_elsewhere, now, out);
    }
    if (released && planted.forget_parked_on_second_device) {
      for (call_device& d : c.devices) {
        if (!is_parked(d.state)) continue;
        clear_grace(c, d, out);
        d.state = parked_state::ended;
        c.context.end_place();
      }
    }
  }
}

void subscriber::state::merge(const few<merged_device, 2 * register_contacts_limit>& devices, const instant& now,
                              effects& out) {
  for (std::size_t i = 0; busy_ && i < busy_->calls.size(); ++i) {
    call& c = *busy_->calls[i];
    if (!c.invite || !c.undecided()) continue;
    for (const merged_device& m : devices) {
      call_device* gone = c.by_device(m.gone);
      call_device* kept = c.by_device(m.into);
      if (!gone) continue;
      // The one whose INVITE is out already, or that still waits where the other has given up, goes on.
      const bool given_up = kept && kept->state == parked_state::ended && kept->branch == 0;
      if (kept && (is_live(gone->state) ? !is_live(kept->state) : is_parked(gone->state) && given_up)) std::swap(gone, kept);
      if (!kept) {
        clear_grace(c, *gone, out);
        gone->device = m.into;
        continue;
      }
      clear_grace(c, *gone, out);
      clear_grace(c, *kept, out);
      gone->device = m.gone;
      kept->device = m.into;
      kept->parkable = kept->parkable || gone->parkable;
      if (!is_parked(gone->state)) continue;  // two INVITEs are out, to what were two devices then
      gone->push_due = false;
      withdraw(c, *gone, out);
      gone->state = parked_state::ended;
      c.context.end_place();
    }
    progress(c, now, out);
  }
}

void subscriber::state::unregister(const few<device_id, 2 * register_contacts_limit>& devices, const instant& now,
                                   effects& out) {
  for (std::size_t i = 0; busy_ && i < busy_->calls.size(); ++i) {
    call& c = *busy_->calls[i];
    if (!c.invite || !c.undecided()) continue;
    for (call_device& d : c.devices) {
      if (!d.parkable || !devices.contains(d.device)) continue;
      d.push_due = false;
      withdraw(c, d, out);
      d.cause = "un-registered";
      step(c, d, parked_event::unregistered, now, out);
    }
  }
}

void subscriber::state::step(call& c, call_device& d, parked_event event, const instant& now, effects& out) {
  const parked_step next = advance(d.state, event);
  if (next.next != d.state) clear_grace(c, d, out);
  d.state = next.next;
  const auto start_grace = [&](timer_kind kind, milliseconds length) {
    d.grace_set = true;
    out.emplace_back(set_timer{{kind, {c.number, d.device.value}}, now.steady + length});
  };
  switch (next.action) {
    case parked_action::none: break;
    case parked_action::dial: dial(c, d, sip::response_context::origin::place, now, out); break;
    case parked_action::redial: {
      const std::uint32_t old = d.branch;
      d.abandoned = old;
      c.context.abandon(old);
      cancel_branch_of(c, old, "", now, out);
      dial(c, d, sip::response_context::origin::fresh, now, out);
      break;
    }
    case parked_action::resend: out.emplace_back(resend_branch{{c.number, d.branch}}); break;
    case parked_action::start_refused_grace: start_grace(timer_kind::refused_grace, config().refused_grace); break;
    case parked_action::start_left_grace: start_grace(timer_kind::left_grace, config().left_grace); break;
    case parked_action::end_undialled:
      c.context.end_place();
      say(out, stage::not_woken, &c, &d, 0, d.cause);
      break;
  }
}

void subscriber::state::clear_grace(call& c, call_device& d, effects& out) {
  if (!d.grace_set) return;
  d.grace_set = false;
  const timer_kind kind = d.state == parked_state::left ? timer_kind::left_grace : timer_kind::refused_grace;
  out.emplace_back(clear_timer{{kind, {c.number, d.device.value}}});
}

void subscriber::state::dial(call& c, call_device& d, sip::response_context::origin from, const instant& now,
                             effects& out) {
  const binding* b = bindings.find(d.device);
  assert(b);
  const std::uint32_t branch = c.next_branch++;
  d.branch = branch;
  d.address = address_of(*b);
  c.context.dial(branch, from);
  forward f;
  f.branch = {c.number, branch};
  f.request = c.request;
  f.request_uri = b->request_uri();
  f.route = b->path();
  f.to = b->facts().source;
  f.caller = c.source;
  out.emplace_back(std::move(f));
  if (!c.invite) return;
  say(out, stage::invite_out, &c, &d, 0, "");
  if (c.timer_c_runs(config().timer_c)) {
    out.emplace_back(set_timer{{timer_kind::timer_c, {c.number, branch}}, now.steady + config().timer_c});
  }
}

void subscriber::state::withdraw(call& c, call_device& d, effects& out) {
  (void)c;
  if (!d.push_open || config().planted.push_after_cancel) return;
  d.push_open = false;
  out.emplace_back(withdraw_push{{key, d.push}});
}

}  // namespace reveille
