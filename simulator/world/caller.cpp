#include "simulator/world/caller.hpp"

#include <algorithm>
#include <vector>

#include "simulator/world/text.hpp"

namespace reveille::world {

namespace {
constexpr nanoseconds t1 = std::chrono::milliseconds(500);
nanoseconds backoff(int attempt) { return std::min<nanoseconds>(t1 * (1 << std::min(attempt, 6)), seconds(4)); }
constexpr int timer_b_attempts = 6;   // 0.5+1+2+4+8+16 s: INVITE doubles without a ceiling (17.1.1.2)
}  // namespace

caller::caller(schedule& when, network& net, ledger& truth, slab_pool& pool, std::uint32_t serial, std::string callee,
               const caller_habits& habits, const endpoint& engine)
    : when_(when), net_(net), truth_(truth), pool_(pool), habits_(habits), engine_(engine),
      here_(virtual_endpoint((1U << 16) + serial, 5060)), says_rport_(serial % 4 != 3),
      sends_from_(virtual_endpoint((1U << 16) + serial, says_rport_ ? 5060 : 40000)), number_(std::to_string(7000000 + serial)),
      callee_(std::move(callee)), call_id_("call-" + std::to_string(serial)),
      branch_("z9hG4bKi" + std::to_string(serial)) {}

void caller::call() {
  truth_.call_offered(call_id_, number_, callee_);
  net_.listen(here_, [this](const endpoint&, std::string_view bytes) { on_datagram(bytes); });
  send_invite(0);
  if (!when_.chance(habits_.hangs_up)) return;
  when_.after(when_.between(habits_.patience_least, habits_.patience_most), [this] {
    if (final_ != 0) return;
    cancel_wanted_ = true;
    elsewhere_ = when_.chance(habits_.answered_elsewhere);
    if (provisional_) send_cancel(0);  // else as soon as the 100 is here (RFC 3261 9.1)
  });
}

std::string caller::request(const char* method, std::string_view extra) const {
  const std::string m = method;
  const bool in_dialog = m == "BYE" || (m == "ACK" && final_ < 300);
  const std::string uri = in_dialog ? remote_target_ : "sip:" + callee_ + "@example.com";
  const std::string branch = in_dialog ? branch_ + m : branch_;
  return m + " " + uri + " SIP/2.0\r\nVia: SIP/2.0/UDP " + here_.text() + ";branch=" + branch +
         (says_rport_ ? ";rport" : "") + "\r\nMax-Forwards: 70\r\n" + (in_dialog ? route_ : std::string()) + "From: \"Caller " + number_ + "\" <sip:" +
         number_ + "@example.com>;tag=" + number_ + "\r\nTo: " +
         (remote_to_.empty() ? "<sip:" + callee_ + "@example.com>" : remote_to_) + "\r\nCall-ID: " + call_id_ +
         "\r\nCSeq: " + (m == "BYE" ? "2 " : "1 ") + m + "\r\n" + std::string(extra);
}

void caller::send_invite(int attempt) {
  if (provisional_ || final_ != 0 || attempt > timer_b_attempts) return;
  const std::string body = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nt=0 0\r\n";
  net_.send(sends_from_, engine_,
            request("INVITE", "Contact: <sip:" + number_ + "@" + here_.text() +
                                  ">\r\nContent-Type: application/sdp\r\nContent-Length: " +
                                  std::to_string(body.size()) + "\r\n\r\n" + body));
  when_.after(t1 * (1 << attempt), [this, attempt] { send_invite(attempt + 1); });
}

void caller::send_cancel(int attempt) {
  if (cancel_answered_ || attempt > 10) return;
  if (attempt == 0) truth_.caller_cancelled(call_id_, elsewhere_);
  net_.send(sends_from_, engine_,
            request("CANCEL", elsewhere_ ? "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\nContent-Length: 0\r\n\r\n"
                                         : "Content-Length: 0\r\n\r\n"));
  when_.after(backoff(attempt), [this, attempt] { send_cancel(attempt + 1); });
}

void caller::on_datagram(std::string_view bytes) {
  const sip::message_ptr m = read(pool_, bytes);
  if (!m || m->call_id() != call_id_) {
    truth_.violation("caller " + number_ + " got something that is not its own: " + std::string(bytes.substr(0, 300)));
    return;
  }
  if (m->is_request()) {
    truth_.dialog_broken(call_id_, "the caller got a request");
    return;
  }
  if (m->cseq().method == sip::method::invite) return on_invite_response(m);
  if (m->cseq().method == sip::method::cancel && m->status() >= 200) cancel_answered_ = true;
  if (m->cseq().method == sip::method::bye && m->status() >= 200) {
    if (m->status() != 200 && !bye_answered_) truth_.dialog_broken(call_id_, "BYE answered " + std::to_string(m->status()));
    bye_answered_ = over_ = true;
  }
}

void caller::on_invite_response(const sip::message_ptr& response) {
  if (response->status() < 200) {
    if (!provisional_ && cancel_wanted_ && final_ == 0) when_.after(nanoseconds(1), [this] { send_cancel(0); });
    provisional_ = true;
    return;
  }
  const bool first = final_ == 0;
  truth_.caller_got_final(call_id_, response->status());
  if (first) {
    final_ = response->status();
    remote_to_ = value_of(*response, sip::header::to);
    if (final_ < 300) {
      std::vector<std::string> routes;
      response->for_each_element(sip::header::record_route, [&](std::string_view r) { routes.emplace_back(r); });
      for (auto r = routes.rbegin(); r != routes.rend(); ++r) route_ += "Route: " + *r + "\r\n";
      response->for_each_element(sip::header::contact, [&](std::string_view text) {
        if (const auto contact = sip::parse_name_addr(text)) remote_target_ = std::string(contact->uri.text);
      });
    }
  }
  ack(*response);
  if (!first) return;
  if (final_ >= 300) {
    over_ = true;
    return;
  }
  when_.after(when_.between(milliseconds(100), seconds(5)), [this] { send_bye(0); });
}

void caller::ack(const sip::message& response) {
  if ((response.status() < 300) != (final_ < 300)) return;  // the ledger has noted the contradiction
  net_.send(sends_from_, engine_, request("ACK", "Content-Length: 0\r\n\r\n"));
}

void caller::send_bye(int attempt) {
  if (bye_answered_) return;
  // Longer than Timer F would: at 12 % loss on four legs eleven tries fail once in some ten thousand calls.
  if (attempt > 30) {
    truth_.dialog_broken(call_id_, "nobody answered the BYE");
    return;
  }
  net_.send(sends_from_, engine_, request("BYE", "Content-Length: 0\r\n\r\n"));
  when_.after(backoff(attempt), [this, attempt] { send_bye(attempt + 1); });
}

}  // namespace reveille::world
