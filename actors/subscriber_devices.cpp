// Devices in a call: a REGISTER releases, merges or un-registers them; their INVITEs go out (SPEC 3.3, 3.4a).
#include <algorithm>
#include <cassert>
#include <utility>

#include "actors/subscriber_state.hpp"
#include "core/hash.hpp"

namespace reveille {
namespace {

template <class Object>
std::string_view octets_of(const Object& o) {
  return {reinterpret_cast<const char*>(&o), sizeof o};
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

void subscriber::state::release(const device_list& devices, released which,
                                const instant& now, effects& out) {
  const mistakes& planted = config().planted;
  // By index: a call that ends here is erased afterwards.
  for (std::size_t i = 0; busy_ && i < busy_->calls.size(); ++i) {
    call& c = *busy_->calls[i];
    if (!c.invite || !c.undecided()) continue;
    bool went_out = false;
    bool to_unproven = false;
    for (std::size_t k = 0; k < c.devices.size(); ++k) {
      call_device& d = c.devices[k];
      if (!devices.contains(d.device) && !planted.release_on_other_device) continue;
      if (!d.parkable || (which == released::parked_only && !is_parked(d.state))) continue;
      if (planted.skip_late_register_check && d.state == parked_state::held) continue;
      const binding* b = bindings.find(d.device, now.wall);
      if (!b || !b->live(now.wall)) continue;
      std::erase(d.failed, address_of(*b));
      add_note(out, trace_step::register_in, &c, &d, 0, name_of(d.state));
      const bool same = d.address == address_of(*b);
      if (planted.double_invite_per_register && is_live(d.state)) {
        dial(c, d, sip::response_context::origin::fresh, now, out);
        continue;
      }
      // Another flow of the device (RFC 5626): the one by which its INVITE is out still stands.
      const bool stands = is_live(d.state) && !same &&
                          std::any_of(bindings.all().begin(), bindings.all().end(), [&](const binding& x) {
                            return x.device() == d.device && x.facts().outbound && x.live(now.wall) && address_of(x) == d.address;
                          });
      if (stands) continue;
      if (d.dials >= dials_limit && d.state != parked_state::ringing && !(same && is_live(d.state))) {
        add_note(out, trace_step::list_full, &c, &d, 0, "branches of a device");
        continue;
      }
      // SPEC 2.4c: of several devices in one REGISTER the first must answer before the others are dialled.
      if (is_parked(d.state) && !b->facts().proven) {
        if (to_unproven) {
          add_note(out, trace_step::branch_withheld, &c, &d, 0, "");
          continue;
        }
        to_unproven = true;
      }
      went_out = went_out || is_parked(d.state);
      step(c, d, same ? parked_event::registered_here : parked_event::registered_elsewhere, now, out);
    }
    if (went_out && planted.forget_parked_on_second_device) {
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
  if (config().planted.keep_merged_branch) return;
  for (std::size_t i = 0; busy_ && i < busy_->calls.size(); ++i) {
    call& c = *busy_->calls[i];
    if (!c.invite || !c.undecided()) continue;
    for (const merged_device& m : devices) {
      call_device* gone = c.by_device(m.gone);
      call_device* kept = c.by_device(m.into);
      if (!gone) continue;
      // The one whose INVITE is out already, or that still waits where the other has given up, goes on.
      const auto standing = [](const call_device& d) {
        const bool given_up = d.state == parked_state::ended && (d.branch == 0 || d.unheard);
        return given_up ? 0 : d.state == parked_state::ringing ? 4 : is_live(d.state) ? 3 : is_parked(d.state) ? 1 : 2;
      };
      if (kept && standing(*gone) > standing(*kept)) std::swap(gone, kept);
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
      kept->dials += gone->dials;
      if (gone->push != 0) kept->push_due = false;  // one push per device, and it is awake
      gone->push_due = false;
      withdraw(c, *gone, out);
      // What its phone may still hold of the call is as after a move: a 482 is no answer while one of them is open.
      kept->abandoned.insert(kept->abandoned.end(), gone->abandoned.begin(), gone->abandoned.end());
      gone->abandoned.clear();
      if (is_live(gone->state)) {
        kept->abandoned.push_back(gone->branch);
        c.context.abandon(gone->branch);
        cancel_branch_of(c, gone->branch, "", now, out);
      }
      if (is_parked(gone->state)) c.context.end_place();
      gone->state = parked_state::ended;
    }
    progress(c, now, out);
  }
}

void subscriber::state::unregister(const device_list& devices, const instant& now,
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
      d.abandoned.push_back(old);
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
      add_note(out, trace_step::not_woken, &c, &d, 0, d.cause);
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
  const binding* b = next_flow(d, now);
  if (!b) b = bindings.find(d.device, now.wall);
  assert(b && b->live(now.wall));  // whoever dials has looked
  ++d.dials;
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
  // Later than the INVITE's own event only a REGISTER dials a push device.
  if (d.parkable && now.steady > c.arrived.steady) f.why = forward::cause::woken;
  out.emplace_back(std::move(f));
  if (!c.invite) return;
  add_note(out, trace_step::invite_out, &c, &d, 0, "");
  if (c.timer_c_runs(config().timer_c)) {
    out.emplace_back(set_timer{{timer_kind::timer_c, {c.number, branch}}, now.steady + config().timer_c});
  }
}

const binding* subscriber::state::next_flow(const call_device& d, const instant& now) const {
  const binding* best = nullptr;
  for (const binding& b : bindings.all()) {
    if (b.device() != d.device || !b.live(now.wall)) continue;
    if (std::find(d.failed.begin(), d.failed.end(), address_of(b)) != d.failed.end()) continue;
    if (best == nullptr || b.facts().registered >= best->facts().registered) best = &b;
  }
  return best;
}

void subscriber::state::note_failed_flow(call_device& d) {
  if (std::find(d.failed.begin(), d.failed.end(), d.address) == d.failed.end()) d.failed.push_back(d.address);
  for (const binding& b : bindings.all()) {
    if (b.device() == d.device && address_of(b) == d.address) bindings.flow_failed(b);
  }
}

bool subscriber::state::dial_next_flow(call& c, call_device& d, std::uint32_t branch, const instant& now, effects& out) {
  if (!c.undecided() || d.state != parked_state::dialled || !next_flow(d, now)) return false;
  c.context.park_again(branch);
  add_note(out, trace_step::failed, &c, &d, 0, "flow failed, by another");
  dial(c, d, sip::response_context::origin::place, now, out);
  return true;
}

void subscriber::state::withdraw(call& c, call_device& d, effects& out) {
  (void)c;
  if (!d.push_open || config().planted.push_after_cancel) return;
  d.push_open = false;
  out.emplace_back(withdraw_push{{key, d.push}});
}

}  // namespace reveille
