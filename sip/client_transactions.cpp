#include "sip/client_transactions.hpp"

#include <cassert>
#include <cstring>
#include <utility>

#include "sip/derived_requests.hpp"

namespace reveille::sip {

client_transactions::client_transactions(const transaction_timing& timing, std::uint32_t capacity,
                                         const client_transaction_bounds& bounds, nanoseconds guard, hash_key key,
                                         timer_wheel& wheel, slab_pool& pool, packet_outlet& out,
                                         failure_sink& failures)
    : timing_(timing),
      bounds_(bounds),
      guard_(guard),
      key_(key),
      pool_(pool),
      out_(out),
      failures_(failures),
      by_owner_(capacity),
      entries_(capacity, wheel, transaction_timer::client_repeat, transaction_timer::client_life),
      by_remote_(remotes, none),
      silent_of_remote_(remotes, 0),
      silent_of_caller_(remotes, 0),
      heard_(key, bounds.heard_peers) {}

std::optional<std::uint32_t> client_transactions::take() {
  const auto index = entries_.take();
  if (index) entries_[*index].what = kind::reserved;
  return index;
}

/// A woken branch has its phone on the line: only the table itself refuses it.
client_transactions::reservation client_transactions::reserve(const errand& what) {
  const bool woken = what.why == errand::cause::woken;
  const std::uint64_t remote = hash_of(key_, what.to);
  const bool known = bounds_.heard_peers == 0 || heard_.contains(remote);
  const std::size_t caller = what.caller.empty() ? uncounted : place_of(hash_of(key_, what.caller));
  if (!woken) {
    if (entries_.size() + bounds_.kept_for_woken >= entries_.capacity()) return {{}, lack::table};
    if (!known && unheard_ >= bounds_.unheard) return {{}, lack::unheard};
    if (caller != uncounted && silent_of_caller_[caller] >= bounds_.silent_of_caller) return {{}, lack::caller};
    if (silent_of_remote_[place_of(remote)] >= bounds_.silent_of_flow) return {{}, lack::flow};
  }
  const auto index = take();
  if (!index) return {{}, lack::table};
  entry& e = entries_[*index];
  e.remote = remote;
  e.woken = woken;
  e.unheard = !known;
  e.caller = static_cast<std::uint16_t>(caller);
  return {entries_.handle_of(*index), lack::none};
}

void client_transactions::drop(handle id) {
  if (entries_.at(id) != nullptr) release(id.index);
}

void client_transactions::start(handle id, bool invite, const owner& of, const flow& to, packet&& request,
                                steady_time now) {
  entry* e = entries_.at(id);
  assert(e != nullptr && e->what == kind::reserved);
  e->what = invite ? kind::invite : kind::non_invite;
  e->state = invite ? static_cast<std::uint8_t>(invite_client_state::calling)
                    : static_cast<std::uint8_t>(non_invite_client_state::trying);
  e->to = to;
  e->request = std::move(request);
  e->undecided = true;
  ++undecided_;
  ++counters_.created;
  own(id.index, of);
  chain(id.index);
  e->silent = true;
  ++silent_of_remote_[place_of(e->remote)];
  if (e->caller != uncounted) ++silent_of_caller_[e->caller];
  if (e->unheard) ++unheard_;
  const bool patient = e->woken || !e->unheard || transaction_timing::reliable(to.kind);
  entries_.live_for(id.index, patient ? timing_.timeout() : timing_.unheard_timeout(), now);  // B, F
  if (!transaction_timing::reliable(to.kind)) entries_.repeat_after(id.index, timing_.t1, now);  // A, E
  transmit(id.index, now);
}

const flow* client_transactions::asked(handle id) const {
  const entry* e = entries_.at(id);
  return e == nullptr || e->what == kind::reserved ? nullptr : &e->to;
}

/// Its peer has answered: whatever comes, it is there.
void client_transactions::heard(entry& e, steady_time now) {
  if (!e.silent) return;
  heard_.add(e.remote, now);
  count_out(e);
}

void client_transactions::count_out(entry& e) {
  if (!e.silent) return;
  e.silent = false;
  --silent_of_remote_[place_of(e.remote)];
  if (e.caller != uncounted) --silent_of_caller_[e.caller];
  if (e.unheard) --unheard_;
}

std::optional<client_transactions::owner> client_transactions::on_response(handle id, const message& response,
                                                                           steady_time now) {
  entry* e = entries_.at(id);
  const method of = response.cseq().method;
  if (e != nullptr && e->what == kind::invite && of == method::cancel) {
    id = e->cancel;
    e = entries_.at(id);
  } else if (e != nullptr && ((of == method::invite) != (e->what == kind::invite) || e->what == kind::reserved)) {
    e = nullptr;
  }
  if (e == nullptr) {
    ++counters_.stray_responses;
    return std::nullopt;
  }
  const int status = response.status();
  const owner to_tell = e->of;
  heard(*e, now);
  const bool owned = e->owned;
  passed_ = false;
  if (e->what == kind::invite) {
    step(id.index,
         status < 200   ? invite_client_event::provisional
         : status < 300 ? invite_client_event::success
                        : invite_client_event::failure,
         &response, now);
  } else {
    step(id.index, status < 200 ? non_invite_client_event::provisional : non_invite_client_event::final, &response,
         now);
  }
  if (!passed_ || !owned) {
    ++counters_.responses_absorbed;
    return std::nullopt;
  }
  return to_tell;
}

void client_transactions::cancel(const owner& of, std::string_view reason, steady_time now) {
  const std::uint32_t index = by_owner_.find(fingerprint(of));
  if (index == none) return;
  entry& e = entries_[index];
  if (e.what != kind::invite || !e.undecided || e.cancel_wanted) return;
  e.cancel_wanted = true;
  e.reason = reason;
  if (e.state == static_cast<std::uint8_t>(invite_client_state::proceeding)) send_cancel(index, now);
}

void client_transactions::resend(const owner& of, steady_time now) {
  const std::uint32_t index = by_owner_.find(fingerprint(of));
  if (index == none) return;
  entry& e = entries_[index];
  const bool calling = e.what == kind::invite && e.state == static_cast<std::uint8_t>(invite_client_state::calling);
  if (!calling || transaction_timing::reliable(e.to.kind) || e.interval <= timing_.t1) return;
  entries_.stop_repeating(index);
  entries_.repeat_after(index, timing_.t1, now);
  step(index, invite_client_event::timer_a, nullptr, now);
}

void client_transactions::on_unreachable(const endpoint& remote, steady_time now) {
  for (std::uint32_t i = by_remote_[place_of(hash_of(key_, remote))]; i != none;) {
    const std::uint32_t next = entries_[i].same_remote_next;
    const entry& e = entries_[i];
    // A failure reported here may start no transaction (the shard defers it), so `next` stays good.
    const bool first_response_pending =
        e.what == kind::invite ? e.state == static_cast<std::uint8_t>(invite_client_state::calling)
                               : e.state == static_cast<std::uint8_t>(non_invite_client_state::trying);
    if (e.to.remote == remote && first_response_pending) transport_failed(i, now);
    i = next;
  }
}

void client_transactions::on_timer(std::uint64_t payload, steady_time now) {
  const auto found = entries_.of_timer(payload);
  if (!found) return;
  const std::uint32_t index = *found;
  const entry& e = entries_[index];
  const bool repeat = timer_kind_of(payload) == transaction_timer::client_repeat;
  const bool in_vain = repeat && e.silent && e.unheard && !heard_.contains(e.remote);
  if (e.what != kind::invite) {
    if (repeat) {
      // RFC 3261 17.1.2.2: doubling up to T2 in trying, T2 in proceeding.
      const bool trying = e.state == static_cast<std::uint8_t>(non_invite_client_state::trying);
      const milliseconds next = trying ? timing_.doubled(e.interval) : timing_.t2;
      if (!in_vain || next < timing_.unheard_interval()) entries_.repeat_after(index, next, now);
      return step(index, non_invite_client_event::timer_e, nullptr, now);
    }
    const bool completed = e.state == static_cast<std::uint8_t>(non_invite_client_state::completed);
    return step(index, completed ? non_invite_client_event::timer_k : non_invite_client_event::timer_f, nullptr, now);
  }
  if (repeat) {
    const milliseconds next = 2 * e.interval;  // timer A has no cap (17.1.1.2)
    if (!in_vain || next < timing_.unheard_interval()) entries_.repeat_after(index, next, now);
    return step(index, invite_client_event::timer_a, nullptr, now);
  }
  switch (static_cast<invite_client_state>(e.state)) {
    case invite_client_state::calling: return step(index, invite_client_event::timer_b, nullptr, now);
    case invite_client_state::proceeding: return step(index, invite_client_event::give_up, nullptr, now);
    case invite_client_state::completed: return step(index, invite_client_event::timer_d, nullptr, now);
    case invite_client_state::accepted: return step(index, invite_client_event::timer_m, nullptr, now);
    case invite_client_state::terminated: return;
  }
}

void client_transactions::step(std::uint32_t index, invite_client_event event, const message* response,
                               steady_time now) {
  entry& e = entries_[index];
  const auto before = static_cast<invite_client_state>(e.state);
  const invite_client_step s = advance(before, event);
  e.state = static_cast<std::uint8_t>(s.next);
  if (s.next != before || s.next == invite_client_state::proceeding) entered(index, s.next, now);
  perform(index, s.action, response, now);
  if (s.next == invite_client_state::terminated && entries_[index].live) release(index);
}

void client_transactions::entered(std::uint32_t index, invite_client_state state, steady_time now) {
  entry& e = entries_[index];
  switch (state) {
    case invite_client_state::proceeding:
      entries_.stop_repeating(index);
      if (e.cancel_sent) return;  // its patience runs already
      entries_.live_for(index, guard_, now);
      if (e.cancel_wanted) send_cancel(index, now);
      return;
    case invite_client_state::completed:
      entries_.stop_repeating(index);
      decide(e);
      entries_.live_for(index, timing_.wait_d(e.to.kind), now);  // D
      return;
    case invite_client_state::accepted:
      entries_.stop_repeating(index);
      decide(e);
      e.request = {};
      entries_.live_for(index, timing_.long_wait(), now);  // M
      return;
    case invite_client_state::calling:
    case invite_client_state::terminated: return;
  }
}

void client_transactions::step(std::uint32_t index, non_invite_client_event event, const message* response,
                               steady_time now) {
  entry& e = entries_[index];
  const auto before = static_cast<non_invite_client_state>(e.state);
  const non_invite_client_step s = advance(before, event);
  e.state = static_cast<std::uint8_t>(s.next);
  if (s.next == non_invite_client_state::completed && before != s.next) {
    entries_.stop_repeating(index);
    decide(e);
    e.request = {};
    entries_.live_for(index, timing_.wait_k(e.to.kind), now);  // K
  }
  perform(index, s.action, response, now);
  if (s.next == non_invite_client_state::terminated && entries_[index].live) release(index);
}

void client_transactions::perform(std::uint32_t index, client_action action, const message* response,
                                  steady_time now) {
  switch (action) {
    case client_action::none: return;
    case client_action::resend:
      ++counters_.requests_repeated;
      return transmit(index, now);
    case client_action::pass: passed_ = true; return;
    case client_action::ack_and_pass:
      passed_ = true;
      return acknowledge(index, *response, now);
    case client_action::ack: return acknowledge(index, *response, now);
    case client_action::report_timeout: ++counters_.timeouts; return report(index, failure::timeout);
    case client_action::report_transport_error:
      ++counters_.transport_errors;
      return report(index, failure::transport_error);
  }
}

void client_transactions::transmit(std::uint32_t index, steady_time now) {
  const entry& e = entries_[index];
  if (e.request.bytes == nullptr || out_.transmit(e.to, e.request)) return;
  transport_failed(index, now);
}

/// The ACK takes the request's place: every repetition of the failure gets the same octets.
void client_transactions::acknowledge(std::uint32_t index, const message& response, steady_time now) {
  entry& e = entries_[index];
  if (e.request.view().substr(0, 4) != "ACK ") {
    packet ack = build_ack(e.request, response, pool_);
    if (ack.bytes == nullptr) {
      ++counters_.acks_failed;
      return;
    }
    e.request = std::move(ack);
  }
  transmit(index, now);
}

void client_transactions::send_cancel(std::uint32_t index, steady_time now) {
  packet bytes = build_cancel(entries_[index].request, entries_[index].reason, pool_);
  entries_[index].cancel_sent = true;
  entries_.live_for(index, timing_.long_wait(), now);  // RFC 3261 9.1: then it is taken as cancelled
  std::optional<std::uint32_t> place;
  if (bytes.bytes != nullptr) place = take();
  if (!place) {
    ++counters_.cancels_refused;
    return;
  }
  entry& invite = entries_[index];
  ++counters_.cancels_sent;
  const handle id = entries_.handle_of(*place);
  entry& e = entries_[id.index];
  e.what = kind::cancel;
  e.state = static_cast<std::uint8_t>(non_invite_client_state::trying);
  e.to = invite.to;
  e.remote = invite.remote;
  e.request = std::move(bytes);
  invite.cancel = id;
  chain(id.index);
  entries_.live_for(id.index, timing_.timeout(), now);
  if (!transaction_timing::reliable(e.to.kind)) entries_.repeat_after(id.index, timing_.t1, now);
  transmit(id.index, now);
}

void client_transactions::transport_failed(std::uint32_t index, steady_time now) {
  if (entries_[index].what == kind::invite) {
    step(index, invite_client_event::transport_error, nullptr, now);
  } else {
    step(index, non_invite_client_event::transport_error, nullptr, now);
  }
}

void client_transactions::report(std::uint32_t index, failure why) {
  entry& e = entries_[index];
  if (e.owned) failures_.client_failed(e.of, why);
}

void client_transactions::decide(entry& e) {
  if (!e.undecided) return;
  e.undecided = false;
  --undecided_;
}

void client_transactions::release(std::uint32_t index) {
  entry& e = entries_[index];
  decide(e);
  count_out(e);
  if (e.owned) by_owner_.erase(fingerprint(e.of));
  if (e.what != kind::reserved) unchain(index);
  e.owned = false;
  e.request = {};
  e.reason.clear();
  e.cancel = {none, 0};
  e.cancel_wanted = false;
  e.cancel_sent = false;
  e.unheard = false;
  e.woken = false;
  e.caller = uncounted;
  entries_.give_back(index);
}

/// A subscriber that left and came back counts its branches from one again: a transaction that lingers under the
/// same name must not speak for the new one.
void client_transactions::own(std::uint32_t index, const owner& of) {
  const std::uint64_t name = fingerprint(of);
  if (const std::uint32_t former = by_owner_.find(name); former != none) {
    entries_[former].owned = false;
    by_owner_.erase(name);
    ++counters_.orphaned;
  }
  entries_[index].of = of;
  entries_[index].owned = by_owner_.insert(name, index);
  assert(entries_[index].owned);  // never more names than entries
}

std::uint64_t client_transactions::fingerprint(const owner& of) const {
  std::uint64_t words[2] = {of.subscriber.value, std::uint64_t{of.call} << 32 | of.branch};
  char bytes[sizeof words];
  std::memcpy(bytes, words, sizeof words);
  return siphash(key_, std::string_view(bytes, sizeof bytes));
}

void client_transactions::chain(std::uint32_t index) {
  entry& e = entries_[index];
  std::uint32_t& head = by_remote_[place_of(e.remote)];
  e.same_remote_previous = none;
  e.same_remote_next = head;
  if (head != none) entries_[head].same_remote_previous = index;
  head = index;
}

void client_transactions::unchain(std::uint32_t index) {
  entry& e = entries_[index];
  if (e.same_remote_previous != none) {
    entries_[e.same_remote_previous].same_remote_next = e.same_remote_next;
  } else {
    by_remote_[place_of(e.remote)] = e.same_remote_next;
  }
  if (e.same_remote_next != none) entries_[e.same_remote_next].same_remote_previous = e.same_remote_previous;
}

}  // namespace reveille::sip
