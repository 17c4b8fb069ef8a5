/// The called phones: woken by a push, they register, ring, answer. SIP user agent servers over UDP.
#pragma once

#include "simulator/load/live_call.hpp"
#include "simulator/load/registrations.hpp"
#include "simulator/load/sip_text.hpp"

namespace reveille::load {

class devices {
 public:
  devices(scene& s, call_table& calls, registrations& registers) : scene_(s), calls_(calls), registrations_(registers) {}

  /// What the phone will do is drawn now, so that it depends on the seed and not on the engine's speed.
  void prepare(live_call& c);
  /// The push for this call is at the device.
  void on_push(live_call& c, steady_time at_provider);
  /// A request at one of the phones' sockets, addressed to this call's phone.
  void on_request(live_call& c, std::uint16_t socket, const endpoint& from, const sip_text& request);
  /// An answer to the device's BYE.
  void on_response(live_call& c, const branch_name& branch, const sip_text& response);
  void on_act(live_call& c);
  void on_retransmit(live_call& c);
  void on_guard(live_call& c);

 private:
  void register_once(live_call& c);
  void move(live_call& c);
  void on_invite(live_call& c, std::uint16_t socket, const endpoint& from, const sip_text& request);
  void on_cancel(live_call& c, const endpoint& from, const sip_text& request);
  void on_ack(live_call& c, const sip_text& request);
  void on_bye(live_call& c, const endpoint& from, const sip_text& request);
  void respond_to_invite(live_call& c, std::string_view status_line, std::string_view body);
  void answer(live_call& c);
  void send_bye(live_call& c);
  void reply(std::uint16_t socket, const endpoint& to, const sip_text& request, std::string_view status_line);
  void arm(live_call& c);
  void disarm(live_call& c);
  void act_after(live_call& c, nanoseconds wait);
  void finish(live_call& c);
  std::uint16_t socket_of(const live_call& c) const { return scene_.phones[c.phone.value].socket; }

  scene& scene_;
  call_table& calls_;
  registrations& registrations_;
};

}  // namespace reveille::load
