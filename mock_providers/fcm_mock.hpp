/// FCM as strict as Google's, without I/O: HTTP v1 (PROVIDERS 2.1, 2.2) and the legacy endpoint of on-premises gateways
/// (PROVIDERS 3). Threads: one.
#pragma once

#include <string>
#include <string_view>

#include "core/random.hpp"
#include "core/time.hpp"
#include "mock_providers/device_table.hpp"
#include "mock_providers/dispatcher.hpp"
#include "mock_providers/oauth_mock.hpp"
#include "mock_providers/provider_answer.hpp"

namespace reveille::mock_providers {

struct fcm_mock_config {
  std::string project = "reveille-mock";
  std::string legacy_key;                    ///< of `Authorization: key=...`; "" = the legacy API is shut, as Google's
  std::uint32_t per_minute = 0;              ///< 429 QUOTA_EXCEEDED above it, for the whole project; 0 = no limit
};

class fcm_mock {
 public:
  /// @param tokens says which access tokens are good; outlives the mock, as does `devices`.
  fcm_mock(fcm_mock_config config, const oauth_mock& tokens, const device_table& devices, random_source& random);

  /// POST /v1/projects/<project>/messages:send. `out` is filled as far as the request could be read; it is to be
  /// dispatched only if the answer is `accepted`, and not when `validate_only` was asked for (then out.token is empty).
  provider_answer answer(const provider_request& request, const instant& now, notification& out);
  /// POST /fcm/send.
  provider_answer answer_legacy(const provider_request& request, const instant& now, notification& out);

 private:
  bool over_quota(const instant& now);
  std::string new_message_id(const instant& now);
  fcm_mock_config config_;
  const oauth_mock& tokens_;
  const device_table& devices_;
  random_source& random_;
  steady_time minute_{};
  std::uint32_t in_minute_ = 0;
};

}  // namespace reveille::mock_providers
