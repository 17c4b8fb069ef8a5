#include "simulator/world/forger.hpp"

#include "simulator/world/text.hpp"

namespace reveille::world {

namespace {

std::string invite_text(std::string_view via, const std::string& serial) {
  return "INVITE sip:nobody" + serial + "@example.com SIP/2.0\r\nVia: SIP/2.0/UDP " + std::string(via) +
         ";rport\r\nMax-Forwards: 70\r\nFrom: <sip:stranger@example.com>;tag=s" + serial +
         "\r\nTo: <sip:nobody" + serial + "@example.com>\r\nCall-ID: stranger-" + serial +
         "\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n";
}

}  // namespace

forger::forger(schedule& when, network& net, slab_pool& pool, const forger_habits& habits, std::uint64_t seed,
                   const endpoint& engine)
    : when_(when), net_(net), pool_(pool), habits_(habits), random_(seed), engine_(engine) {}

void forger::send(std::string bytes) {
  when_.after(nanoseconds(static_cast<std::int64_t>(random_.below(200'000'000))),
              [this, bytes = std::move(bytes)] { net_.send(address(), engine_, bytes); });
}

void forger::overhear(const endpoint& from, const endpoint& to, std::string_view bytes) {
  if (from == address() || bytes.substr(0, 7) != "INVITE " || random_.unit() >= habits_.forges) return;
  const sip::message_ptr m = read(pool_, bytes);
  if (!m || !m->to_tag().empty()) return;
  if (from == engine_) return answer(*m);
  if (to == engine_) return cancel(*m);
}

/// Right in all but its address, or with the branch alone.
void forger::cancel(const sip::message& invite) {
  const bool all_right = random_.below(2) == 0;
  const std::string other = std::to_string(++serial_);
  send("CANCEL " + std::string(invite.request_uri()) + " SIP/2.0\r\nVia: " + value_of(invite, sip::header::via) +
       "\r\nMax-Forwards: 70\r\nFrom: " +
       (all_right ? value_of(invite, sip::header::from) : "<sip:stranger@example.com>;tag=s" + other) +
       "\r\nTo: " + value_of(invite, sip::header::to) + "\r\nCall-ID: " +
       (all_right ? std::string(invite.call_id()) : "stranger-" + other) + "\r\nCSeq: " +
       std::to_string(invite.cseq().number) + " CANCEL\r\nContent-Length: 0\r\n\r\n");
}

/// No phone of this world says 603.
void forger::answer(const sip::message& invite) {
  send("SIP/2.0 603 Decline\r\n" + lines_of(invite, sip::header::via) + "From: " + value_of(invite, sip::header::from) +
       "\r\nTo: " + value_of(invite, sip::header::to) + ";tag=stranger\r\nCall-ID: " + std::string(invite.call_id()) +
       "\r\nCSeq: " + std::to_string(invite.cseq().number) + " INVITE\r\nContent-Length: 0\r\n\r\n");
}

void forger::come_before(const endpoint& victim, std::string_view branch) {
  if (random_.unit() >= habits_.forges) return;
  net_.send(address(), engine_, invite_text(victim.text() + ";branch=" + std::string(branch), std::to_string(++serial_)));
}

void forger::call_nobody(steady_time until) {
  if (when_.now().steady >= until) return;
  const std::string serial = std::to_string(++serial_);
  net_.send(address(), engine_, invite_text(address().text() + ";branch=z9hG4bKn" + serial, serial));
  const auto pause = std::chrono::duration_cast<nanoseconds>(std::chrono::duration<double>(1 / habits_.calls_per_second));
  when_.after(pause, [this, until] { call_nobody(until); });
}

}  // namespace reveille::world
