#include "tests/simulator/load/fake_engine.hpp"

#include <charconv>

namespace reveille::load {

namespace {

/// The value of the first header line of that name.
std::string_view header(std::string_view bytes, std::string_view name) {
  const std::string mark = "\r\n" + std::string(name) + ": ";
  const std::size_t at = bytes.find(mark);
  if (at == bytes.npos) return {};
  const std::size_t from = at + mark.size();
  return bytes.substr(from, bytes.find("\r\n", from) - from);
}

/// Without the start line, and without the lines of that name (the first `count` of them).
std::string without(std::string_view bytes, std::string_view name, int count) {
  std::string out;
  const std::size_t body = bytes.find("\r\n\r\n");
  std::size_t at = bytes.find("\r\n") + 2;
  while (at < body + 2) {
    const std::size_t end = bytes.find("\r\n", at) + 2;
    const std::string_view line = bytes.substr(at, end - at);
    if (count > 0 && line.starts_with(std::string(name) + ": ")) {
      --count;
    } else {
      out += line;
    }
    at = end;
  }
  out += bytes.substr(body + 2);
  return out;
}

std::string line(std::string_view name, std::string_view value) {
  return std::string(name) + ": " + std::string(value) + "\r\n";
}

}  // namespace

void fake_engine::respond(const endpoint& to, const sip_text& m, std::string_view status, std::string_view extra) {
  std::string text = "SIP/2.0 " + std::string(status) + "\r\n";
  for (const std::string_view via : m.vias()) text += line("Via", via);
  text += line("From", m.from) + line("To", m.to) + line("Call-ID", m.call_id) +
          line("CSeq", std::to_string(m.cseq) + " " + std::string(m.cseq_method)) + std::string(extra) +
          "Content-Length: 0\r\n\r\n";
  out_.push_back({to, text});
}

void fake_engine::on_datagram(const endpoint& from, std::string_view bytes, steady_time now) {
  now_ = now;
  const auto m = read_sip(bytes);
  if (!m) return;
  if (m->status != 0) return on_response(*m, bytes);
  if (m->method == "REGISTER") return on_register(from, *m);
  if (m->method == "INVITE") return on_invite(from, *m, bytes);
  if (m->method == "CANCEL") return on_cancel(from, *m);
  if (!header(bytes, "Route").empty()) return relay(*m, bytes);
  // An ACK for a response of ours ends here.
}

void fake_engine::on_register(const endpoint& from, const sip_text& m) {
  subscriber& s = subscribers_[std::string(user_of(uri_in(m.to)))];
  const std::string_view uri = uri_in(m.contact);
  s.contact = std::string(uri.substr(0, uri.find(';')));
  s.source = from;
  s.fcm = parameter(uri, "pn-provider") == "fcm";
  const std::string_view prid = parameter(uri, "pn-prid");
  s.token = std::string(s.fcm ? prid : prid.substr(0, prid.find(':')));
  respond(from, m, "200 OK", "Expires: 3600\r\n");
  for (auto& [id, c] : calls_) {
    if (c.user == user_of(uri_in(m.to)) && !c.over) release(c);
  }
  tell_missed(s);
}

void fake_engine::tell_missed(subscriber& s) {
  std::vector<std::string> list = std::exchange(s.told_again, {});
  list.insert(list.end(), s.missed.begin(), s.missed.end());
  if (list.empty()) return;
  if (use(lies_.told_twice)) s.told_again = s.missed;
  s.missed.clear();
  std::string calls;
  for (const std::string& number : list) {
    calls += (calls.empty() ? "" : ",") + std::string("{\"id\":0,\"remote_uri\":\"") + number + "\",\"date\":1}";
  }
  std::string text = "[" + calls + "]";
  if (!s.fcm) {
    push(s, R"({"aps":{"badge":"10"},"acme":{"type":"missed_calls","date":1,"calls":)" + text + "}}");
    return;
  }
  for (std::size_t i = 0; (i = text.find('"', i)) != text.npos; i += 2) text.insert(i, 1, '\\');
  push(s, R"({"type":"missed_calls","date":"1","calls":")" + text + "\"}");
}

void fake_engine::push(const subscriber& s, std::string_view payload) {
  pushes_.push_back({s.token, "id-" + std::to_string(++push_ids_), s.fcm, std::string(payload), now_});
}

void fake_engine::push_invite(const call& c) {
  const subscriber& s = subscribers_[c.user];
  push(s, s.fcm ? std::string(R"({"type":"invite","date":"1"})")
                : R"({"aps":{},"acme":{"type":"invite","number":")" + c.caller_number + R"("}})");
}

void fake_engine::on_invite(const endpoint& from, const sip_text& m, std::string_view bytes) {
  const auto [found, added] = calls_.try_emplace(std::string(m.call_id));
  if (!added) return;
  call& c = found->second;
  c.user = std::string(user_of(m.request_uri));
  c.caller_number = std::string(user_of(uri_in(m.from)));
  c.caller = from;
  for (const std::string_view via : m.vias()) c.head += line("Via", via);
  c.head += line("From", m.from) + line("Call-ID", m.call_id) + line("CSeq", std::to_string(m.cseq) + " INVITE");
  c.to = std::string(m.to);
  c.tail = without(bytes, "none", 0);
  int expires = 30;
  const std::string_view given = header(bytes, "Expires");
  std::from_chars(given.data(), given.data() + given.size(), expires);
  c.deadline = now_ + seconds(expires);
  c.silent = use(lies_.silent_calls);
  c.no_invite = use(lies_.lost_invites);
  c.swallow = use(lies_.swallowed_answers);
  c.cancel_after_answer = use(lies_.cancelled_answers);
  c.uncancelled = use(lies_.uncancelled_phones);
  respond(from, m, "100 Trying", "");
  if (use(lies_.early_refusals)) {
    push_invite(c);
    return end(c, 480);
  }
  if (use(lies_.never_pushed)) return;
  push_invite(c);
  if (use(lies_.double_pushes)) push_invite(c);
}

