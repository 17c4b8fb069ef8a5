/// The callers: SIP user agent clients with RFC 3261 client transactions over UDP.
#pragma once

#include "simulator/load/live_call.hpp"
#include "simulator/load/sip_text.hpp"

namespace reveille::load {

class callers {
 public:
  callers(scene& s, call_table& calls) : scene_(s), calls_(calls) {}

  /// Sends the INVITE of a call that was just begun.
  void dial(live_call& c);
  void on_response(live_call& c, const branch_name& branch, const sip_text& response);
  /// A request to the caller: the device's BYE, mostly.
  void on_request(live_call& c, std::uint16_t socket, const endpoint& from, const sip_text& request);
  void on_retransmit(live_call& c);
  void on_act(live_call& c);
  void on_guard(live_call& c);

 private:
  void send_invite(live_call& c);
  void send_cancel(live_call& c);
  void send_ack_of_failure(live_call& c);
  void send_in_dialog(live_call& c, std::string_view method, branch_name branch, std::uint32_t cseq);
  void begin_dialog_header(live_call& c, std::string_view method, std::string_view uri, branch_name branch);
  void on_invite_response(live_call& c, const sip_text& response);
  void on_final(live_call& c, const sip_text& response);
  void hang_up(live_call& c);
  void arm(live_call& c);
  void disarm(live_call& c);
  void finish(live_call& c);

  scene& scene_;
  call_table& calls_;
};

}  // namespace reveille::load
