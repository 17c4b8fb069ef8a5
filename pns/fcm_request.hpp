/// One push as FCM wants it (PROVIDERS 2.1, 3): HTTP v1, and the legacy API of on-premises gateways.
#pragma once

#include <string>

#include "core/result.hpp"
#include "core/time.hpp"
#include "pns/apns_request.hpp"
#include "pns/payload.hpp"
#include "pns/push_order.hpp"

namespace reveille::pns {

/// One Firebase project. Outlives the calls that use it.
struct fcm_app {
  std::string project;                      ///< HTTP v1: part of the path
  const payload_profile* profile = nullptr;
};

/// Reused from push to push. `authorization` is the connection's; content-type is application/json.
struct fcm_request {
  std::string path;
  std::string body;
  const push_token* token = nullptr;  ///< points into the order
};

/// POST /v1/projects/<project>/messages:send. No allocation once `out` has grown. On a fault `out` is unspecified.
result<void, request_fault> make_fcm_request(const push_order& order, const fcm_app& app, wall_time now,
                                             fcm_request& out);
/// POST /fcm/send.
result<void, request_fault> make_fcm_legacy_request(const push_order& order, const fcm_app& app, wall_time now,
                                                    fcm_request& out);

}  // namespace reveille::pns
