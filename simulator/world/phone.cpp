#include "simulator/world/phone.hpp"

#include <algorithm>

#include "simulator/world/text.hpp"

namespace reveille::world {

namespace {
constexpr nanoseconds t1 = std::chrono::milliseconds(500);
constexpr nanoseconds t2 = std::chrono::seconds(4);
nanoseconds backoff(int attempt) { return std::min<nanoseconds>(t1 * (1 << std::min(attempt, 6)), t2); }
}  // namespace

phone::phone(schedule& when, network& net, ledger& truth, slab_pool& pool, identity who, const phone_habits& habits,
             const endpoint& engine, label_book& labels)
    : when_(when), net_(net), truth_(truth), pool_(pool), who_(std::move(who)), habits_(habits), engine_(engine),
      labels_(labels), names_{who_.label, who_.nameless ? "" : who_.device, who_.token} {
  here_ = virtual_endpoint(who_.host, next_port_);
  listen();
  if (!who_.two_flows) return;
  second_here_ = virtual_endpoint(who_.host, 5999);
  net_.listen(second_here_, [this](const endpoint& from, std::string_view bytes) { on_datagram(from, bytes); });
}

void phone::listen() {
  net_.listen(here_, [this](const endpoint& from, std::string_view bytes) { on_datagram(from, bytes); });
}

void phone::pushed(const pns::push_order& order) {
  if (!std::holds_alternative<pns::invite_content>(order.content)) return;  // a missed call wakes nobody
  if (awake_soon_ || when_.chance(habits_.never_wakes)) return;
  awake_soon_ = true;
  when_.after(when_.between(habits_.wake_fastest, habits_.wake_slowest), [this] {
    awake_soon_ = false;
    const bool on_the_phone = std::any_of(calls_.begin(), calls_.end(), [](const auto& c) { return !c.second.over || c.second.talking; });
    if (!on_the_phone && when_.chance(habits_.moves)) {
      net_.close(here_);
      here_ = virtual_endpoint(who_.host, ++next_port_);
      listen();
    }
    if (when_.chance(habits_.leaves)) unregister();
    register_now(1 + static_cast<int>(when_.random().below(static_cast<std::uint64_t>(habits_.most_registers))));
  });
}

void phone::register_now(int times) {
  ++wakings_;
  nanoseconds at{0};
  for (int i = 0; i < times; ++i, at += when_.between(nanoseconds(0), milliseconds(300))) {
    when_.after(at, [this, first = i == 0] {
      if (!first && when_.chance(habits_.rewrites)) ++rewritten_;
      if (habits_.relabels > 0 && when_.chance(habits_.relabels)) relabel();
      register_by(1, purpose::register_);
      if (who_.two_flows) register_by(2, purpose::register_);
    });
  }
}

/// Once, however many of its REGISTERs were refused: one of two flows each would double them with every refusal.
void phone::come_again() {
  if (comes_again_) return;
  comes_again_ = true;
  when_.after(when_.between(seconds(1), seconds(4)), [this] {
    comes_again_ = false;
    register_now(1);
  });
}

void phone::unregister() {
  register_by(1, purpose::unregister);
  if (who_.two_flows) register_by(2, purpose::unregister);
}

void phone::register_by(int flow, purpose what) {
  registering r;
  r.branch = "z9hG4bKr" + who_.device + "." + std::to_string(++cseq_);
  r.cseq = cseq_;
  r.what = what;
  r.as = names_;
  r.flow = flow;
  pending_registers_.insert(r.branch);
  send_register(r, 0);
}

void phone::relabel() {
  if (who_.two_flows) return;  // its second flow would still say the former one
  if (keeps_names_ || !former_label_.empty() || names_.label.empty() || (names_.instance.empty() && names_.token.empty())) return;
  former_label_ = names_.label;
  relabelled_ = cseq_ + 1;
  if (!labels_.given_up.empty() && when_.chance(0.5)) {
    names_.label = labels_.given_up.back();
    labels_.given_up.pop_back();
  } else {
    names_.label = who_.aor_user + "-label-" + std::to_string(labels_.next++);
  }
}

void phone::heard_200(std::uint32_t cseq) {
  registered_ = true;
  if (former_label_.empty() || cseq < relabelled_) return;
  labels_.given_up.push_back(former_label_);
  former_label_.clear();
}

bool phone::take(phone& other, name which) {
  phone_names then = names_;
  std::string phone_names::*const said = which == name::label      ? &phone_names::label
                                         : which == name::instance ? &phone_names::instance
                                                                   : &phone_names::token;
  if ((other.names_.*said).empty() || keeps_names_ || other.keeps_names_) return false;
  then.*said = other.names_.*said;
  if (which == name::token && who_.google != other.who_.google) return false;
  // The engine must be able to tell it for the same phone, whichever of its REGISTERs come first.
  if (!former_label_.empty() || (!names_.empty() && !then.share_one_with(names_))) return false;
  names_ = then;
  keeps_names_ = other.keeps_names_ = true;
  register_now(1);
  return true;
}

void phone::send_register(const registering& r, int attempt) {
  if (!pending_registers_.contains(r.branch)) return;
  if (attempt > 10) {  // Timer F
    pending_registers_.erase(r.branch);
    return;
  }
  endpoint from = r.flow == 1 ? here_ : second_here_;
  const std::string at = from.text();
  if (!who_.says_rport()) from.port = static_cast<std::uint16_t>(40000 + from.port % 10000);
  const std::string of_flow = r.flow == 1 ? "" : "-flow" + std::to_string(r.flow);
  const bool says_flow = who_.two_flows && !r.as.instance.empty();
  std::string push_params;
  if (!r.as.token.empty()) {
    push_params = who_.google
                      ? ";pn-provider=fcm;pn-prid=" + r.as.token + ";pn-param=reveille-mock"
                      : ";pn-provider=apns;pn-prid=" + r.as.token + ";pn-param=TEAM123456.com.example.phone.voip";
  }
  net_.send(from, engine_,
            "REGISTER sip:example.com SIP/2.0\r\n"
            "Via: SIP/2.0/UDP " + at + ";branch=" + r.branch + (who_.says_rport() ? ";rport" : "") + "\r\n"
            "Max-Forwards: 70\r\n"
            "From: <sip:" + who_.aor_user + "@example.com>;tag=f" + who_.device + "\r\n"
            "To: <sip:" + who_.aor_user + "@example.com>\r\n"
            "Call-ID: reg-" + who_.device + of_flow + "\r\n"
            "CSeq: " + std::to_string(r.cseq) + " REGISTER\r\n"
            "Contact: <sip:" + who_.device + "@" + at + push_params +
            (rewritten_ > 0 ? ";rinstance=" + std::to_string(rewritten_) : "") + ">" +
            (r.as.label.empty() ? "" : ";label=" + r.as.label) +
            (r.as.instance.empty() ? "" : ";+sip.instance=\"<urn:uuid:" + r.as.instance + ">\"") +
            (says_flow ? ";reg-id=" + std::to_string(r.flow) : "") +
            (r.what == purpose::unregister ? ";expires=0" : "") + "\r\n" +
            (says_flow ? "Supported: path, outbound\r\n" : "") +
            "Expires: " + std::to_string(r.as.token.empty() ? 3600 : habits_.expires.count()) + "\r\n"
            "Content-Length: 0\r\n\r\n");
  when_.after(backoff(attempt), [this, r, attempt] { send_register(r, attempt + 1); });
}

void phone::on_datagram(const endpoint& from, std::string_view bytes) {
  const sip::message_ptr m = read(pool_, bytes);
  if (!m) {
    truth_.violation("the engine sent " + who_.device + " something that is no SIP message");
    return;
  }
  if (!m->is_request()) {
    const std::string branch(m->top_via().branch);
    if (m->cseq().method != sip::method::register_ || m->status() < 200 || !pending_registers_.erase(branch)) return;
    if (m->status() < 300) {
      heard_200(m->cseq().number);
    } else if (m->status() == 500 && m->cseq().number < cseq_) {
      // It was overtaken by a later REGISTER: refused as RFC 3261 10.3 step 7 wants.
    } else if (m->status() == 503) {  // come again, with a new transaction
      come_again();
    } else {
      truth_.violation("REGISTER of " + who_.device + " answered " + std::to_string(m->status()));
    }
    return;
  }
  switch (m->method()) {
    case sip::method::invite: return on_invite(m, from);
    case sip::method::cancel: return on_cancel(m, from);
    case sip::method::ack: return on_ack(*m);
    case sip::method::bye:
      // Its 200 may be lost, so the phone stays where it is until the caller has given up.
      when_.after(seconds(150), [this, call_id = std::string(m->call_id())] {
        for (auto& [branch, c] : calls_) {
          if (c.invite->call_id() == call_id) c.talking = false;
        }
      });
      net_.send(here_, from, response_to(*m, 200, {}, false));
      return;
    case sip::method::register_: case sip::method::options: case sip::method::message: case sip::method::subscribe:
    case sip::method::notify: case sip::method::prack: case sip::method::update: case sip::method::info:
    case sip::method::refer: case sip::method::publish: case sip::method::other:
      truth_.violation(who_.device + " got a " + std::string(m->method_text()) + " that nobody sent");
  }
}

void phone::on_invite(const sip::message_ptr& invite, const endpoint& from) {
  const std::string branch(invite->top_via().branch);
  if (const auto known = calls_.find(branch); known != calls_.end()) {
    if (!known->second.last_response.empty()) net_.send(here_, from, known->second.last_response);
    return;
  }
  for (const auto& [other, c] : calls_) {
    // It alerts twice for one call only if the first has neither been answered finally nor been cancelled.
    if (!c.over && c.invite->call_id() == invite->call_id()) {
      // Behind an edge nobody but the phone can tell that its new Contact is the old place.
      if (!who_.behind_edge) truth_.phone_rings_twice(std::string(invite->call_id()), who_.device);
      // RFC 3261 8.2.2.2: for the phone it is the same request, come by another way.
      call& merged = calls_[branch];
      merged.branch = branch;
      merged.invite = invite->compact_copy();
      merged.from = from;
      merged.tag = "m" + who_.device + "." + std::to_string(calls_.size());
      answer(merged, 482);
      repeat_final(branch, 0);
      return;
    }
  }
  call& c = calls_[branch];
  c.branch = branch;
  c.invite = invite->compact_copy();
  c.from = from;
  c.tag = "t" + who_.device + "." + std::to_string(calls_.size());
  when_.after(when_.between(nanoseconds(0), milliseconds(400)), [this, branch] {
    call& ringing = calls_.at(branch);
    if (ringing.over) return;
    answer(ringing, 180);
    decide(branch);
  });
}

void phone::decide(const std::string& branch) {
  if (when_.chance(habits_.lets_ring)) return;
  const int status = when_.chance(habits_.declines) ? 486 : 200;
  when_.after(when_.between(milliseconds(10), seconds(6)), [this, branch, status] {
    call& c = calls_.at(branch);
    if (c.over) return;
    answer(c, status);
    repeat_final(branch, 0);
  });
}

void phone::answer(call& c, int status) {
  c.last_status = status;
  c.over = status >= 200;
  c.talking = status == 200;
  c.last_response = response_to(*c.invite, status, c.tag, status == 200);
  net_.send(here_, c.from, c.last_response);
  if (status == 200) truth_.phone_answered(std::string(c.invite->call_id()));
}

void phone::repeat_final(const std::string& branch, int attempt) {
  when_.after(backoff(attempt), [this, branch, attempt] {
    call& c = calls_.at(branch);
    if (c.acked || attempt > 10) return;
    net_.send(here_, c.from, c.last_response);
    repeat_final(branch, attempt + 1);
  });
}

void phone::on_cancel(const sip::message_ptr& cancel, const endpoint& from) {
  const auto found = calls_.find(std::string(cancel->top_via().branch));
  net_.send(here_, from, response_to(*cancel, found == calls_.end() ? 481 : 200, "c" + who_.device, false));
  if (found == calls_.end() || found->second.over) return;
  answer(found->second, 487);
  repeat_final(found->first, 0);
}

void phone::on_ack(const sip::message& ack) {
  for (auto& [branch, c] : calls_) {
    const bool of_non_2xx = branch == ack.top_via().branch;
    const bool of_2xx = c.last_status == 200 && c.invite->call_id() == ack.call_id() && c.tag == ack.to_tag();
    if (of_non_2xx || of_2xx) c.acked = true;
  }
}

std::string phone::response_to(const sip::message& request, int status, const std::string& tag, bool with_sdp) const {
  std::string out = "SIP/2.0 " + std::to_string(status) + " " + std::string(sip::reason_phrase(status)) + "\r\n";
  out += lines_of(request, sip::header::via);
  out += lines_of(request, sip::header::record_route);
  out += lines_of(request, sip::header::from);
  out += "To: " + value_of(request, sip::header::to);
  if (request.to_tag().empty() && !tag.empty()) out += ";tag=" + tag;
  out += "\r\n";
  out += lines_of(request, sip::header::call_id);
  out += lines_of(request, sip::header::cseq);
  if (request.method() == sip::method::invite) out += "Contact: <sip:" + who_.device + "@" + here_.text() + ">\r\n";
  const std::string body = with_sdp ? "v=0\r\n" : "";
  if (with_sdp) out += "Content-Type: application/sdp\r\n";
  return out + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace reveille::world
