/// Google's token endpoint (PROVIDERS 2.3), without I/O: verifies the service account's assertion, issues access tokens,
/// and knows which are good. Threads: one.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "core/random.hpp"
#include "core/time.hpp"
#include "mock_providers/provider_answer.hpp"
#include "pns/jwt.hpp"

namespace reveille::mock_providers {

struct oauth_mock_config {
  std::string client_email;
  std::vector<std::string> audiences;   ///< the token URLs that an assertion may name
  seconds token_life{3599};
};

class oauth_mock {
 public:
  static constexpr std::size_t max_tokens = 10'000;   ///< issued and not yet forgotten; then the expired ones go, or all

  oauth_mock(oauth_mock_config config, pns::verifying_key key, random_source& random);

  provider_answer answer(const provider_request& request, const instant& now);
  /// @param authorization the header's value.
  bool is_good(std::string_view authorization, const instant& now) const;
  /// Every token issued so far is worthless from now on.
  void revoke_all() { tokens_.clear(); }

 private:
  provider_answer refuse(std::string_view error, std::string_view description) const;
  oauth_mock_config config_;
  pns::verifying_key key_;
  random_source& random_;
  std::unordered_map<std::string, steady_time> tokens_;   ///< whole header value -> end
};

}  // namespace reveille::mock_providers
