/// Google's token endpoint (PROVIDERS 2.3), without I/O: verifies a service account's assertion, issues access tokens,
/// and knows which are good for which project. Threads: one.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/random.hpp"
#include "core/time.hpp"
#include "mock_providers/accounts/accounts.hpp"
#include "mock_providers/requests/provider_answer.hpp"
#include "pns/jwt.hpp"

namespace reveille::mock_providers {

struct oauth_mock_config {
  std::vector<std::string> audiences;   ///< the token URLs that an assertion may name
  seconds token_life{3599};
};

class oauth_mock {
 public:
  static constexpr std::size_t max_tokens = 10'000;   ///< issued and not yet forgotten; then the expired ones go, or all

  oauth_mock(oauth_mock_config config, random_source& random) : config_(std::move(config)), random_(random) {}

  /// Replaces the service accounts; tokens that were issued stay good.
  void use(const std::vector<fcm_project_account>& projects);

  provider_answer answer(const provider_request& request, const instant& now);
  /// @param authorization the header's value. @return the project that it is good for, or nullptr.
  const std::string* project_of(std::string_view authorization, const instant& now) const;
  /// Every token issued so far is worthless from now on.
  void revoke_all() { tokens_.clear(); }

 private:
  struct service_account {
    std::string client_email, project;
    pns::verifying_key key;
  };
  struct issued_token {
    steady_time end;
    std::string project;
  };
  struct hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  provider_answer refuse(std::string_view error, std::string_view description) const;
  provider_answer issue(const std::string& project, const instant& now);

  oauth_mock_config config_;
  random_source& random_;
  std::vector<service_account> accounts_;
  std::unordered_map<std::string, issued_token, hash, std::equal_to<>> tokens_;   ///< by the whole header value
};

}  // namespace reveille::mock_providers