void fake_engine::release(call& c) {
  const subscriber& s = subscribers_[c.user];
  if (c.no_invite || c.over) return;
  // As SPEC 3.3: one live INVITE; a device that has moved before it rang is dialled at its newest address.
  if (!c.branches.empty() && (c.branches.back().ringing || c.branches.back().final_seen || c.branches.back().to == s.source)) return;
  for (int copies = use(lies_.double_invites) ? 2 : 1; copies > 0; --copies) {
    branch b;
    b.id = "z9hG4bKfake" + std::to_string(++branches_);
    b.to = s.source;
    b.request_uri = s.contact;
    out_.push_back({b.to, "INVITE " + b.request_uri + " SIP/2.0\r\nVia: SIP/2.0/UDP " + own_.text() + ";branch=" + b.id +
                              "\r\nRecord-Route: <sip:" + own_.text() + ";lr>\r\n" + c.tail});
    c.branches.push_back(std::move(b));
  }
}

void fake_engine::cancel_phone(const branch& b, const std::string& call_id) {
  out_.push_back({b.to, "CANCEL " + b.request_uri + " SIP/2.0\r\nVia: SIP/2.0/UDP " + own_.text() + ";branch=" + b.id +
                            "\r\nFrom: <sip:x@y>;tag=1\r\nTo: <sip:x@y>\r\nCall-ID: " + call_id +
                            "\r\nCSeq: 1 CANCEL\r\nContent-Length: 0\r\n\r\n"});
}

void fake_engine::end(call& c, int status) {
  c.over = true;
  if (c.silent) return;
  out_.push_back({c.caller, "SIP/2.0 " + std::to_string(status) + " Over\r\n" + c.head + line("To", c.to + ";tag=engine") +
                                "Content-Length: 0\r\n\r\n"});
  if (!use(lies_.lost_missed_calls)) subscribers_[c.user].missed.push_back(c.caller_number);
  if (c.uncancelled) return;
  for (const branch& b : c.branches) {
    if (b.ringing && !b.final_seen) cancel_phone(b, std::string(header("\r\n" + c.head, "Call-ID")));
  }
}

void fake_engine::on_cancel(const endpoint& from, const sip_text& m) {
  respond(from, m, "200 OK", "");
  const auto found = calls_.find(std::string(m.call_id));
  if (found == calls_.end() || found->second.over) return;
  end(found->second, 487);
  if (lies_.phantom_pushes > 0) {
    found->second.cancelled = true;
    found->second.deadline = now_ + seconds(1);
  }
}

void fake_engine::on_response(const sip_text& m, std::string_view bytes) {
  const auto found = calls_.find(std::string(m.call_id));
  const std::string upstream = std::string(bytes.substr(0, bytes.find("\r\n") + 2)) + without(bytes, "Via", 1);
  if (m.cseq_method == "BYE") {
    // To whoever sent it: the Via below ours says where.
    const auto lower = read_sip(upstream);
    if (!lower) return;
    const auto to = address_of("sip:" + std::string(lower->vias()[0].substr(12, lower->vias()[0].find(';') - 12)));
    if (to) out_.push_back({*to, upstream});
    return;
  }
  if (found == calls_.end() || m.cseq_method != "INVITE") return;
  call& c = found->second;
  for (branch& b : c.branches) {
    if (b.id != m.branch) continue;
    if (m.status < 200) b.ringing = true;
    if (m.status >= 200) b.final_seen = true;
    if (m.status >= 300) {
      out_.push_back({b.to, "ACK " + b.request_uri + " SIP/2.0\r\nVia: SIP/2.0/UDP " + own_.text() + ";branch=" + b.id + "\r\n" +
                                line("From", m.from) + line("To", m.to) + line("Call-ID", m.call_id) +
                                "CSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n"});
      return;
    }
  }
  if (c.over && m.status < 200) return;
  if (m.status >= 200 && c.swallow) return;
  if (!c.silent) out_.push_back({c.caller, upstream});
  if (m.status < 200) return;
  c.over = true;
  if (use(lies_.told_answered)) subscribers_[c.user].missed.push_back(c.caller_number);
  if (c.cancel_after_answer) {
    out_.push_back({c.caller, "SIP/2.0 487 Over\r\n" + c.head + line("To", c.to + ";tag=engine") + "Content-Length: 0\r\n\r\n"});
  }
}

void fake_engine::relay(const sip_text& m, std::string_view bytes) {
  const auto to = address_of(m.request_uri);
  if (!to) return;
  std::string via = "Via: SIP/2.0/UDP " + own_.text() + ";branch=z9hG4bKfake" + std::to_string(++branches_) + "\r\n";
  out_.push_back({*to, std::string(bytes.substr(0, bytes.find("\r\n") + 2)) + via + without(bytes, "Route", 1)});
}

void fake_engine::advance(steady_time now) {
  now_ = now;
  for (auto& [id, c] : calls_) {
    if (now < c.deadline) continue;
    if (!c.over) {
      end(c, 480);
    } else if (c.cancelled && use(lies_.phantom_pushes)) {
      c.cancelled = false;
      push_invite(c);
    }
  }
}

}  // namespace reveille::load
