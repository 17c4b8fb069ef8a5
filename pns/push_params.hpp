/// Push parameters of a Contact (RFC 8599 4.1, SPEC 2.1 and 2.2, PROVIDERS 4.1), parsed into whom to wake.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.hpp"
#include "core/result.hpp"
#include "sip/uri.hpp"

namespace reveille::pns {

/// A push notification service. `firebase` is an alias of fcm and never stored.
enum class provider : std::uint8_t { apns, apns_dev, fcm };
inline constexpr std::size_t provider_count = 3;
std::string_view name_of(provider p);                          ///< "apns", "apns.dev", "fcm"
std::optional<provider> provider_of(std::string_view name);    ///< without regard to case; aliases too

/// What a token of an Apple device is good for. FCM tokens are always `plain`.
enum class token_service : std::uint8_t { plain, voip };

struct push_token {
  prid value;
  token_service service = token_service::plain;
  bool operator==(const push_token&) const = default;
};

/// Whom to wake: one device, with one token, or Linphone's two (SPEC 2.2).
struct push_target {
  pns::provider provider = provider::apns;
  std::string team;        ///< Apple team id; "" when pn-param did not parse: the provider's default app applies
  std::string app;         ///< bundle id without service, or Firebase project id; "" as above
  std::vector<push_token> tokens;
  bool operator==(const push_target&) const = default;

  const push_token* token_for(token_service wanted) const {
    for (const push_token& t : tokens) {
      if (t.service == wanted) return &t;
    }
    return nullptr;
  }
};

/// The three parameters as the device sent them: values %-decoded, provider name as sent (for Feature-Caps).
struct push_params {
  std::string provider;   ///< "" with provider_present: the query for all (RFC 8599 4.1)
  std::string prid;
  std::string param;      ///< pn-param or pn-params
  bool provider_present = false;
};

/// Reads pn-provider, pn-prid, pn-param(s) from URI and header parameters of one Contact, names without regard to
/// case; the URI's win. nullopt when there is no pn-provider at all.
std::optional<push_params> read_push_params(const sip::params_view& uri_params, const sip::params_view& header_params);

/// Why parameters make no push binding.
enum class push_params_fault : std::uint8_t { query, unknown_provider, bad_prid, prid_too_long };

/// Whether the parameters make a push binding, and with whom: parse_push_target() without the target.
result<provider, push_params_fault> check_push_target(const push_params& params);

/// Valid = a known provider and a non-empty prid in that provider's alphabet within 4 KB (SPEC 2.1). A pn-param that
/// does not parse is no fault. Whether the provider is enabled is the caller's to know.
result<push_target, push_params_fault> parse_push_target(const push_params& params);

/// True for pn-* and the legacy Linphone names: what is never shown to others (SPEC 2.4).
bool is_push_param(std::string_view name);

}  // namespace reveille::pns
