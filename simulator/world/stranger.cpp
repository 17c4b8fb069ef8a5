#include "simulator/world/stranger.hpp"

namespace reveille::world {

void stranger::unregister(const std::string& user, const std::string& device, const std::string& label) {
  const std::string me = "<sip:stranger@" + here_.text() + ">";
  if (!label.empty() && when_.chance(0.5)) return send_register(user, me + ";label=" + label + ";expires=0");
  send_register(user, me + ";+sip.instance=\"<urn:uuid:" + device + ">\";expires=0");
}

void stranger::crowd(const std::string& user) {
  constexpr int more_than_an_aor_has = 14;
  for (int n = 0; n < more_than_an_aor_has; ++n) {
    // With a made-up port, and behind one flow: what the engine sends there comes to nobody.
    send_register(user, "<sip:stranger-" + std::to_string(n) + "@" + here_.text() + ">;label=" + std::to_string(n) + ";expires=60");
  }
}

void stranger::send_register(const std::string& user, const std::string& contact) {
  const std::string number = std::to_string(++sent_);
  net_.send(here_, engine_,
            "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP " + here_.text() + ";branch=z9hG4bKstranger" + number +
                ";rport\r\nMax-Forwards: 70\r\nFrom: <sip:" + user + "@example.com>;tag=s" + number + "\r\nTo: <sip:" + user +
                "@example.com>\r\nCall-ID: stranger-" + number + "\r\nCSeq: 1 REGISTER\r\nContact: " + contact +
                "\r\nContent-Length: 0\r\n\r\n");
}

}  // namespace reveille::world
