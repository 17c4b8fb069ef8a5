// A request arrives; devices are dialled, or pushed and parked (SPEC 3.1, 3.2, 4.1, 9).
#include <algorithm>

#include "actors/octets.hpp"
#include "actors/subscriber_state.hpp"
#include "sip/call_ref.hpp"
#include "sip/peer_set.hpp"

namespace reveille {
namespace {

std::string_view host_of(const aor& name) {
  const std::size_t at = name.view().rfind('@');
  return at == std::string_view::npos ? name.view() : name.view().substr(at + 1);
}

}  // namespace

std::uint32_t subscriber::state::new_call_number() {
  do {
    ++next_call;
  } while (next_call == 0 || find_call(next_call));
  return next_call;
}

bool subscriber::state::parked_full(const request_received& e) const {
  if (!busy_ || busy_->calls.size() < config().parked_calls) return false;
  std::vector<caller_source> held;
  for (const auto& c : busy_->calls) {
    if (c->invite && c->undecided()) held.push_back(caller_source::of(c->source, c->trust));
  }
  return taken_places(held, caller_source::of(e.source, e.trust), config().parked_calls) >= config().parked_calls;
}

void subscriber::state::refuse(const request_received& e, int status, effects& out) {
  std::string extra;
  if (status == 480) {
    extra = "Reason: Q.850;cause=20\r\n";
    if (e.trust == peer_trust::trusted) extra += warning("too many requests wait");
  }
  out.emplace_back(respond{e.transaction, status,
                           sip::build_response(*e.request, e.source.remote, status, tag_of(e.request->top_via().branch),
                                               extra, around.pool),
                           sip::answer_kind::refused});
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
  count_call(c);
  return c;
}

void subscriber::state::on(const request_received& e, const instant& now, effects& out) {
  if (bindings.sweep(now.wall, config())) write_unheld(write_urgency::now, out);
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
        const bool same_sender = sip::same_host(c->source.remote, e.source.remote) ||
                                 (c->trust == peer_trust::trusted && e.trust == peer_trust::trusted);
        if (c->back == way_back::stateless && same_sender && c->request->top_via().branch == m.top_via().branch) {
          return adopt(*c, e.transaction);
        }
        // Two INVITEs of one call at once: merged on its way to us (RFC 3261 8.2.2.2). One device, one INVITE (SPEC 3.3).
        return refuse(e, 482, out);
      }
    }
    if (parked_full(e)) {
      add_note(out, trace_step::parked_full, nullptr, nullptr, 480, "");
      return refuse(e, 480, out);
    }
    if (busy_ && busy_->calls.size() >= calls_limit) end_oldest_decided(now, out);
    begin_invite(new_call(e, now, sip::response_context::kind::invite), now, out);
    return;
  }
  const std::size_t standing =
      busy_ ? static_cast<std::size_t>(std::count_if(busy_->calls.begin(), busy_->calls.end(),
                                                     [](const auto& c) { return !c->invite; }))
            : 0;
  if (standing >= config().messages) {
    add_note(out, trace_step::messages_full, nullptr, nullptr, 480, "");
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
  if (!label.empty() && !b.label().empty()) return same_label(label, b.label());
  if (const auto sent = pns::read_push_params(contact->uri.params, contact->params); sent && b.push()) {
    if (same_push_params(*sent, b.push_params())) return true;
  }
  const auto bound = sip::parse_uri(b.uri());
  return bound && sip::equivalent(contact->uri, *bound);
}

bool subscriber::state::stands_for_device(const call& c, const binding& b, wall_time now) const {
  if (bindings.find(b.device(), now) != &b) return false;
  return std::none_of(bindings.all().begin(), bindings.all().end(),
                      [&](const binding& x) { return x.device() == b.device() && is_callers_own(c, x); });
}

bool subscriber::state::is_withheld(const call& c, const binding& b, wall_time now) const {
  if (b.facts().proven) return false;
  const bool wakes = c.invite && config().live_flow == dial_live_flow::no;
  return std::any_of(bindings.all().begin(), bindings.all().end(), [&](const binding& x) {
    if (&x == &b || !x.live(now) || x.facts().proven || !same_source(x.facts().source, b.facts().source)) return false;
    if (wakes && bindings.find_push(x.device(), config())) return false;  // it is not dialled, but woken
    const bool newer = x.facts().registered != b.facts().registered ? x.facts().registered > b.facts().registered : &x > &b;
    return newer && x.device() != b.device() && stands_for_device(c, x, now);
  });
}

void subscriber::state::prove_flow(call& c, std::uint32_t branch, int status, const instant& now, effects& out) {
  const call_device* d = c.by_branch(branch);
  if (d == nullptr) return;
  const auto answered_by = std::find_if(bindings.all().begin(), bindings.all().end(), [&](const binding& b) {
    return b.device() == d->device && !b.facts().proven && address_of(b) == d->address;
  });
  if (answered_by == bindings.all().end()) return;
  const flow source = answered_by->facts().source;
  bindings.prove(source);
  const bool decides = status >= 600 || (status >= 200 && status < 300);
  if (decides || !c.undecided()) return;
  for (std::size_t i = 0; i < c.devices.size(); ++i) {
    call_device& other = c.devices[i];
    const binding* b = bindings.find(other.device, now.wall);
    const bool registered_since = b && b->live(now.wall) && b->facts().registered >= c.arrived.wall;
    if (!registered_since || !other.parkable || !is_parked(other.state) || !same_source(b->facts().source, source)) continue;
    step(c, other, parked_event::registered_elsewhere, now, out);
  }
  for (const binding& b : bindings.all()) {
    if (!same_source(b.facts().source, source) || !b.live(now.wall) || b.facts().registered > c.arrived.wall) continue;
    if (c.by_device(b.device()) || !stands_for_device(c, b, now.wall)) continue;
    call_device withheld;
    withheld.device = b.device();
    withheld.provider = b.facts().provider;
    c.devices.push_back(withheld);
    count_call(c);
    dial(c, c.devices.back(), sip::response_context::origin::fresh, now, out);
  }
}

