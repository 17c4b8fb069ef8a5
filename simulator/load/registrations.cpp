#include "simulator/load/registrations.hpp"

#include <charconv>

namespace reveille::load {

namespace {

/// Seconds of a Retry-After header, at most a minute; one when it cannot be read.
nanoseconds retry_after(std::string_view text) {
  unsigned value = 1;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return seconds(std::clamp(value, 1U, 60U));
}

}  // namespace

void registrations::start(phone_number phone, register_reason why) {
  if (in_flight_ >= max_transactions) {
    ++overflow_;
    listener_.gave_up(phone, why);
    return;
  }
  std::uint32_t slot;
  if (free_.empty()) {
    slot = static_cast<std::uint32_t>(transactions_.size());
    transactions_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  ++in_flight_;
  transaction& t = transactions_[slot];
  t.phone = phone.value;
  t.why = why;
  t.attempts = 0;
  begin_attempt(slot);
}

void registrations::begin_attempt(std::uint32_t slot) {
  transaction& t = transactions_[slot];
  ++t.attempts;
  ++t.generation;
  t.copies = 0;
  t.cseq = ++scene_.phones[t.phone].cseq;
  t.socket = scene_.phones[t.phone].socket;
  t.sent = scene_.now;
  send(slot);
}

void registrations::send(std::uint32_t slot) {
  transaction& t = transactions_[slot];
  const phone_number p{t.phone};
  const identities& names = scene_.names;
  const std::string& local = scene_.local_text(t.socket);
  std::string& out = scene_.buffer;
  out.clear();
  out += "REGISTER sip:";
  out += scene_.options.domain;
  out += " SIP/2.0\r\nVia: SIP/2.0/UDP ";
  out += local;
  out += ";rport;branch=";
  scene_.append_branch(out, {'r', slot, t.generation});
  out += "\r\nMax-Forwards: 70\r\nFrom: <sip:";
  names.append_user(out, p);
  out += '@';
  out += scene_.options.domain;
  out += ">;tag=r";
  append_number(out, t.cseq);
  out += "\r\nTo: <sip:";
  names.append_user(out, p);
  out += '@';
  out += scene_.options.domain;
  out += ">\r\nCall-ID: ";
  out += names.tag();
  out += "-p";
  append_number(out, p.value);
  out += "@load.invalid\r\nCSeq: ";
  append_number(out, t.cseq);
  out += " REGISTER\r\nContact: <sip:";
  names.append_user(out, p);
  out += '@';
  out += local;
  names.append_push_params(out, p);
  out += '>';
  names.append_instance(out, p);
  out += "\r\nExpires: ";
  append_number(out, scene_.options.expires_seconds);
  out += "\r\nContent-Length: 0\r\n\r\n";
  scene_.net.send(t.socket, scene_.options.engine, out);
  // Timer E doubles up to T2; the first value is T1.
  const nanoseconds wait = std::min<nanoseconds>(t1 * (std::int64_t{1} << std::min<int>(t.copies, 4)), t2);
  if (t.copies != 255) ++t.copies;
  t.timer = scene_.after(wait, {timer_kind::register_retransmit, t.generation, slot});
}

void registrations::on_timer(const timer_owner& timer) {
  if (timer.slot >= transactions_.size()) return;
  transaction& t = transactions_[timer.slot];
  if (t.phone == phone::none || t.generation != timer.generation) return;
  if (t.copies == 0) {
    begin_attempt(timer.slot);
    return;
  }
  if (scene_.now - t.sent >= transaction_timeout) {
    ++scene_.registrations.timed_out;
    try_again_or_give_up(timer.slot, nanoseconds{0});
    return;
  }
  ++scene_.registrations.retransmitted;
  listener_.congested();
  send(timer.slot);
}

void registrations::try_again_or_give_up(std::uint32_t slot, nanoseconds wait) {
  transaction& t = transactions_[slot];
  if (t.attempts >= max_attempts) {
    const phone_number p{t.phone};
    const register_reason why = t.why;
    release(slot);
    listener_.gave_up(p, why);
    return;
  }
  t.copies = 0;
  t.timer = scene_.after(wait, {timer_kind::register_retransmit, t.generation, slot});
}

void registrations::on_response(const branch_name& branch, const sip_text& response) {
  if (branch.number >= transactions_.size()) return;
  transaction& t = transactions_[branch.number];
  if (t.phone == phone::none || t.generation != branch.generation || t.copies == 0) return;  // a copy, or too late
  if (response.status < 200) return;
  scene_.wheel.cancel(t.timer);
  const phone_number p{t.phone};
  const register_reason why = t.why;
  const steady_time sent = t.sent;
  if (response.status < 300) {
    release(branch.number);
    scene_.measure(report::stage::register_response, sent);
    listener_.registered(p, why, sent);
    return;
  }
  if (t.cseq != scene_.phones[p.value].cseq) {
    // Overtaken by a later REGISTER of the same wake-up: RFC 3261 10.3 step 7 has it fail, rightly.
    release(branch.number);
    return;
  }
  ++scene_.registrations.refused;
  listener_.congested();
  try_again_or_give_up(branch.number, retry_after(response.retry_after));
}

void registrations::release(std::uint32_t slot) {
  transactions_[slot].phone = phone::none;
  free_.push_back(slot);
  --in_flight_;
}

}  // namespace reveille::load
