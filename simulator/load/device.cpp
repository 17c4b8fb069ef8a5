#include "simulator/load/device.hpp"

namespace reveille::load {

namespace {

constexpr std::string_view ringing_line = "SIP/2.0 180 Ringing\r\n";
constexpr std::string_view ok_line = "SIP/2.0 200 OK\r\n";
constexpr std::string_view terminated_line = "SIP/2.0 487 Request Terminated\r\n";
constexpr std::string_view busy_line = "SIP/2.0 486 Busy Here\r\n";
constexpr std::string_view no_call_line = "SIP/2.0 481 Call/Transaction Does Not Exist\r\n";
constexpr std::uint32_t bye_cseq = 1;
/// A ringing phone must hear of the call's end this long after the deadline.
constexpr nanoseconds cancel_patience = seconds(10);

}  // namespace

void devices::prepare(live_call& c) {
  device_leg& leg = c.device;
  const load_options& o = scene_.options;
  c.talk = o.talk_time.draw(scene_.random);
  leg.says_bye = scene_.random.below(2) == 0;
  leg.registers_left = static_cast<std::uint8_t>(
      o.registers_per_wake_min + scene_.random.below(o.registers_per_wake_max - o.registers_per_wake_min + 1));
  if (scene_.random.unit() < o.moves) {
    // Half of those that move do it after their first REGISTER, when there is a second.
    leg.move_before = leg.registers_left > 1 ? static_cast<std::uint8_t>(scene_.random.below(2)) : 0;
  }
}

void devices::act_after(live_call& c, nanoseconds wait) {
  c.device.act = scene_.after(wait, calls_.timer(c, timer_kind::device_act));
}

void devices::on_push(live_call& c, steady_time at_provider) {
  device_leg& leg = c.device;
  if (leg.state != device_state::asleep) return;
  scene_.measure(report::stage::push_sent, c.invited + (scene_.now - at_provider));
  if (c.meant == intent::never_wakes) return;
  leg.state = device_state::waking;
  leg.pushed_at = at_provider;
  act_after(c, scene_.options.wake_delay.draw(scene_.random));
}

void devices::move(live_call& c) {
  phone& p = scene_.phones[c.phone.value];
  const auto step = 1 + scene_.random.below(scene_.options.sockets - 1);
  p.socket = static_cast<std::uint16_t>((p.socket + step) % scene_.options.sockets);
}

void devices::register_once(live_call& c) {
  device_leg& leg = c.device;
  if (leg.registers_sent == leg.move_before && !leg.invited_here) {
    // An INVITE to the address left behind gets no answer: its branch may keep the call until timer B.
    if (leg.registers_sent > 0) scene_.truth.may_end_late(c.call, transaction_timeout + seconds(2));
    move(c);
    leg.registered_from_here = scene_.now;
  }
  if (leg.registers_sent == 0) {
    leg.registered_from_here = scene_.now;
    scene_.measure(report::stage::wake_up, leg.pushed_at);
  }
  ++leg.registers_sent;
  --leg.registers_left;
  registrations_.start(c.phone, register_reason::wake);
  if (leg.registers_left > 0) act_after(c, scene_.options.register_gap.draw(scene_.random));
}

void devices::on_act(live_call& c) {
  device_leg& leg = c.device;
  switch (leg.state) {
    case device_state::waking:
      leg.state = device_state::awake;
      register_once(c);
      calls_.settle(c);
      break;
    case device_state::awake:
      if (leg.registers_left > 0) register_once(c);
      calls_.settle(c);
      break;
    case device_state::ringing:
      if (leg.registers_left > 0) {
        // The rest of the burst, while it rings already; then the answer.
        register_once(c);
        if (leg.registers_left > 0) break;
        if (c.meant != intent::nobody_answers) act_after(c, scene_.options.answer_delay.draw(scene_.random));
      } else {
        answer(c);
      }
      break;
    case device_state::talking: send_bye(c); break;
    case device_state::asleep:
    case device_state::answered:
    case device_state::ending:
    case device_state::refused:
    case device_state::over: break;
  }
}

void devices::on_request(live_call& c, std::uint16_t socket, const endpoint& from, const sip_text& request) {
  if (socket != socket_of(c)) {
    ++scene_.at_old_address;  // nobody is there any more
    return;
  }
  if (request.method == "INVITE") {
    on_invite(c, socket, from, request);
  } else if (request.method == "CANCEL") {
    on_cancel(c, from, request);
  } else if (request.method == "ACK") {
    on_ack(c, request);
  } else if (request.method == "BYE") {
    on_bye(c, from, request);
  } else {
    reply(socket, from, request, request.method == "OPTIONS" ? ok_line : "SIP/2.0 501 Not Implemented\r\n");
  }
}

void devices::on_invite(live_call& c, std::uint16_t socket, const endpoint& from, const sip_text& request) {
  device_leg& leg = c.device;
  if (!leg.invite_branch.empty() && request.branch == leg.invite_branch) {
    scene_.net.send(socket, from, leg.last_response);  // a retransmission
    return;
  }
  if (leg.state == device_state::asleep || leg.state == device_state::waking) {
    scene_.truth.invite_reached_sleeping_phone(c.call);
    return;  // a suspended app hears nothing
  }
  scene_.truth.invite_arrived(c.call, scene_.now);
  if (leg.state != device_state::awake && leg.state != device_state::over) {
    reply(socket, from, request, busy_line);
    scene_.truth.phone_ended_invite(c.call);
    return;
  }
  if (!leg.invited_here) scene_.measure(report::stage::register_to_invite, leg.registered_from_here);
  leg.invited_here = true;
  leg.invite_branch = std::string(request.branch);
  leg.peer = from;
  leg.response_head.clear();
  append_copied_headers(leg.response_head, request);
  std::string records;
  for (const std::string_view line : request.record_routes()) {
    records += "Record-Route: ";
    records += line;
    records += "\r\n";
  }
  leg.response_head += records;
  leg.to_line = "To: " + std::string(request.to) + ";tag=d" + std::to_string(c.call.value) + "-" +
                std::to_string(leg.registers_sent) + "\r\n";
  leg.from_value = std::string(request.from);
  leg.remote_target = std::string(uri_in(request.contact));
  leg.next_hop = scene_.options.engine;
  leg.route_lines = route_lines(request.record_routes(), route_order::as_received, leg.next_hop);
  leg.state = device_state::ringing;
  respond_to_invite(c, ringing_line, {});
  scene_.truth.phone_rang(c.call, scene_.now);
  scene_.wheel.cancel(leg.guard);
  leg.guard = scene_.after(std::max(c.deadline - scene_.now, nanoseconds{0}) + cancel_patience,
                           calls_.timer(c, timer_kind::device_guard));
  if (leg.registers_left == 0 && c.meant != intent::nobody_answers) {
    act_after(c, scene_.options.answer_delay.draw(scene_.random));
  }
}

void devices::respond_to_invite(live_call& c, std::string_view status_line, std::string_view body) {
  device_leg& leg = c.device;
  std::string& out = leg.last_response;
  out.clear();
  out += status_line;
  out += leg.response_head;
  out += leg.to_line;
  out += "Contact: <sip:";
  scene_.names.append_user(out, c.phone);
  out += '@';
  out += scene_.local_text(socket_of(c));
  out += ">\r\n";
  if (!body.empty()) out += "Content-Type: application/sdp\r\n";
  out += "Content-Length: ";
  append_number(out, body.size());
  out += "\r\n\r\n";
  out += body;
  scene_.net.send(socket_of(c), leg.peer, out);
}

void devices::answer(live_call& c) {
  device_leg& leg = c.device;
  leg.state = device_state::answered;
  leg.answered_at = scene_.now;
  leg.sent = scene_.now;
  leg.copies = 0;
  scene_.wheel.cancel(leg.guard);
  scene_.truth.phone_answered(c.call, scene_.now);
  respond_to_invite(c, ok_line, sample_sdp());
  arm(c);
}

void devices::on_cancel(live_call& c, const endpoint& from, const sip_text& request) {
  device_leg& leg = c.device;
  const bool matches = !leg.invite_branch.empty() && request.branch == leg.invite_branch;
  reply(socket_of(c), from, request, matches ? ok_line : no_call_line);
  if (!matches || leg.state != device_state::ringing) return;
  scene_.truth.phone_was_cancelled(c.call, scene_.now);
  scene_.wheel.cancel(leg.act);
  scene_.wheel.cancel(leg.guard);
  leg.registers_left = 0;
  leg.state = device_state::refused;
  leg.sent = scene_.now;
  leg.copies = 0;
  respond_to_invite(c, terminated_line, {});
  scene_.truth.phone_ended_invite(c.call);
  arm(c);
}

void devices::on_ack(live_call& c, const sip_text&) {
  device_leg& leg = c.device;
  if (leg.state == device_state::refused) {
    finish(c);
  } else if (leg.state == device_state::answered) {
    disarm(c);
    leg.state = device_state::talking;
    scene_.truth.phone_ended_invite(c.call);
    if (leg.says_bye) {
      act_after(c, c.talk);
    } else {
      leg.guard = scene_.after(c.talk + transaction_timeout + seconds(2), calls_.timer(c, timer_kind::device_guard));
    }
  }
}

void devices::on_bye(live_call& c, const endpoint& from, const sip_text& request) {
  const device_state s = c.device.state;
  const bool known = s == device_state::answered || s == device_state::talking || s == device_state::ending || s == device_state::over;
  reply(socket_of(c), from, request, known ? ok_line : no_call_line);
  if (s == device_state::answered) scene_.truth.phone_ended_invite(c.call);
  if (known && s != device_state::over) finish(c);
}

void devices::send_bye(live_call& c) {
  device_leg& leg = c.device;
  if (leg.state != device_state::ending) {
    leg.state = device_state::ending;
    leg.sent = scene_.now;
    leg.copies = 0;
  }
  std::string& out = scene_.buffer;
  out.clear();
  out += "BYE ";
  out += leg.remote_target;
  out += " SIP/2.0\r\nVia: SIP/2.0/UDP ";
  out += scene_.local_text(socket_of(c));
  out += ";rport;branch=";
  scene_.append_branch(out, {'d', c.call.value, 1});
  out += "\r\nMax-Forwards: 70\r\n";
  out += leg.route_lines;
  // Our To of the INVITE is the From of our own requests, and the other way round (RFC 3261 12.2.1.1).
  out += "From: ";
  out.append(leg.to_line, 4);
  out += "To: ";
  out += leg.from_value;
  out += "\r\nCall-ID: ";
  scene_.names.append_call_id(out, c.call);
  out += "\r\nCSeq: ";
  append_number(out, bye_cseq);
  out += " BYE\r\nContent-Length: 0\r\n\r\n";
  scene_.net.send(socket_of(c), leg.next_hop, out);
  arm(c);
}

void devices::on_response(live_call& c, const branch_name& branch, const sip_text& response) {
  if (branch.kind != 'd' || response.status < 200 || c.device.state != device_state::ending) return;
  if (response.status >= 300) {
    scene_.truth.found("bye-refused", scene_.names.call_id_of(c.call), "200 for BYE", std::to_string(response.status));
  }
  finish(c);
}

void devices::arm(live_call& c) {
  device_leg& leg = c.device;
  const nanoseconds wait = std::min<nanoseconds>(t1 * (std::int64_t{1} << std::min<int>(leg.copies, 3)), t2);
  if (leg.copies != 255) ++leg.copies;
  leg.retransmit = scene_.after(wait, calls_.timer(c, timer_kind::device_retransmit));
}

void devices::disarm(live_call& c) {
  scene_.wheel.cancel(c.device.retransmit);
  c.device.copies = 0;
}

void devices::on_retransmit(live_call& c) {
  device_leg& leg = c.device;
  const bool given_up = scene_.now - leg.sent >= transaction_timeout;
  if (leg.state == device_state::ending) {
    if (given_up) {
      scene_.truth.request_unanswered(c.call, "BYE");
      finish(c);
      return;
    }
    ++scene_.registrations.retransmitted;
    send_bye(c);
    return;
  }
  if (leg.state != device_state::answered && leg.state != device_state::refused) return;
  if (given_up) {
    if (leg.state == device_state::answered) scene_.truth.phone_never_acked(c.call);
    finish(c);
    return;
  }
  ++scene_.registrations.retransmitted;
  scene_.net.send(socket_of(c), leg.peer, leg.last_response);
  arm(c);
}

void devices::on_guard(live_call& c) {
  if (c.device.state == device_state::ringing) {
    scene_.truth.found("never-cancelled", scene_.names.call_id_of(c.call), "a CANCEL for the ringing phone when the call ended",
                       "none");
  } else if (c.device.state == device_state::talking) {
    scene_.truth.found("bye-lost", scene_.names.call_id_of(c.call), "the caller's BYE at the phone", "none");
  } else {
    return;
  }
  scene_.truth.phone_ended_invite(c.call);
  finish(c);
}

void devices::reply(std::uint16_t socket, const endpoint& to, const sip_text& request, std::string_view status_line) {
  std::string& out = scene_.buffer;
  out.clear();
  out += status_line;
  append_copied_headers(out, request);
  out += "To: ";
  out += request.to;
  if (parameter(request.to, "tag").empty()) out += ";tag=x";
  out += "\r\nContent-Length: 0\r\n\r\n";
  scene_.net.send(socket, to, out);
}

void devices::finish(live_call& c) {
  disarm(c);
  scene_.wheel.cancel(c.device.act);
  scene_.wheel.cancel(c.device.guard);
  c.device.state = device_state::over;
  calls_.settle(c);
}

}  // namespace reveille::load
