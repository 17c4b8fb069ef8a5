/// APNs as strict as Apple's, without I/O: a request in, an answer out (PROVIDERS 1.1 to 1.6).
///
/// Checked in the order of pushy's mock: apns-id, method, topic, collapse id, priority, push type, expiration, path and
/// token, authorization (a client certificate instead, where there is one), empty body, size. Where Apple documents no word for a mistake, the comment in the .cpp says
/// which one was chosen. Threads: one.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/random.hpp"
#include "core/time.hpp"
#include "mock_providers/accounts/accounts.hpp"
#include "mock_providers/accounts/client_certificate.hpp"
#include "mock_providers/delivery/device_table.hpp"
#include "mock_providers/delivery/dispatcher.hpp"
#include "mock_providers/requests/provider_answer.hpp"
#include "mock_providers/requests/rate_limits.hpp"
#include "pns/jwt.hpp"

namespace reveille::mock_providers {

struct apns_mock_config {
  std::uint32_t per_device_per_minute = 0;  ///< 429 TooManyRequests above it; 0 = no limit
  bool token_update_limit = true;           ///< 429 TooManyProviderTokenUpdates for new tokens within 20 min on a connection
};

/// What one connection has bound itself to.
struct apns_connection {
  std::optional<client_certificate> certificate;   ///< that the client showed; then no token is looked at
  std::string key_id;            ///< of the first good token; "" before
  std::string team_id;
  std::string authorization;     ///< the last good one, whole
  std::vector<std::string> bundles;  ///< that its key is good for; empty = any
  wall_time issued;              ///< its iat
  steady_time first_seen;        ///< of that token on this connection
  bool token_expired = false;    ///< refused for age once: nothing on this connection is accepted any more
};

class apns_mock {
 public:
  /// @param environment apns or apns_dev.
  apns_mock(pns::provider environment, const apns_mock_config& config, const device_table& devices, random_source& random);

  /// Replaces the teams and their keys. Keys whose PEM is unusable are left out (accounts::parse has checked them).
  void use(const std::vector<apns_team_account>& teams);

  /// @param out filled when the answer is `accepted`.
  provider_answer answer(apns_connection& connection, const provider_request& request, const instant& now,
                         notification& out);
  std::string new_id();
  const rate_limits& device_limits() const { return device_limits_; }

 private:
  struct parsed;
  struct signing_key_of_team {
    std::string key_id, team_id;
    key_scope scope;
    std::vector<std::string> bundles;         ///< that the key is good for; empty = any
    pns::verifying_key key;
  };
  struct verified_token {
    const signing_key_of_team* key = nullptr;  ///< nullptr = bad
    wall_time issued;
  };
  struct fault;
  std::optional<fault> check_headers(const apns_connection& connection, const provider_request& request, parsed& p) const;
  std::optional<fault> check_certificate(const client_certificate& certificate, const parsed& p) const;
  std::optional<fault> check_device(const provider_request& request, parsed& p) const;
  std::optional<fault> check_authorization(apns_connection& connection, const parsed& p, const instant& now);
  std::optional<fault> check_body(const provider_request& request, const parsed& p) const;
  std::optional<fault> check_rate(const parsed& p, const instant& now);
  const verified_token& verify(const std::string& jwt);

  pns::provider environment_;
  apns_mock_config config_;
  const device_table& devices_;
  random_source& random_;
  std::vector<signing_key_of_team> keys_;
  std::unordered_map<std::string, verified_token> verified_;  ///< a signature check costs 60 us, a token comes 50,000 times
  rate_limits device_limits_;
};

}  // namespace reveille::mock_providers
