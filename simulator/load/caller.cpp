#include "simulator/load/caller.hpp"

namespace reveille::load {

namespace {
constexpr std::uint32_t invite_cseq = 1;
constexpr std::uint32_t bye_cseq = 2;
/// What a final response may take beyond the deadline or the CANCEL before the caller believes it lost.
constexpr nanoseconds patience = transaction_timeout + seconds(6);
}  // namespace

void callers::begin_dialog_header(live_call& c, std::string_view method, std::string_view uri, branch_name branch) {
  std::string& out = scene_.buffer;
  out.clear();
  out += method;
  out += ' ';
  out += uri;
  out += " SIP/2.0\r\nVia: SIP/2.0/UDP ";
  out += scene_.local_text(scene_.caller_socket(c.call));
  out += ";rport;branch=";
  scene_.append_branch(out, branch);
  out += "\r\nMax-Forwards: 70\r\nFrom: \"Caller ";
  append_number(out, c.call.value);
  out += "\" <sip:";
  scene_.names.append_caller(out, c.call);
  out += '@';
  out += scene_.options.domain;
  out += ">;tag=c";
  append_number(out, c.call.value);
  out += "\r\nCall-ID: ";
  scene_.names.append_call_id(out, c.call);
  out += "\r\n";
}

namespace {
std::string callee_uri(const scene& s, phone_number p) {
  std::string out = "sip:";
  s.names.append_user(out, p);
  out += '@';
  out += s.options.domain;
  return out;
}
}  // namespace

void callers::dial(live_call& c) {
  c.caller.request_sent = scene_.now;
  send_invite(c);
  arm(c);
  c.caller.guard = scene_.after(scene_.options.ring_time + patience, calls_.timer(c, timer_kind::caller_guard));
  if (c.meant == intent::caller_hangs_up) {
    c.caller.act = scene_.after(scene_.options.hang_up_delay.draw(scene_.random), calls_.timer(c, timer_kind::caller_act));
  }
}

void callers::send_invite(live_call& c) {
  const std::string uri = callee_uri(scene_, c.phone);
  begin_dialog_header(c, "INVITE", uri, {'i', c.call.value, 1});
  std::string& out = scene_.buffer;
  out += "To: <" + uri + ">\r\nCSeq: ";
  append_number(out, invite_cseq);
  out += " INVITE\r\nContact: <sip:";
  scene_.names.append_caller(out, c.call);
  out += '@';
  out += scene_.local_text(scene_.caller_socket(c.call));
  out += ">\r\nExpires: ";
  append_number(out, static_cast<std::uint64_t>(scene_.options.ring_time.count()));
  out += "\r\nContent-Type: application/sdp\r\nContent-Length: ";
  append_number(out, sample_sdp().size());
  out += "\r\n\r\n";
  out += sample_sdp();
  scene_.net.send(scene_.caller_socket(c.call), scene_.options.engine, out);
}

void callers::send_cancel(live_call& c) {
  const std::string uri = callee_uri(scene_, c.phone);
  begin_dialog_header(c, "CANCEL", uri, {'i', c.call.value, 1});
  std::string& out = scene_.buffer;
  out += "To: <" + uri + ">\r\nCSeq: ";
  append_number(out, invite_cseq);
  out += " CANCEL\r\nContent-Length: 0\r\n\r\n";
  scene_.net.send(scene_.caller_socket(c.call), scene_.options.engine, out);
}

void callers::send_ack_of_failure(live_call& c) {
  begin_dialog_header(c, "ACK", callee_uri(scene_, c.phone), {'i', c.call.value, 1});
  std::string& out = scene_.buffer;
  out += "To: ";
  out += c.caller.to_tag_value;
  out += "\r\nCSeq: ";
  append_number(out, invite_cseq);
  out += " ACK\r\nContent-Length: 0\r\n\r\n";
  scene_.net.send(scene_.caller_socket(c.call), scene_.options.engine, out);
}

void callers::send_in_dialog(live_call& c, std::string_view method, branch_name branch, std::uint32_t cseq) {
  begin_dialog_header(c, method, c.caller.remote_target, branch);
  std::string& out = scene_.buffer;
  out += c.caller.route_lines;
  out += "To: ";
  out += c.caller.to_tag_value;
  out += "\r\nCSeq: ";
  append_number(out, cseq);
  out += ' ';
  out += method;
  out += "\r\nContent-Length: 0\r\n\r\n";
  scene_.net.send(scene_.caller_socket(c.call), c.caller.next_hop, out);
}

void callers::arm(live_call& c) {
  // Timer A doubles without an end, E up to T2 (RFC 3261 17.1.1.2 and 17.1.2.2).
  nanoseconds wait = t1 * (std::int64_t{1} << std::min<int>(c.caller.copies, 7));
  if (c.caller.state != caller_state::calling) wait = std::min(wait, t2);
  ++c.caller.copies;
  c.caller.retransmit = scene_.after(wait, calls_.timer(c, timer_kind::caller_retransmit));
}

void callers::disarm(live_call& c) {
  scene_.wheel.cancel(c.caller.retransmit);
  c.caller.copies = 0;
}

void callers::on_retransmit(live_call& c) {
  caller_leg& leg = c.caller;
  if (scene_.now - leg.request_sent >= transaction_timeout) {
    if (leg.state == caller_state::calling) {
      finish(c);  // no response at all: truth says so when the call closes
    } else if (leg.state == caller_state::ending) {
      scene_.truth.request_unanswered(c.call, "BYE");
      finish(c);
    } else if (leg.cancel_pending) {
      scene_.truth.request_unanswered(c.call, "CANCEL");
      leg.cancel_pending = false;
    }
    return;
  }
  ++scene_.registrations.retransmitted;
  switch (leg.state) {
    case caller_state::calling: send_invite(c); break;
    case caller_state::proceeding:
      if (!leg.cancel_pending) return;
      send_cancel(c);
      break;
    case caller_state::ending: send_in_dialog(c, "BYE", {'b', c.call.value, 1}, bye_cseq); break;
    case caller_state::talking:
    case caller_state::over: return;
  }
  arm(c);
}

void callers::on_act(live_call& c) {
  switch (c.caller.state) {
    case caller_state::calling: c.caller.wants_to_hang_up = true; break;
    case caller_state::proceeding: hang_up(c); break;
    case caller_state::talking:
      c.caller.state = caller_state::ending;
      c.caller.copies = 0;
      c.caller.request_sent = scene_.now;
      send_in_dialog(c, "BYE", {'b', c.call.value, 1}, bye_cseq);
      arm(c);
      break;
    case caller_state::ending:
    case caller_state::over: break;
  }
}

void callers::hang_up(live_call& c) {
  caller_leg& leg = c.caller;
  leg.cancel_pending = true;
  leg.cancel_sent = scene_.now;
  leg.request_sent = scene_.now;
  leg.copies = 0;
  scene_.truth.caller_cancelled(c.call, scene_.now);
  send_cancel(c);
  arm(c);
  scene_.wheel.cancel(leg.guard);
  leg.guard = scene_.after(patience, calls_.timer(c, timer_kind::caller_guard));
}

void callers::on_guard(live_call& c) {
  if (c.caller.state == caller_state::calling || c.caller.state == caller_state::proceeding) finish(c);
  // Talking without an end: the other side's BYE was lost.
  if (c.caller.state == caller_state::talking) {
    scene_.truth.found("bye-lost", scene_.names.call_id_of(c.call), "the phone's BYE at the caller", "none");
    finish(c);
  }
}

void callers::on_response(live_call& c, const branch_name& branch, const sip_text& response) {
  caller_leg& leg = c.caller;
  if (response.cseq_method == "INVITE") {
    on_invite_response(c, response);
  } else if (response.cseq_method == "CANCEL" && response.status >= 200 && leg.cancel_pending) {
    leg.cancel_pending = false;
    if (leg.state == caller_state::proceeding) disarm(c);
  } else if (branch.kind == 'b' && response.status >= 200 && leg.state == caller_state::ending) {
    if (response.status >= 300) {
      scene_.truth.found("bye-refused", scene_.names.call_id_of(c.call), "200 for BYE", std::to_string(response.status));
    }
    finish(c);
  }
}

void callers::on_invite_response(live_call& c, const sip_text& response) {
  caller_leg& leg = c.caller;
  if (response.status >= 200) {
    on_final(c, response);
    return;
  }
  if (leg.state == caller_state::calling) {
    leg.state = caller_state::proceeding;
    disarm(c);
    if (leg.wants_to_hang_up) hang_up(c);
  }
  if (response.status > 100 && !leg.heard_ringing) {
    leg.heard_ringing = true;
    scene_.measure(report::stage::post_dial_delay, c.invited);
  }
}

void callers::on_final(live_call& c, const sip_text& response) {
  caller_leg& leg = c.caller;
  const bool first = leg.to_tag_value.empty();
  scene_.truth.caller_heard(c.call, response.status, parameter(response.to, "tag"), scene_.now);
  if (!first) {
    // A copy is acknowledged again; what differs from the first was reported and is ignored.
    if (response.status >= 300) {
      if (leg.state == caller_state::over) send_ack_of_failure(c);
    } else if (leg.state != caller_state::over) {
      send_in_dialog(c, "ACK", {'a', c.call.value, 1}, invite_cseq);
    }
    return;
  }
  leg.to_tag_value = std::string(response.to);
  leg.cancel_pending = false;
  disarm(c);
  scene_.wheel.cancel(leg.act);
  scene_.wheel.cancel(leg.guard);
  if (response.status >= 300) {
    if (response.status == 487 && leg.cancel_sent != steady_time{}) scene_.measure(report::stage::cancel, leg.cancel_sent);
    send_ack_of_failure(c);
    finish(c);
    return;
  }
  if (c.device.answered_at != steady_time{}) scene_.measure(report::stage::answer, c.device.answered_at);
  leg.state = caller_state::talking;
  leg.remote_target = std::string(uri_in(response.contact));
  leg.next_hop = scene_.options.engine;
  leg.route_lines = route_lines(response.record_routes(), route_order::reversed, leg.next_hop);
  send_in_dialog(c, "ACK", {'a', c.call.value, 1}, invite_cseq);
  if (c.device.says_bye) {
    leg.guard = scene_.after(c.talk + patience, calls_.timer(c, timer_kind::caller_guard));
  } else {
    leg.act = scene_.after(c.talk, calls_.timer(c, timer_kind::caller_act));
  }
}

void callers::on_request(live_call& c, std::uint16_t socket, const endpoint& from, const sip_text& request) {
  if (request.method == "ACK") return;
  const bool is_bye = request.method == "BYE";
  std::string& out = scene_.buffer;
  out.clear();
  out += is_bye ? "SIP/2.0 200 OK\r\n" : "SIP/2.0 501 Not Implemented\r\n";
  append_copied_headers(out, request);
  out += "To: ";
  out += request.to;
  out += "\r\nContent-Length: 0\r\n\r\n";
  scene_.net.send(socket, from, out);
  if (is_bye && (c.caller.state == caller_state::talking || c.caller.state == caller_state::ending)) finish(c);
}

void callers::finish(live_call& c) {
  c.caller.state = caller_state::over;
  disarm(c);
  scene_.wheel.cancel(c.caller.act);
  scene_.wheel.cancel(c.caller.guard);
  calls_.settle(c);
}

}  // namespace reveille::load
