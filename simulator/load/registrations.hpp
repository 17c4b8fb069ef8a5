/// REGISTER client transactions of all phones (RFC 3261 17.1.2: timers E and F), with a bounded number in flight.
#pragma once

#include <cstdint>
#include <vector>

#include "simulator/load/scene.hpp"
#include "simulator/load/sip_text.hpp"

namespace reveille::load {

/// Why a phone registers.
enum class register_reason : std::uint8_t { first, wake, come_back };

class registrations {
 public:
  /// More transactions than this are refused and counted: the engine has been silent for a long time.
  static constexpr std::size_t max_transactions = 262'144;
  /// Attempts after 5xx answers or silence before a phone gives up.
  static constexpr std::uint8_t max_attempts = 10;

  class listener {
   public:
    virtual ~listener() = default;
    /// The REGISTER first sent at `sent` got its 2xx.
    virtual void registered(phone_number phone, register_reason why, steady_time sent) = 0;
    virtual void gave_up(phone_number phone, register_reason why) = 0;
    /// A datagram had to be sent again, or the engine refused: it, or the path to it, is full.
    virtual void congested() = 0;
  };

  registrations(scene& s, listener& hears) : scene_(s), listener_(hears) {}

  /// Sends the phone's next REGISTER from its present socket.
  void start(phone_number phone, register_reason why);
  void on_response(const branch_name& branch, const sip_text& response);
  void on_timer(const timer_owner& timer);
  std::size_t in_flight() const { return in_flight_; }
  std::uint64_t refused_to_start() const { return overflow_; }

 private:
  struct transaction {
    steady_time sent;           ///< the first datagram of this attempt
    timer_handle timer;
    std::uint32_t phone = phone::none;
    std::uint32_t cseq = 0;
    std::uint16_t generation = 0;
    std::uint16_t socket = 0;
    std::uint8_t attempts = 0;
    std::uint8_t copies = 0;    ///< datagrams of this attempt; 0 = waiting to try again
    register_reason why = register_reason::first;
  };

  void begin_attempt(std::uint32_t slot);
  void send(std::uint32_t slot);
  void release(std::uint32_t slot);
  void try_again_or_give_up(std::uint32_t slot, nanoseconds wait);

  scene& scene_;
  listener& listener_;
  std::vector<transaction> transactions_;
  std::vector<std::uint32_t> free_;
  std::size_t in_flight_ = 0;
  std::uint64_t overflow_ = 0;
};

}  // namespace reveille::load
