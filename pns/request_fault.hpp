/// Why no request can be made of a push order, for any push service.
#pragma once

#include <cstdint>
#include <string_view>

namespace reveille::pns {

/// Why an order makes no request; each is counted with its name.
enum class request_fault : std::uint8_t {
  no_token,                ///< the device has no token of a service that takes this content
  voip_token_skipped,      ///< missed calls and only a voip token: `missed_calls_on_voip_token = skip`
  too_large,               ///< the body does not fit, even without display names
  no_template,             ///< the app's profile has no body for this service
};
std::string_view name_of(request_fault f);

}  // namespace reveille::pns
