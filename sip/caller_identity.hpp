/// Who calls, as a push tells it (SPEC 3.7, RFC 3323, RFC 3325).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sip/message.hpp"

namespace reveille::sip {

/// Whether P-Asserted-Identity may be believed (RFC 3325 5: only from inside the trust domain).
enum class asserted_identity : std::uint8_t { ignore, believe };

struct caller_identity {
  std::string number;        ///< "103" when its domain is the callee's, "103@example.net" else; or "anonymous"
  std::string display_name;  ///< without quotes and escapes, always valid UTF-8; "" when none or anonymous
  bool operator==(const caller_identity&) const = default;
};

/// @param callee_domain host of the callee's address-of-record.
caller_identity caller_identity_of(const message& request, asserted_identity trust, std::string_view callee_domain);

}  // namespace reveille::sip
