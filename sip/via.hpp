/// One Via element (RFC 3261 20.42, RFC 3581). Views point into the text it was parsed from.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/result.hpp"
#include "sip/uri.hpp"

namespace reveille::sip {

struct via_view {
  std::string_view protocol;   ///< "SIP/2.0", with the blanks it may hold
  std::string_view transport;  ///< "UDP"
  std::string_view host;       ///< sent-by; IPv6 with its brackets
  std::uint16_t port = 0;      ///< 0 = default
  std::string_view branch;     ///< "" in RFC 2543 messages
  std::optional<std::string_view> rport;
  std::optional<std::string_view> received;
  params_view params;
  std::string_view text;       ///< the whole element
};

/// One element, no comma list. Strict.
result<via_view> parse_via(std::string_view text);

}  // namespace reveille::sip
