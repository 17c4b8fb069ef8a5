// Parked INVITEs of a process that died: taken up while their deadline lasts, else their entries are over (SPEC 9).
#include <algorithm>
#include <cstring>

#include "actors/octets.hpp"
#include "actors/subscriber_state.hpp"

namespace reveille {
namespace {

/// Where a stored INVITE came from, and how far its sender was believed.
std::optional<std::pair<flow, peer_trust>> source_of(std::string_view stored) {
  const auto from = decode_flow(stored);
  std::uint8_t trust = 0;
  if (!from || !octets::take8(stored, trust) || trust > static_cast<std::uint8_t>(peer_trust::trusted)) {
    return std::nullopt;
  }
  return std::pair{*from, static_cast<peer_trust>(trust)};
}

/// Null when it is no INVITE any more, or memory is at its bound.
sip::message_ptr invite_of(const parked_invite& p, slab_pool& pool) {
  slab_ptr bytes = pool.take(p.invite.size() + sip::message::index_room);
  if (!bytes) return nullptr;
  std::memcpy(bytes->data(), p.invite.data(), p.invite.size());
  const auto parsed = sip::message::parse(std::move(bytes), p.invite.size(), true);
  return parsed && (*parsed)->method() == sip::method::invite ? (*parsed)->compact_copy() : nullptr;
}

}  // namespace

void subscriber::state::resume(const instant& now, effects& out) {
  std::vector<parked_invite> waiting = std::move(busy_->to_resume);
  busy_->to_resume.clear();
  for (parked_invite& p : waiting) {
    const auto source = source_of(p.source);
    const sip::message_ptr request = p.deadline > now.wall && source ? invite_of(p, around.pool) : nullptr;
    if (!request || (busy_ && busy_->calls.size() >= 2 * config().parked_calls)) {  // as many as SPEC 3.2a lets stand
      forget_parked(p.call, out);
      if (const bucket_entry* e = bucket().mark_over(p.call)) {
        write_bucket(update_bucket_entry{*e}, {p.call}, out);
      }
      continue;
    }
    const bucket_entry* entry = bucket().find(p.call);
    if (!entry || entry->over) {
      forget_parked(p.call, out);  // it had ended; only the removal of its INVITE had not reached the disk
      continue;
    }
    request_received e;
    e.request = request;
    e.source = source->first;
    e.trust = source->second;
    call& c = new_call(e, now, sip::response_context::kind::invite);
    c.back = way_back::stateless;
    c.entry = true;
    c.stored = true;
    c.resumed = true;
    c.caller.number = entry->remote_uri;
    c.caller.display_name = entry->display_name;
    c.arrived.wall = p.arrived;
    c.deadline_wall = p.deadline;
    c.deadline = now.steady + std::min<nanoseconds>(p.deadline - now.wall, config().answer_timeout);
    for (const binding& b : bindings.all()) {
      if (bindings.find_push(b.device(), config()) != &b || c.by_device(b.device()) || is_callers_own(c, b)) continue;
      call_device d;
      d.device = b.device();
      d.provider = b.facts().provider;
      d.parkable = true;
      // Whether the provider had accepted its push died with the process. Once more: the same apns-id and content make
      // the repeat harmless, a phone that is never woken is not (SPEC 3.2).
      d.state = parked_state::held;
      d.push_due = !b.facts().quarantined;
      if (!d.push_due) d.cause = "token quarantined";
      c.context.park();
      c.devices.push_back(d);
      count_call(c);
    }
    if (c.devices.empty()) {
      c.context.park();
      c.context.end_place();
    } else {
      c.deadline_set = true;
      out.emplace_back(set_timer{{timer_kind::answer_deadline, {c.number, 0}}, c.deadline});
      out.emplace_back(adopt_invite{c.number, c.request, c.source});
      queue_pushes(c, now, out);  // the entry is on the disk
    }
    progress(c, now, out);
  }
}

void subscriber::state::on(const invite_adopted& e, const instant&, effects&) {
  if (call* c = find_call(e.call)) adopt(*c, e.transaction);
}

void subscriber::state::adopt(call& c, const server_transaction_id& transaction) {
  c.transaction = transaction;
  c.back = way_back::transaction;
}

}  // namespace reveille
