#include "sip/server_transactions.hpp"

namespace reveille::sip {

server_transactions::server_transactions(const transaction_timing& timing, std::uint32_t capacity,
                                         nanoseconds abandon_after, timer_wheel& wheel, packet_outlet& out)
    : timing_(timing), abandon_after_(abandon_after), wheel_(wheel), out_(out), index_(capacity) {
  entries_.reserve(capacity);  // address space only: pages come with first use
}

server_transactions::entry* server_transactions::at(handle id) {
  if (id.index >= entries_.size()) return nullptr;
  entry& e = entries_[id.index];
  return e.live && e.generation == id.generation ? &e : nullptr;
}

const server_transactions::entry* server_transactions::at(handle id) const {
  return const_cast<server_transactions*>(this)->at(id);
}

std::optional<server_transactions::handle> server_transactions::create(std::uint64_t fingerprint, bool invite,
                                                                       const flow& source, aor_key owner,
                                                                       steady_time now) {
  std::uint32_t index = free_;
  if (index == transaction_index::none) index = static_cast<std::uint32_t>(entries_.size());
  if (!index_.insert(fingerprint, index)) return std::nullopt;
  if (index == free_) {
    free_ = entries_[index].next_free;
  } else {
    entries_.emplace_back();
  }
  entry& e = entries_[index];
  e.fingerprint = fingerprint;
  e.owner = owner;
  e.source = source;
  e.state = invite ? static_cast<std::uint8_t>(invite_server_state::proceeding)
                   : static_cast<std::uint8_t>(non_invite_server_state::trying);
  e.invite = invite;
  e.live = true;
  e.decided = false;
  e.cancelled = false;
  ++undecided_;
  ++counters_.created;
  live_for(index, abandon_after_, now);
  return handle_of(index);
}

std::optional<server_transactions::view> server_transactions::find(std::uint64_t fingerprint) const {
  const std::uint32_t index = index_.find(fingerprint);
  if (index == transaction_index::none) return std::nullopt;
  const entry& e = entries_[index];
  return view{handle_of(index), e.owner, e.invite, e.decided, e.cancelled};
}

void server_transactions::repeated(handle id, steady_time now) {
  if (entry* e = at(id)) {
    ++counters_.absorbed;
    if (e->invite) {
      step(id.index, invite_server_event::invite, nullptr, now);
    } else {
      step(id.index, non_invite_server_event::request, nullptr, now);
    }
  }
}

server_transactions::ack_result server_transactions::acknowledged(std::uint64_t fingerprint, steady_time now) {
  const std::uint32_t index = index_.find(fingerprint);
  if (index == transaction_index::none || !entries_[index].invite) return ack_result::unknown;
  const bool accepted = entries_[index].state == static_cast<std::uint8_t>(invite_server_state::accepted);
  step(index, invite_server_event::ack, nullptr, now);
  return accepted ? ack_result::for_tu : ack_result::absorbed;
}

void server_transactions::mark_cancelled(handle id) {
  if (entry* e = at(id)) e->cancelled = true;
}

bool server_transactions::respond(handle id, int status, const packet& response, steady_time now) {
  entry* e = at(id);
  if (e == nullptr) {
    ++counters_.late_responses;
    return false;
  }
  const bool success = status >= 200 && status < 300;
  // Only further 2xx to an INVITE may follow a final response (RFC 6026).
  const bool wanted = !e->decided || (e->invite && success &&
                                      e->state == static_cast<std::uint8_t>(invite_server_state::accepted));
  if (e->invite) {
    step(id.index,
         status < 200 ? invite_server_event::provisional
         : success    ? invite_server_event::success
                      : invite_server_event::failure,
         &response, now);
  } else {
    step(id.index, status < 200 ? non_invite_server_event::provisional : non_invite_server_event::final, &response,
         now);
  }
  if (!wanted) ++counters_.late_responses;
  return wanted;
}

const flow* server_transactions::source_of(handle id) const {
  const entry* e = at(id);
  return e == nullptr ? nullptr : &e->source;
}

void server_transactions::on_timer(std::uint64_t payload, steady_time now) {
  const std::uint32_t index = timer_index_of(payload);
  if (index >= entries_.size()) return;
  entry& e = entries_[index];
  if (!e.live || (e.generation & 0xffffff) != timer_generation_of(payload)) return;
  if (timer_kind_of(payload) == transaction_timer::server_repeat) {
    step(index, invite_server_event::timer_g, nullptr, now);
    if (!e.live || e.state != static_cast<std::uint8_t>(invite_server_state::completed)) return;
    e.interval = timing_.doubled(e.interval);
    e.repeat_timer =
        wheel_.schedule(now + e.interval, timer_payload(transaction_timer::server_repeat, index, e.generation));
    return;
  }
  if (!e.decided) {
    ++counters_.abandoned;
    release(index);
    return;
  }
  if (!e.invite) {
    step(index, non_invite_server_event::timer_j, nullptr, now);
    return;
  }
  switch (static_cast<invite_server_state>(e.state)) {
    case invite_server_state::completed: return step(index, invite_server_event::timer_h, nullptr, now);
    case invite_server_state::confirmed: return step(index, invite_server_event::timer_i, nullptr, now);
    case invite_server_state::accepted: return step(index, invite_server_event::timer_l, nullptr, now);
    case invite_server_state::proceeding:
    case invite_server_state::terminated: return;
  }
}

void server_transactions::step(std::uint32_t index, invite_server_event event, const packet* response,
                               steady_time now) {
  entry& e = entries_[index];
  const auto before = static_cast<invite_server_state>(e.state);
  const invite_server_step s = advance(before, event);
  e.state = static_cast<std::uint8_t>(s.next);
  if (s.next != before) entered(index, s.next, now);
  perform(index, s.action, response, now);
  if (s.next == invite_server_state::terminated) release(index);
}

void server_transactions::entered(std::uint32_t index, invite_server_state state, steady_time now) {
  entry& e = entries_[index];
  const transport kind = e.source.kind;
  switch (state) {
    case invite_server_state::completed:
      decide(e);
      live_for(index, timing_.long_wait(), now);  // H
      if (!transaction_timing::reliable(kind)) {
        e.interval = timing_.t1;  // G
        e.repeat_timer =
            wheel_.schedule(now + e.interval, timer_payload(transaction_timer::server_repeat, index, e.generation));
      }
      return;
    case invite_server_state::confirmed:
      wheel_.cancel(e.repeat_timer);
      e.response = {};
      live_for(index, timing_.wait_i(kind), now);  // I
      return;
    case invite_server_state::accepted:
      decide(e);
      e.response = {};
      live_for(index, timing_.long_wait(), now);  // L
      return;
    case invite_server_state::proceeding:
    case invite_server_state::terminated: return;
  }
}

void server_transactions::step(std::uint32_t index, non_invite_server_event event, const packet* response,
                               steady_time now) {
  entry& e = entries_[index];
  const auto before = static_cast<non_invite_server_state>(e.state);
  const non_invite_server_step s = advance(before, event);
  e.state = static_cast<std::uint8_t>(s.next);
  if (s.next == non_invite_server_state::completed && before != s.next) {
    decide(e);
    live_for(index, timing_.wait_j(e.source.kind), now);  // J
  }
  perform(index, s.action, response, now);
  if (s.next == non_invite_server_state::terminated && e.live) release(index);
}

void server_transactions::perform(std::uint32_t index, server_action action, const packet* response,
                                  steady_time now) {
  entry& e = entries_[index];
  switch (action) {
    case server_action::none:
    case server_action::pass_ack: return;
    case server_action::send:
      e.response = *response;
      return send(index, *response, now);
    case server_action::send_unkept: return send(index, *response, now);
    case server_action::resend:
      if (e.response.bytes == nullptr) return;
      ++counters_.responses_repeated;
      return send(index, packet(e.response), now);
    case server_action::report_no_ack: ++counters_.no_ack; return;
    case server_action::report_transport_error: ++counters_.transport_errors; return;
  }
}

void server_transactions::send(std::uint32_t index, const packet& what, steady_time now) {
  if (out_.transmit(entries_[index].source, what)) return;
  if (entries_[index].invite) {
    step(index, invite_server_event::transport_error, nullptr, now);
  } else {
    step(index, non_invite_server_event::transport_error, nullptr, now);
  }
}

void server_transactions::decide(entry& e) {
  if (e.decided) return;
  e.decided = true;
  --undecided_;
}

void server_transactions::live_for(std::uint32_t index, nanoseconds wait, steady_time now) {
  entry& e = entries_[index];
  wheel_.cancel(e.life_timer);
  e.life_timer = wheel_.schedule(now + wait, timer_payload(transaction_timer::server_life, index, e.generation));
}

void server_transactions::release(std::uint32_t index) {
  entry& e = entries_[index];
  decide(e);
  wheel_.cancel(e.repeat_timer);
  wheel_.cancel(e.life_timer);
  index_.erase(e.fingerprint);
  e.response = {};
  e.live = false;
  ++e.generation;
  e.next_free = free_;
  free_ = index;
}

}  // namespace reveille::sip
