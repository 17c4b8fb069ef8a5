/// What all actors of a run share: time, randomness, the network, the phones, the judge. One thread's.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/flow.hpp"
#include "core/buckets.hpp"
#include "core/random.hpp"
#include "core/slots.hpp"
#include "core/time.hpp"
#include "core/timer_wheel.hpp"
#include "simulator/load/call_truth.hpp"
#include "simulator/load/options.hpp"
#include "simulator/load/phone_book.hpp"
#include "simulator/load/sip_text.hpp"
#include "simulator/report/run_report.hpp"

namespace reveille::load {

/// Port: the UDP sockets. The first `options.sockets` are the phones', the others the callers'.
class datagram_port {
 public:
  virtual ~datagram_port() = default;
  virtual std::size_t size() const = 0;
  virtual endpoint local(std::uint16_t socket) const = 0;
  /// Never blocks for long and never fails visibly: UDP may lose. `bytes` are copied or sent before it returns.
  virtual void send(std::uint16_t socket, const endpoint& to, std::string_view bytes) = 0;
};

/// Timer values of RFC 3261 (17.1.1.1, table 4).
inline constexpr nanoseconds t1 = milliseconds(500);
inline constexpr nanoseconds t2 = seconds(4);
inline constexpr nanoseconds transaction_timeout = 64 * t1;  ///< timers B, F and H

/// Whose a timer is: packed into the wheel's payload.
enum class timer_kind : std::uint8_t {
  register_retransmit,  ///< timers E and F of a REGISTER, or the wait for its next attempt
  caller_retransmit,    ///< A, B and E, F of INVITE, CANCEL, BYE
  caller_act,           ///< the caller hangs up, or says BYE
  caller_guard,         ///< no final response came
  device_act,           ///< the phone wakes, registers again, answers, says BYE
  device_retransmit,    ///< its final response until the ACK; its BYE
  device_guard,         ///< nothing came where something had to
  call_linger,          ///< a call that is over waits for stragglers
};
struct timer_owner {
  timer_kind kind;
  std::uint16_t generation;
  std::uint32_t slot;
};
constexpr std::uint64_t pack(timer_owner t) {
  return std::uint64_t{static_cast<std::uint8_t>(t.kind)} << 56 | std::uint64_t{t.generation} << 32 | t.slot;
}
constexpr timer_owner unpack(std::uint64_t payload) {
  return {static_cast<timer_kind>(payload >> 56), static_cast<std::uint16_t>(payload >> 32),
          static_cast<std::uint32_t>(payload)};
}

/// What a branch of ours says about the transaction it names: `z9hG4bK<tag><kind><number>.<generation>`.
struct branch_name {
  char kind = 0;  ///< r REGISTER, i INVITE and CANCEL, a ACK of a 2xx, b BYE of the caller, d BYE of the device
  std::uint32_t number = 0;
  std::uint32_t generation = 0;
};

/// The stages once more, for /metrics: readable from another thread.
using stage_slots = std::array<histogram_slot, report::stage_count>;

struct scene {
  scene(const load_options& given, std::string tag, datagram_port& sockets, random_source& source, steady_time start);

  const load_options& options;
  identities names;
  std::vector<phone> phones;
  datagram_port& net;
  random_source& random;
  timer_wheel wheel;
  steady_time now;
  call_truth truth;
  std::array<report::histogram, report::stage_count> stages;
  stage_slots slots{histogram_slot(buckets::fast), histogram_slot(buckets::push), histogram_slot(buckets::wake),
                    histogram_slot(buckets::fast), histogram_slot(buckets::post_dial), histogram_slot(buckets::fast),
                    histogram_slot(buckets::fast)};  ///< in the order of report::stage
  report::registration_counts registrations;
  report::push_counts pushes;
  std::uint64_t unreadable = 0;       ///< datagrams that are no SIP or nobody's
  std::uint64_t at_old_address = 0;   ///< datagrams to an address that its phone has left
  std::string buffer;                 ///< the message under construction

  void measure(report::stage which, steady_time from) {
    stages[report::index_of(which)].add(now - from);
    slots[report::index_of(which)].observe(std::chrono::duration<double>(now - from).count());
  }
  std::uint16_t caller_socket(call_number call) const {
    return static_cast<std::uint16_t>(options.sockets + call.value % options.caller_sockets);
  }
  const std::string& local_text(std::uint16_t socket) const { return local_texts_[socket]; }
  timer_handle after(nanoseconds wait, timer_owner owner) { return wheel.schedule(now + wait, pack(owner)); }

  void append_branch(std::string& out, branch_name branch) const;
  /// nullopt: not ours.
  std::optional<branch_name> read_branch(std::string_view branch) const;

 private:
  std::vector<std::string> local_texts_;
};

void append_number(std::string& out, std::uint64_t value);
/// Header lines that a response copies from its request (RFC 3261 8.2.6.2), all but To, which may want a tag.
void append_copied_headers(std::string& out, const sip_text& request);

}  // namespace reveille::load
