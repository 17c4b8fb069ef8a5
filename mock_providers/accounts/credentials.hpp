/// Throw-away keys and certificates for the mocks: what Apple, Google and a certificate authority would have given out.
/// They authenticate nothing outside the directory that they are written to.
#pragma once

#include <cstdint>
#include <string>

#include "core/result.hpp"
#include "core/time.hpp"

namespace reveille::mock_providers {

struct identity {
  std::string team_id = "DEF123GHIJ";
  std::string key_id = "ABC123DEFG";
  std::string bundle = "com.example.phone";
  std::string project = "reveille-mock";
  std::string project_number = "100000000001";
  std::string client_email = "pusher@reveille-mock.iam.gserviceaccount.com";
  std::string private_key_id = "0123456789abcdef0123456789abcdef01234567";
};

struct credentials {
  std::string ca_pem;               ///< the authority that signed the server's certificate
  std::string server_pem;           ///< for localhost, 127.0.0.1, ::1 and the real providers' names
  std::string server_key_pem;
  std::string apns_key_pem;         ///< .p8: ES256
  std::string google_key_pem;       ///< of the service account: RS256
  std::string ca_key_pem;           ///< the authority's own: for certificates of another life

  /// Takes some 0.2 s, for the RSA key. Errors are OpenSSL's.
  static result<credentials> generate();
};

struct certificate_pair {
  std::string certificate_pem;
  std::string private_key_pem;
};

/// A server certificate for the names of `credentials::server_pem`, of the same authority.
/// @param ends may lie in the past.
result<certificate_pair> issue_server_certificate(const credentials& keys, wall_time ends);

/// An APNs provider certificate (PROVIDERS 1.4) for a bundle id, its .voip and .complication topics.
/// @param bundle "" = a certificate that says nothing of any app.
enum class certificate_scope : std::uint8_t { universal, production, sandbox };
result<certificate_pair> issue_provider_certificate(const credentials& keys, const std::string& bundle,
                                                    certificate_scope scope);

/// Private keys in PEM: ES256 as Apple gives out, RS256 as Google does.
result<std::string> make_apns_key();
result<std::string> make_google_key();

/// Google's JSON file, with the mock's token endpoint.
std::string service_account_json(const identity& who, const credentials& keys, const std::string& token_uri);

}  // namespace reveille::mock_providers
