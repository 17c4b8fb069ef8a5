/// One push as APNs wants it (PROVIDERS 1.1, 1.2; SPEC 5): which token, which headers, which body.
#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"
#include "core/time.hpp"
#include "pns/payload.hpp"
#include "pns/push_order.hpp"
#include "pns/request_fault.hpp"

namespace reveille::pns {

/// One iOS app. Outlives the calls that use it.
struct apns_app {
  std::string bundle;                       ///< topic without suffix
  const payload_profile* profile = nullptr;
  missed_calls_on_voip_token on_voip_token = missed_calls_on_voip_token::skip;
};

/// Header values and body, reused from push to push. Names: `:path`, apns-topic, apns-push-type, apns-priority,
/// apns-expiration, apns-id, apns-collapse-id (none when empty). `authorization` is the connection's.
struct apns_request {
  std::string path;
  std::string topic;
  std::string_view push_type;   ///< static text
  std::string_view priority;    ///< static text
  std::string expiration;       ///< absolute Unix seconds
  std::string id;               ///< canonical UUID, the same for every attempt of this order
  std::string collapse_id;
  std::string body;
  const push_token* token = nullptr;  ///< the one chosen; points into the order
};

/// Fills `out`; no allocation once its strings have grown. On a fault `out` is unspecified.
result<void, request_fault> make_apns_request(const push_order& order, const apns_app& app, wall_time now,
                                              apns_request& out);

/// Version 5 form of a hash over subscriber, token, call and collapse id: a repeat after an ambiguous loss carries the
/// same apns-id, in this process and the next.
void write_apns_id(const push_order& order, std::string& out);

}  // namespace reveille::pns
