/// FCM as strict as Google's, without I/O: HTTP v1 (PROVIDERS 2.1, 2.2) and the legacy endpoint of on-premises gateways
/// (PROVIDERS 3). Threads: one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/random.hpp"
#include "core/time.hpp"
#include "mock_providers/accounts/accounts.hpp"
#include "mock_providers/delivery/device_table.hpp"
#include "mock_providers/delivery/dispatcher.hpp"
#include "mock_providers/fcm/oauth_mock.hpp"
#include "mock_providers/requests/provider_answer.hpp"
#include "mock_providers/requests/rate_limits.hpp"

namespace reveille::mock_providers {

struct fcm_mock_config {
  std::uint32_t per_minute = 0;              ///< 429 QUOTA_EXCEEDED above it, for each project; 0 = no limit
  std::uint32_t per_device_per_minute = 0;   ///< the same for each device (Google's: 240)
};

class fcm_mock {
 public:
  static constexpr std::size_t max_registration_ids = 1000;

  /// @param tokens says which access tokens are good; outlives the mock, as does `devices`.
  fcm_mock(const fcm_mock_config& config, const oauth_mock& tokens, const device_table& devices, random_source& random);

  void use(const std::vector<fcm_project_account>& projects) { projects_ = projects; }

  /// POST /v1/projects/<project>/messages:send. `out` is filled as far as the request could be read; it is to be
  /// dispatched only if the answer is `accepted`, and not when `validate_only` was asked for (then out.token is empty).
  provider_answer answer(const provider_request& request, const instant& now, notification& out);

  const rate_limits& project_limits() const { return project_limits_; }
  const rate_limits& device_limits() const { return device_limits_; }

  /// One message of a legacy request.
  struct legacy_message {
    notification what;       ///< token "" = to nobody: a topic, or dry_run
    std::string error;       ///< the legacy word, "" = accepted
  };
  /// POST /fcm/send. @param out one for each token that was asked for; empty when the request as a whole was refused.
  provider_answer answer_legacy(const provider_request& request, const instant& now, std::vector<legacy_message>& out);

 private:
  struct legacy_request;
  const fcm_project_account* project_of(std::string_view name_or_number) const;
  std::optional<provider_answer> over_quota(const fcm_project_account& project, std::string_view token, const instant& now);
  std::string new_message_id(const instant& now);
  provider_answer read_legacy(const provider_request& request, const fcm_project_account& project, const instant& now,
                              legacy_request& out) const;
  /// @param canonical the token that should be used instead, or "".
  std::string judge_legacy(const fcm_project_account& project, const std::string& token, const instant& now,
                           std::string& canonical);

  const oauth_mock& tokens_;
  const device_table& devices_;
  random_source& random_;
  std::vector<fcm_project_account> projects_;
  rate_limits project_limits_;
  rate_limits device_limits_;
};

/// What Google's front end says to paths and methods that nobody serves: HTML, no JSON.
provider_answer not_found_page();

}  // namespace reveille::mock_providers
