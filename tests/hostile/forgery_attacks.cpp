// Messages that pretend to belong to the calls of others. The attacker knows what somebody on the way could have seen.
#include "tests/hostile/attack.hpp"
#include "tests/hostile/sip_requests.hpp"

namespace reveille::hostile {

namespace {
using namespace std::chrono_literals;

/// A CANCEL with the branch and sent-by of a call that rings, from another address; every second one knows Call-ID and From too.
void cancel_others(assault& a) {
  udp_source& s = a.open("127.0.0.2");
  for (std::uint64_t n = 0; a.next(50); ++n) {
    for (const ringing_call& c : a.good().ringing()) {
      request_text r;
      r.method = "CANCEL";
      r.uri = aor_of(c.user);
      r.via = c.caller_via;
      r.branch = c.branch;
      r.number = n;
      if (n % 2 == 1) {
        r.from = c.from;
        r.call_id = c.call_id;
      }
      s.send(r.text());
    }
  }
}

/// 603 to an INVITE that another phone was asked, with that INVITE's own Via and Call-ID.
void answer_for_others(assault& a) {
  udp_source& s = a.open("127.0.0.3");
  while (a.next(50)) {
    for (const ringing_call& c : a.good().ringing()) {
      const auto invite = load::read_sip(c.invite);
      if (!invite) continue;
      std::string out = "SIP/2.0 603 Decline\r\n";
      for (const std::string_view via : invite->vias()) out += "Via: " + std::string(via) + "\r\n";
      out += "From: " + std::string(invite->from) + "\r\nTo: " + std::string(invite->to) + ";tag=forged\r\nCall-ID: " + c.call_id +
             "\r\nCSeq: " + std::to_string(invite->cseq) + " INVITE\r\nContent-Length: 0\r\n\r\n";
      s.send(out);
    }
  }
}

/// INVITEs that use the branches of honest calls before these do.
void take_branches(assault& a) {
  udp_source& s = a.open("127.0.0.2");
  for (std::uint64_t n = 0; a.next(100); ++n) {
    request_text r;
    r.uri = aor_of("nobody");
    r.via = a.good().caller_address();
    r.branch = a.good().branch_to_come(n % 4);
    r.number = n;
    s.send(r.text());
  }
}

/// Requests in a dialog, with flow tokens and branches that we might have made.
void forge_tokens(assault& a) {
  udp_source& s = a.open("127.0.0.2");
  static constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const auto text = [&](std::size_t count) {
    std::string out;
    while (out.size() < count) out += alphabet[a.random()() % 64];
    return out;
  };
  for (std::uint64_t n = 0; a.next(2000); ++n) {
    request_text r;
    r.method = n % 2 == 0 ? "BYE" : "INFO";
    r.uri = "sip:" + good_calls::wakeful_name(0) + "@" + a.good().phone_address();
    r.via = s.local();
    r.number = n;
    r.to = "<" + aor_of(good_calls::wakeful_name(0)) + ">;tag=p";
    r.lines = "Route: <sip:" + text(20 + a.random()() % 60) + "@" + a.at().sip() + ";lr>\r\n";
    s.send(r.text());
    s.send("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP " + a.at().sip() + ";branch=z9hG4bK" + text(8 + a.random()() % 40) +
           "\r\nVia: SIP/2.0/UDP " + s.local() + ";branch=z9hG4bK-x\r\nFrom: <sip:a@example.com>;tag=1\r\nTo: "
           "<sip:b@example.com>;tag=2\r\nCall-ID: " + text(12) + "\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n");
  }
}

const attack all[] = {
    {.name = "cancels", .what = "CANCELs of ringing calls, from an address that did not call", .run = cancel_others},
    {.name = "responses", .what = "603 to INVITEs, from an address that was not asked", .run = answer_for_others},
    {.name = "branches", .what = "INVITEs with the branches that honest callers will use next", .run = take_branches},
    {.name = "tokens", .what = "requests and responses with invented flow tokens and branches", .run = forge_tokens},
};

}  // namespace

std::span<const attack> forgery_attacks() { return all; }

}  // namespace reveille::hostile
