/// Reads what a phone finds in a push: profiles `ecss10` and `native`, as APNs and FCM deliver them (SPEC 5).
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/time.hpp"

namespace reveille::load {

/// A push at its device, as the mock providers tell it.
struct push_seen {
  std::string token;
  std::string id;           ///< apns-id: the same for a repeat; FCM's message id never is
  bool fcm = false;
  std::string payload;
  steady_time at_provider;  ///< when the provider accepted it
};

struct invite_payload {
  std::string number;       ///< "" where the payload names no caller (FCM, ecss10)
};
struct missed_calls_payload {
  std::vector<std::string> callers;  ///< remote_uri of each call
};
struct unknown_payload {};
using push_payload = std::variant<invite_payload, missed_calls_payload, unknown_payload>;

/// Never throws; anything unexpected is unknown_payload.
push_payload read_push_payload(std::string_view json);

}  // namespace reveille::load
