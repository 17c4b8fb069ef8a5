/// Timer values of the transaction layer (RFC 3261 17 and table 4, RFC 6026 8.13).
#pragma once

#include <algorithm>

#include "core/flow.hpp"
#include "core/time.hpp"

namespace reveille::sip {

struct transaction_timing {
  milliseconds t1{500};    ///< round-trip estimate; every other value follows from it
  milliseconds t2{4000};   ///< cap of the retransmission interval of non-INVITE requests and INVITE responses
  milliseconds t4{5000};   ///< longest life of a message in the network
  milliseconds timer_b{};  ///< INVITE and, as timer F, non-INVITE transaction timeout; 0 = 64*T1
  milliseconds timer_d{32000};  ///< RFC 3261 17.1.1.2: at least 32 s over UDP

  milliseconds timeout() const { return timer_b.count() != 0 ? timer_b : 64 * t1; }  ///< timers B, F
  milliseconds long_wait() const { return 64 * t1; }                                ///< timers H, J, L, M
  /// SPEC 10a.1: how long what was refused to a stranger waits for its ACK; Timer G repeats it at T1, 3*T1 and 7*T1.
  milliseconds wait_refused() const { return 8 * t1; }
  /// SPEC 10a.3: an interval of timers A and E that a peer which has never answered does not get any more ...
  milliseconds unheard_interval() const { return 8 * t1; }
  /// ... and when nobody waits for it any longer: as long as that interval after the last of the four requests.
  milliseconds unheard_timeout() const { return std::min(15 * t1, timeout()); }
  milliseconds doubled(milliseconds interval) const { return std::min(2 * interval, t2); }

  // Over a reliable transport nothing is repeated, so nothing must be waited for.
  milliseconds wait_d(transport kind) const { return reliable(kind) ? milliseconds{0} : timer_d; }
  milliseconds wait_i(transport kind) const { return reliable(kind) ? milliseconds{0} : t4; }
  milliseconds wait_j(transport kind) const { return reliable(kind) ? milliseconds{0} : long_wait(); }
  milliseconds wait_k(transport kind) const { return reliable(kind) ? milliseconds{0} : t4; }

  static bool reliable(transport kind) { return kind != transport::udp; }
  bool operator==(const transaction_timing&) const = default;
};

}  // namespace reveille::sip
