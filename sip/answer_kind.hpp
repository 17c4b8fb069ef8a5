/// Where a response of the TU comes from; it decides what its server transaction owes the sender (SPEC 10a.1).
#pragma once

#include <cstdint>

namespace reveille::sip {

enum class answer_kind : std::uint8_t {
  decided,   ///< of us, after devices were asked
  refused,   ///< of us at once: nobody was asked, a repetition may be answered anew
  of_phone,  ///< passed on: a ringing or 2xx shows that phones answer this sender
};

}  // namespace reveille::sip
