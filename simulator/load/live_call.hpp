/// A call while anything about it still moves: both its ends, in a table of reused slots.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/timer_wheel.hpp"
#include "simulator/load/scene.hpp"

namespace reveille::load {

/// The caller, a user agent client.
///
///   calling -> proceeding -> talking -> ending -> over
///        \________\____________________________/      3xx-6xx, or no final response at all
enum class caller_state : std::uint8_t {
  calling,     ///< INVITE sent, nothing heard
  proceeding,  ///< a provisional response came
  talking,     ///< 2xx, acknowledged
  ending,      ///< its BYE waits for an answer
  over,
};

/// The called phone.
///
///   asleep -> waking -> awake -> ringing -> answered -> talking -> ending -> over
///                                   \-> refused -> over                          cancelled
enum class device_state : std::uint8_t {
  asleep,    ///< no push has reached it, or it ignores them
  waking,    ///< it was woken and is starting
  awake,     ///< has sent its first REGISTER
  ringing,   ///< has an INVITE
  answered,  ///< 200 sent, no ACK yet
  talking,
  ending,    ///< its BYE waits for an answer
  refused,   ///< 487 sent, no ACK yet
  over,
};

struct caller_leg {
  caller_state state = caller_state::calling;
  bool wants_to_hang_up = false;   ///< a CANCEL before any provisional response is not allowed (RFC 3261 9.1)
  bool cancel_pending = false;     ///< CANCEL sent, its own response outstanding
  bool heard_ringing = false;
  std::uint8_t copies = 0;         ///< datagrams of the request in retransmission
  steady_time request_sent;        ///< of that request's first datagram
  steady_time cancel_sent;
  timer_handle retransmit;
  timer_handle act;
  timer_handle guard;
  std::string to_tag_value;        ///< whole To value of the final response
  std::string remote_target;       ///< Contact of the 2xx
  std::string route_lines;         ///< "Route: ...\r\n" ready to be sent
  endpoint next_hop;
};

struct device_leg {
  device_state state = device_state::asleep;
  bool invited_here = false;       ///< has accepted an INVITE at its present address: does not move any more
  bool says_bye = false;
  std::uint8_t registers_left = 0;
  std::uint8_t move_before = 0xff; ///< the REGISTER of this wake-up before which it changes its address; 0xff = none
  std::uint8_t registers_sent = 0;
  std::uint8_t copies = 0;
  steady_time pushed_at;           ///< the push at the provider
  steady_time registered_from_here;///< first REGISTER of this wake-up from the present address
  steady_time sent;                ///< first datagram of what is in retransmission
  steady_time answered_at;
  timer_handle act;
  timer_handle retransmit;
  timer_handle guard;
  std::string invite_branch;
  std::string response_head;       ///< Via, From, Call-ID and CSeq lines of the INVITE, Record-Route too
  std::string to_line;             ///< "To: ...;tag=...\r\n"
  std::string from_value;
  std::string remote_target;
  std::string route_lines;
  std::string last_response;       ///< repeated for a retransmitted INVITE
  endpoint peer;                   ///< where the INVITE came from
  endpoint next_hop;               ///< for the device's own requests
};

struct live_call {
  call_number call;
  phone_number phone;
  intent meant = intent::answers;
  std::uint16_t generation = 0;
  bool used = false;
  bool lingering = false;
  steady_time invited;
  steady_time deadline;
  nanoseconds talk{0};             ///< from the answer to the BYE
  caller_leg caller;
  device_leg device;
};

/// Slots of calls in progress. Pointers stay valid while the call is live.
class call_table {
 public:
  /// Calls in progress at most; beyond it new ones are not offered, and counted.
  static constexpr std::size_t max_live = 1 << 20;

  explicit call_table(scene& s) : scene_(s) {}
  /// nullptr at the bound.
  live_call* begin(phone_number phone, intent meant);
  void end(live_call& c);
  live_call* at(std::uint32_t slot, std::uint16_t generation);
  live_call* of_phone(phone_number phone);
  live_call* of_call(call_number call);
  std::uint32_t slot_of(const live_call& c) const { return scene_.phones[c.phone.value].live; }
  timer_owner timer(const live_call& c, timer_kind kind) const { return {kind, c.generation, slot_of(c)}; }
  std::size_t size() const { return live_; }

  /// After any change: a call whose both ends are done lingers for stragglers, then ends.
  void settle(live_call& c);
  void on_linger(live_call& c);

 private:
  static bool is_done(const live_call& c);
  scene& scene_;
  std::vector<std::unique_ptr<live_call>> slots_;
  std::vector<std::uint32_t> free_;
  std::size_t live_ = 0;
};

/// Writes Route lines and finds the first hop from Record-Route values (RFC 3261 12.1).
/// @param reversed true for the caller.
enum class route_order : std::uint8_t { as_received, reversed };
std::string route_lines(std::span<const std::string_view> record_routes, route_order order, endpoint& next_hop);

/// A minimal SDP offer or answer, so that bodies travel too.
std::string_view sample_sdp();

}  // namespace reveille::load
