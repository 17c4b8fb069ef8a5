#include "actors/subscriber.hpp"

#include <algorithm>

#include "actors/subscriber_state.hpp"
#include "core/hash.hpp"
#include "core/prefetch.hpp"

namespace reveille {

subscriber::subscriber(const shard_context& around, aor_key key, aor name, const subscriber_record* record,
                       const instant& now)
    : state_(std::make_unique<state>(around, key, std::move(name))) {
  // Numbers start anywhere, so that what an earlier incarnation left in flight meets nobody.
  const std::uint64_t start = around.random.next();
  state_->next_call = static_cast<std::uint32_t>(start);
  state_->next_push = static_cast<std::uint32_t>(start >> 32);
  if (!record) return;
  state_->known = state_->counted = true;
  if (!record->bindings.empty()) state_->unreadable = !state_->bindings.load(record->bindings, around.process);
  if (!record->bucket.empty()) state_->bucket().load(record->bucket);
  if (!record->parked.empty()) state_->busy().to_resume = record->parked;
  (void)now;
}

subscriber::~subscriber() = default;

push_bucket& subscriber::state::bucket() {
  if (!bucket_) bucket_ = std::make_unique<push_bucket>();
  return *bucket_;
}

activity& subscriber::state::busy() {
  if (!busy_) busy_ = std::make_unique<activity>();
  return *busy_;
}

call* subscriber::state::find_call(std::uint32_t number) {
  if (!busy_) return nullptr;
  for (const auto& c : busy_->calls) {
    if (c->number == number) return c.get();
  }
  return nullptr;
}

/// A number that wraps must not meet a push whose answer is still awaited.
std::uint32_t subscriber::state::new_push_number() {
  const auto taken = [&](std::uint32_t n) {
    if (n == 0 || (bucket_ && bucket_->is_waiting_for(n))) return true;
    if (!busy_) return false;
    for (const auto& c : busy_->calls) {
      for (const call_device& d : c->devices) {
        if (d.push == n) return true;
      }
    }
    return false;
  };
  do {
    ++next_push;
  } while (taken(next_push));
  return next_push;
}

void subscriber::state::add_note(effects& out, trace_step what, const call* c, const call_device* d, int status,
                            std::string_view detail) {
  note n;
  n.what = what;
  if (d) n.provider = d->provider;
  if (c) {
    n.call = c->ref;
    n.branch = {c->number, d ? d->branch : 0};
  }
  n.status = status;
  n.detail = detail;
  out.emplace_back(std::move(n));
}

void subscriber::state::erase_ended_calls(effects& out) {
  if (!busy_) return;
  for (const auto& c : busy_->calls) {
    if (!c->ended) continue;
    if (c->late_set) out.emplace_back(clear_timer{{timer_kind::bucket_write_late, {c->number, 0}}});
    for (call_device& d : c->devices) clear_grace(*c, d, out);
    if (c->entry_write != store_token{}) await_write({c->entry_write, 0, {c->ref}}, out);  // still to be heard of
  }
  std::erase_if(busy_->calls, [this](const auto& c) {
    if (c->ended) busy_->call_bytes -= c->counted_bytes;
    return c->ended;
  });
  if (busy_->calls.empty()) bindings.forget_removed();
}

void subscriber::state::forget_removed(effects& out) {
  // A place that has ended takes nobody back: who registers then is a device that the call does not know.
  const auto is_awaited = [&](device_id device) {
    return busy_ && std::any_of(busy_->calls.begin(), busy_->calls.end(), [&](const auto& c) {
      const call_device* d = c->undecided() ? c->by_device(device) : nullptr;
      return d != nullptr && d->state != parked_state::ended;
    });
  };
  const std::size_t over = bindings.forget_removed_unless(is_awaited, removed_limit);
  if (over > 0) add_note(out, trace_step::list_full, nullptr, nullptr, 0, "un-registered devices");
}

void subscriber::state::end_oldest_decided(const instant& now, effects& out) {
  const auto oldest = std::find_if(busy_->calls.begin(), busy_->calls.end(), [](const auto& c) {
    return c->invite && !c->ended && !c->undecided();
  });
  if (oldest == busy_->calls.end()) return;
  call& c = **oldest;
  add_note(out, trace_step::list_full, &c, nullptr, 0, "calls");
  if (c.lingering) {
    out.emplace_back(clear_timer{{timer_kind::cancel_give_up, {c.number, 0}}});
    c.lingering = false;
    c.ended = true;
  } else {
    for (const std::uint32_t branch : c.context.open()) {
      close_branch(c, branch, out);
      c.context.give_up(branch);
    }
    progress(c, now, out);
    if (c.lingering) out.emplace_back(clear_timer{{timer_kind::cancel_give_up, {c.number, 0}}});
    c.lingering = false;
    c.ended = c.context.all_closed() && c.context.final_sent();
  }
  erase_ended_calls(out);
}

void subscriber::state::count_call(call& c) {
  // Flows that failed and branches given up are few: dials_limit bounds them.
  constexpr std::size_t beside_device = 4 * dials_limit + 64;
  const std::size_t bytes =
      sizeof c + c.request->pinned_bytes() + c.devices.size() * (sizeof(call_device) + beside_device);
  busy_->call_bytes += bytes - c.counted_bytes;
  c.counted_bytes = bytes;
}

void subscriber::state::tidy() {
  if (bucket_ && bucket_->entries().empty() && !bucket_->in_round()) bucket_.reset();
  if (busy_ && busy_->calls.empty() && busy_->held.empty() && busy_->writes.empty() && busy_->pushes.empty() &&
      busy_->unsynced.empty() && busy_->to_resume.empty()) {
    busy_.reset();
  }
}

void subscriber::state::on(const write_finished& e, const instant& now, effects& out) {
  if (busy_) {
    for (const auto& c : busy_->calls) {
      if (c->entry_write != e.token || e.token == store_token{}) continue;
      if (!e.ok) {
        add_note(out, trace_step::bucket_write_late, c.get(), nullptr, 0, "write failed");
        bucket_write_failed({c->ref}, now, out);
      }
      entry_written(*c, now, out);
      progress(*c, now, out);
      return;
    }
  }
  on_bindings_written(e, now, out);
}

void subscriber::state::on(const timer_fired& e, const instant& now, effects& out) {
  switch (e.key.kind) {
    case timer_kind::soft_write: return on_soft_write(now, out);
    case timer_kind::pending_write: return on_pending_write(now, out);
    case timer_kind::answer_deadline:
    case timer_kind::refused_grace:
    case timer_kind::left_grace:
    case timer_kind::bucket_write_late:
    case timer_kind::cancel_give_up:
    case timer_kind::timer_c: break;
  }
  call* found = find_call(e.key.of.call);
  if (!found) return;
  call& c = *found;
  on_call_timer(c, e.key, now, out);
  if (!c.ended) progress(c, now, out);
}

void subscriber::state::on_call_timer(call& c, const timer_key& timer, const instant& now, effects& out) {
  const std::uint32_t branch = timer.of.branch;
  switch (timer.kind) {
    case timer_kind::answer_deadline: return on_deadline(c, now, out);
    case timer_kind::refused_grace:
    case timer_kind::left_grace: {
      call_device* d = c.by_device(device_id{branch});
      if (!d || !d->grace_set) return;
      d->grace_set = false;
      return step(c, *d, parked_event::grace_over, now, out);
    }
    case timer_kind::bucket_write_late:
      if (!c.late_set) return;
      c.late_set = false;
      add_note(out, trace_step::bucket_write_late, &c, nullptr, 0, "");
      return queue_pushes(c, now, out);
    case timer_kind::cancel_give_up:
      if (branch == 0) {
        c.ended = c.lingering && c.context.all_closed();
        c.lingering = false;
        return;
      }
      return c.context.give_up(branch);
    case timer_kind::timer_c:
      // RFC 3261 16.8: CANCEL, and its 487 or its silence ends the branch.
      return cancel_branch_of(c, branch, "", now, out);
    case timer_kind::soft_write:
    case timer_kind::pending_write: return;  // not a call's
  }
}

void subscriber::apply(const subscriber_event& event, const instant& now, effects& out) {
  if (state_->unreadable) {
    state_->unreadable = false;
    state_->add_note(out, trace_step::binding_evicted, nullptr, nullptr, 0, "unreadable record");
  }
  if (state_->busy_ && !state_->busy_->to_resume.empty()) state_->resume(now, out);
  std::visit([&](const auto& e) { state_->on(e, now, out); }, event);
  state_->erase_ended_calls(out);
  state_->tidy();
}

const aor& subscriber::name() const { return state_->name; }
aor_key subscriber::key() const { return state_->key; }

bool subscriber::state::quiet() const {
  if (bucket_ && bucket_->in_round()) return false;
  return !busy_ || (busy_->calls.empty() && busy_->held.empty() && busy_->writes.empty() && busy_->unsynced.empty() &&
                    busy_->to_resume.empty());
}

bool subscriber::at_rest() const { return !state_->soft_dirty && !state_->soft_timer && state_->quiet(); }

bool subscriber::waits_only_to_write() const { return state_->soft_dirty && state_->quiet(); }

std::optional<store_mutation> subscriber::unwritten() const {
  if (!waits_only_to_write()) return std::nullopt;
  return put_bindings{state_->bindings.encode(state_->around.process), write_urgency::behind};
}

bool subscriber::unknown() const { return !state_->known && state_->bindings.all().empty() && at_rest(); }
std::size_t subscriber::binding_count() const { return state_->bindings.all().size(); }

std::size_t subscriber::parked_count() const {
  if (!state_->busy_) return 0;
  return static_cast<std::size_t>(
      std::count_if(state_->busy_->calls.begin(), state_->busy_->calls.end(),
                    [](const auto& c) { return c->context.places() > 0; }));
}

void subscriber::prefetch(unsigned step) const {
  const state* s = state_.get();
  if (step == 0) {
    prefetch_lines(s, sizeof *s);
    return;
  }
  const std::vector<binding>& bindings = s->bindings.all();
  if (step == 1) {
    prefetch_lines(s->name.str().data(), s->name.str().size());
    prefetch_lines(bindings.data(), sizeof(binding));
  } else if (!bindings.empty()) {
    // One device is the rule; its strings lie one after the other.
    const binding& first = bindings.front();
    prefetch_lines(first.uri().data(), first.resident_bytes() - sizeof(binding));
  }
}

std::size_t subscriber::resident_bytes() const {
  const state& s = *state_;
  std::size_t bytes = sizeof *this + sizeof s + s.bindings.resident_bytes();
  if (s.name.str().capacity() > 15) bytes += s.name.str().capacity() + 1;
  if (s.bucket_) bytes += sizeof *s.bucket_ + s.bucket_->resident_bytes();
  if (s.busy_) {
    bytes += sizeof *s.busy_ + s.busy_->call_bytes;
    for (const parked_invite& p : s.busy_->to_resume) bytes += sizeof p + p.invite.size() + p.source.size();
    bytes += s.busy_->held.capacity() * sizeof(held_register) + s.busy_->writes.capacity() * sizeof(open_write) +
             s.busy_->unsynced.capacity() * sizeof(call_ref) + s.busy_->pushes.capacity() * sizeof(recent_push);
  }
  return bytes;
}

}  // namespace reveille
