/// How the mocks behave, faults aside. Plain data; every flag of reveille-mock ends here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/time.hpp"
#include "mock_providers/delivery/delay_distribution.hpp"
#include "mock_providers/delivery/device_table.hpp"

namespace reveille::mock_providers {

struct behaviour {
  delay_distribution delivery{milliseconds(300), milliseconds(1500), 0};  ///< from acceptance to the device
  delay_distribution low_priority;            ///< added to `delivery` for APNs' priorities 5 and 1, FCM's NORMAL
  delay_distribution answer;                  ///< from request to answer; none by default
  std::uint32_t apns_max_streams = 1000;      ///< after the first accepted push (seen of Apple: 500 to 1500)
  bool lower_streams_on_refusal = false;      ///< back to 1 after a 4xx that is no 410, as Apple was seen doing
  std::uint32_t google_max_streams = 100;     ///< Google's front end
  nanoseconds google_ping_interval = seconds(300);  ///< see ping_guard.hpp; 0 = as many PINGs as they like
  nanoseconds google_idle_limit{0};           ///< without a request: GOAWAY session_timed_out; 0 = never
  std::uint32_t apns_per_device_per_minute = 0;
  std::uint32_t fcm_per_minute = 0;
  std::uint32_t fcm_per_device_per_minute = 0;
  bool token_update_limit = true;
  std::string legacy_key;                     ///< "" = no legacy API
  seconds access_token_life{3599};
  unknown_tokens unknown = unknown_tokens::alive;
  std::size_t record_limit = 4096;            ///< pushes kept for those who ask; 0 = none
  std::size_t ledger_limit = 4'000'000;       ///< pushes whose acceptances are counted, 17 to 34 octets each; 0 = none
};

}  // namespace reveille::mock_providers
