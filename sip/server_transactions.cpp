#include "sip/server_transactions.hpp"

#include <algorithm>

namespace reveille::sip {

server_transactions::server_transactions(const transaction_timing& timing, std::uint32_t capacity,
                                         std::uint32_t for_strangers, nanoseconds abandon_after, hash_key key,
                                         timer_wheel& wheel, packet_outlet& out)
    : timing_(timing),
      for_strangers_(for_strangers),
      abandon_after_(abandon_after),
      out_(out),
      index_(capacity),
      entries_(capacity, wheel, transaction_timer::server_repeat, transaction_timer::server_life),
      known_(key, std::min(capacity, known_senders)),
      refused_(capacity) {}

std::optional<server_transactions::handle> server_transactions::create(std::uint64_t fingerprint, bool invite,
                                                                       const flow& source, sender_standing standing,
                                                                       aor_key owner, steady_time now) {
  const bool stranger = standing == sender_standing::open && !known_.contains(source.remote);
  if (stranger && strangers_ >= for_strangers_) return std::nullopt;
  const auto taken = entries_.take();
  if (!taken) return std::nullopt;
  const std::uint32_t index = *taken;
  index_.insert(fingerprint, index);  // as large as the table, so never full before it
  entry& e = entries_[index];
  e.fingerprint = fingerprint;
  e.owner = owner;
  e.source = source;
  e.state = invite ? static_cast<std::uint8_t>(invite_server_state::proceeding)
                   : static_cast<std::uint8_t>(non_invite_server_state::trying);
  e.invite = invite;
  e.decided = false;
  e.cancelled = false;
  e.stranger = stranger;
  e.told = false;
  e.refused = false;
  e.repeats = 0;
  if (stranger) ++strangers_;
  ++undecided_;
  ++counters_.created;
  entries_.live_for(index, abandon_after_, now);
  return entries_.handle_of(index);
}

std::optional<server_transactions::view> server_transactions::find(std::uint64_t fingerprint) const {
  const std::uint32_t index = index_.find(fingerprint);
  if (index == transaction_index::none) return std::nullopt;
  const entry& e = entries_[index];
  return view{entries_.handle_of(index), e.owner, e.invite, e.decided, e.cancelled, e.told};
}

void server_transactions::repeated(handle id, steady_time now) {
  if (entry* e = entries_.at(id)) {
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
  if (index == transaction_index::none) {
    return refused_.find(fingerprint, now) ? ack_result::absorbed : ack_result::unknown;
  }
  if (!entries_[index].invite) return ack_result::unknown;
  const bool accepted = entries_[index].state == static_cast<std::uint8_t>(invite_server_state::accepted);
  step(index, invite_server_event::ack, nullptr, now);
  return accepted ? ack_result::for_tu : ack_result::absorbed;
}

bool server_transactions::give_up(handle id) {
  const entry* e = entries_.at(id);
  if (e == nullptr || e->decided) return false;
  ++counters_.abandoned;
  release(id.index);
  return true;
}

bool server_transactions::wants_trying(handle id) const {
  const entry* e = entries_.at(id);
  return e != nullptr && !(e->stranger && strangers_ > for_strangers_ / 2);
}

std::optional<int> server_transactions::refused_before(std::uint64_t fingerprint, steady_time now) {
  const auto status = refused_.find(fingerprint, now);
  if (status) ++counters_.refused_again;
  return status;
}

/// A phone has answered its sender.
void server_transactions::know(entry& e, steady_time now) {
  known_.add(e.source.remote, now);
  if (!e.stranger) return;
  e.stranger = false;
  --strangers_;
}

void server_transactions::mark_cancelled(handle id) {
  if (entry* e = entries_.at(id)) e->cancelled = true;
}

bool server_transactions::respond(handle id, int status, const packet& response, steady_time now, answer_kind kind) {
  entry* e = entries_.at(id);
  if (e == nullptr) {
    ++counters_.late_responses;
    return false;
  }
  if (kind == answer_kind::of_phone && status > 100 && status < 300) know(*e, now);
  if (kind == answer_kind::refused && e->stranger && !e->decided && status >= 300) {
    refused_.remember(e->fingerprint, status, now, timing_.long_wait());
    if (!e->told) {
      // Its sender repeats the request until it has an answer: that is all the reliability it needs.
      ++counters_.forgotten;
      out_.transmit(e->source, response);
      release(id.index);
      return true;
    }
    e->refused = true;
  }
  e->told = e->told || status < 200;
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
  const entry* e = entries_.at(id);
  return e == nullptr ? nullptr : &e->source;
}

void server_transactions::on_timer(std::uint64_t payload, steady_time now) {
  const auto found = entries_.of_timer(payload);
  if (!found) return;
  const std::uint32_t index = *found;
  const entry& e = entries_[index];
  if (timer_kind_of(payload) == transaction_timer::server_repeat) {
    step(index, invite_server_event::timer_g, nullptr, now);
    if (!e.live || e.state != static_cast<std::uint8_t>(invite_server_state::completed)) return;
    if (!stops_repeating(e)) entries_.repeat_after(index, timing_.doubled(e.interval), now);
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
      e.repeats = 0;
      entries_.live_for(index, e.refused ? timing_.wait_refused() : timing_.long_wait(), now);  // H
      if (!transaction_timing::reliable(kind)) {
        entries_.repeat_after(index, timing_.t1, now);  // G
      }
      return;
    case invite_server_state::confirmed:
      entries_.stop_repeating(index);
      e.response = {};
      // What was refused is remembered without an entry; late copies find that (SPEC 10a.1).
      entries_.live_for(index, e.refused ? milliseconds{0} : timing_.wait_i(kind), now);  // I
      return;
    case invite_server_state::accepted:
      decide(e);
      e.response = {};
      entries_.live_for(index, timing_.long_wait(), now);  // L
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
    entries_.live_for(index, timing_.wait_j(e.source.kind), now);  // J
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
      if (e.repeats < 255) ++e.repeats;
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

void server_transactions::release(std::uint32_t index) {
  entry& e = entries_[index];
  decide(e);
  if (e.stranger) --strangers_;
  e.stranger = false;
  index_.erase(e.fingerprint);
  e.response = {};
  entries_.give_back(index);
}

}  // namespace reveille::sip
