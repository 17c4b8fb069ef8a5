#include "core/flow.hpp"

#include <arpa/inet.h>

#include <charconv>
#include <cstring>

namespace reveille {

std::string endpoint::address_text() const {
  char buffer[INET6_ADDRSTRLEN];
  ::inet_ntop(v6 ? AF_INET6 : AF_INET, address.data(), buffer, sizeof buffer);
  return buffer;
}

std::string endpoint::text() const {
  const std::string host = v6 ? "[" + address_text() + "]" : address_text();
  return host + ":" + std::to_string(port);
}

std::optional<endpoint> parse_address(std::string_view text, std::uint16_t port) {
  if (text.size() > 2 && text.front() == '[' && text.back() == ']') text = text.substr(1, text.size() - 2);
  if (text.empty() || text.size() >= INET6_ADDRSTRLEN) return std::nullopt;
  char buffer[INET6_ADDRSTRLEN];
  std::memcpy(buffer, text.data(), text.size());
  buffer[text.size()] = '\0';
  endpoint out;
  out.port = port;
  if (::inet_pton(AF_INET, buffer, out.address.data()) == 1) return out;
  out.v6 = true;
  if (::inet_pton(AF_INET6, buffer, out.address.data()) == 1) return out;
  return std::nullopt;
}

result<endpoint> parse_endpoint(std::string_view text) {
  const std::string shown(text);
  const auto colon = text.rfind(':');
  const bool bare_v6 = !text.empty() && text.front() != '[' && text.find(':') != colon;
  if (colon == std::string_view::npos || bare_v6) {
    return failure("'" + shown + "' is not ADDRESS:PORT");
  }
  const std::string_view digits = text.substr(colon + 1);
  unsigned port = 0;
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (ec != std::errc{} || end != digits.data() + digits.size() || digits.empty() || port > 65535) {
    return failure("'" + shown + "' has no port between 0 and 65535");
  }
  const auto parsed = parse_address(text.substr(0, colon), static_cast<std::uint16_t>(port));
  if (!parsed) return failure("'" + shown + "' has no IPv4 or bracketed IPv6 address");
  return *parsed;
}

}  // namespace reveille