void subscriber::state::begin_other(call& c, const instant& now, effects& out) {
  for (const binding& b : bindings.all()) {
    if (!b.live(now.wall) || !stands_for_device(c, b, now.wall)) continue;
    if (is_withheld(c, b, now.wall)) {
      add_note(out, trace_step::branch_withheld, &c, nullptr, 0, "");
      continue;
    }
    call_device d;
    d.device = b.device();
    d.provider = b.facts().provider;
    c.devices.push_back(d);
    count_call(c);
    dial(c, c.devices.back(), sip::response_context::origin::fresh, now, out);
  }
  if (c.devices.empty()) c.context.park(), c.context.end_place();
  progress(c, now, out);
}

std::vector<std::size_t> subscriber::state::gather_devices(call& c, const instant& now, effects& out) {
  std::vector<std::size_t> dial_now;
  for (const binding& b : bindings.all()) {
    if (!stands_for_device(c, b, now.wall)) continue;
    const binding* const pushed = bindings.find_push(b.device(), config());
    const bool withheld = b.live(now.wall) && (!pushed || config().live_flow == dial_live_flow::yes) &&
                          is_withheld(c, b, now.wall);
    const bool live = b.live(now.wall) && !withheld;
    if (withheld) add_note(out, trace_step::branch_withheld, &c, nullptr, 0, "");
    if (!pushed && !live) continue;
    call_device d;
    d.device = b.device();
    d.provider = pushed ? pushed->facts().provider : b.facts().provider;
    d.parkable = pushed != nullptr;
    if (pushed) {
      c.context.park();
      const bool wanted = config().push == push_when::always || !live;
      d.state = wanted ? parked_state::held : parked_state::silent;
      d.push_due = wanted && !pushed->facts().quarantined;
      if (wanted && !d.push_due) d.cause = "token quarantined";
    }
    if (!pushed || (live && config().live_flow == dial_live_flow::yes)) dial_now.push_back(c.devices.size());
    c.devices.push_back(d);
    count_call(c);
  }
  return dial_now;
}

void subscriber::state::begin_invite(call& c, const instant& now, effects& out) {
  nanoseconds patience = config().answer_timeout;
  if (const auto expires = c.request->expires()) patience = std::min<nanoseconds>(patience, seconds(*expires));
  c.deadline = now.steady + patience;
  c.deadline_wall = now.wall + std::chrono::duration_cast<milliseconds>(patience);
  c.caller = sip::caller_identity_of(
      *c.request, c.trust == peer_trust::trusted ? sip::asserted_identity::believe : sip::asserted_identity::ignore,
      host_of(name));
  add_note(out, trace_step::invite_in, &c, nullptr, 0, "");

  const std::vector<std::size_t> dial_now = gather_devices(c, now, out);
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
  const auto any = [&](auto&& which) { return std::any_of(c.devices.begin(), c.devices.end(), which); };
  const bool parks = any([](const call_device& d) { return d.parkable; });
  const bool pushes = any([](const call_device& d) { return d.push_due; });
  if (parks) {  // waits for seconds: let the slab go
    c.request = c.request->compact_copy();
    count_call(c);
  }
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
  entries_dropped(dropped, out);
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
    add_note(out, trace_step::bucket_added, &c, nullptr, 0, "");
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

bool subscriber::state::within_push_limit(const call& c, const instant& now) {
  std::vector<recent_push>& recent = busy().pushes;
  std::erase_if(recent, [&](const recent_push& p) { return p.at + seconds(60) <= now.steady; });
  const caller_source by = caller_source::of(c.source, c.trust);
  const std::size_t limit = config().pushes_per_minute;
  if (recent.size() >= limit) {
    std::vector<caller_source> held;
    for (const recent_push& p : recent) held.push_back(p.by);
    if (taken_places(held, by, limit) >= limit) return false;
  }
  recent.push_back({now.steady, by});
  return true;
}

void subscriber::state::queue_pushes(call& c, const instant& now, effects& out) {
  const bool too_late = c.deadline - config().push_ttl_margin <= now.steady;
  if (!c.undecided() && !config().planted.push_after_cancel) return;
  for (call_device& d : c.devices) {
    if (!d.push_due) continue;
    d.push_due = false;
    const binding* b = bindings.find_push(d.device, config());
    auto target = b ? b->push_target() : std::nullopt;
    if (!target || too_late) {
      d.cause = target ? "too late for a push" : "no push parameters";
      step(c, d, parked_event::push_refused, now, out);
      continue;
    }
    if (!within_push_limit(c, now)) {
      d.cause = "push limit";
      add_note(out, trace_step::push_limited, &c, &d, 0, "");
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
    add_note(out, trace_step::push_queued, &c, &d, 0, "");
    step(c, d, parked_event::push_queued, now, out);
  }
}

}  // namespace reveille
