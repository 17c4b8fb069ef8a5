#include "tests/hostile/sip_requests.hpp"

#include <cstdint>

namespace reveille::hostile {

namespace {
constexpr std::size_t apns_digits = 64;
constexpr std::size_t fcm_length = 160;
}  // namespace

std::string request_text::text() const {
  const std::string n = std::to_string(number);
  const auto or_else = [](const std::string& given, std::string made) { return given.empty() ? std::move(made) : given; };
  std::string out(method);
  out += " " + uri + " SIP/2.0\r\nVia: SIP/2.0/UDP " + via + ";rport;branch=" +
         or_else(branch, "z9hG4bK-" + std::string(method) + "-" + n + "-" + std::to_string(cseq)) + "\r\nMax-Forwards: 70\r\nFrom: " +
         or_else(from, "<sip:stranger" + n + "@example.net>;tag=f" + n) + "\r\nTo: " + or_else(to, "<" + uri + ">") +
         "\r\nCall-ID: " + or_else(call_id, "hostile-" + n + "@" + via) + "\r\nCSeq: " + std::to_string(cseq) + " " +
         std::string(method) + "\r\n" + lines + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  return out;
}

std::string register_text(const std::string& via, const std::string& user, const std::string& contact_lines,
                          const std::string& call_id, std::uint32_t cseq, const std::string& lines) {
  request_text r;
  r.method = "REGISTER";
  r.uri = "sip:example.com";
  r.via = via;
  r.branch = "z9hG4bK-r" + call_id + "-" + std::to_string(cseq);
  r.from = "<" + aor_of(user) + ">;tag=r" + std::to_string(cseq);
  r.to = "<" + aor_of(user) + ">";
  r.call_id = call_id;
  r.cseq = cseq;
  r.lines = lines + contact_lines;
  return r.text();
}

std::string aor_of(const std::string& user) { return "sip:" + user + "@example.com"; }

std::string fcm_token(const std::string& token_name) {
  std::string out = "c" + token_name + "-:APA91b";
  out.resize(std::max(out.size(), fcm_length), 'x');
  return out;
}

std::string apns_token(const std::string& token_name) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const char c : token_name) {
    out += digits[static_cast<unsigned char>(c) >> 4];
    out += digits[static_cast<unsigned char>(c) & 15];
  }
  out.resize(apns_digits, '0');
  return out;
}

std::string fcm_parameters(const std::string& token_name) {
  return ";pn-provider=fcm;pn-param=reveille-mock;pn-prid=" + fcm_token(token_name);
}

std::string apns_parameters(const std::string& token_name) {
  return ";pn-provider=apns;pn-param=DEF123GHIJ.com.example.phone.voip;pn-prid=" + apns_token(token_name);
}

}  // namespace reveille::hostile
