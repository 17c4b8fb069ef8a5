/// What an APNs provider certificate allows (PROVIDERS 1.4), read from the certificate that a client showed. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reveille::mock_providers {

struct client_certificate {
  std::string bundle;               ///< subject UID: the default topic; "" = none, which no push is accepted with
  std::vector<std::string> topics;  ///< that it may push to; the bundle id is one of them
  bool production = false;
  bool sandbox = false;

  bool allows(std::string_view topic) const;
};

/// @param der as tls_connection::peer_certificate() gives it. nullopt when it is no certificate.
std::optional<client_certificate> read_client_certificate(std::string_view der);

}  // namespace reveille::mock_providers
