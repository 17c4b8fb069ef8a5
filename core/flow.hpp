/// Where bytes come from and go to.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace reveille {

/// An IP address and port. IPv4 is kept as itself (first four octets), not mapped.
struct endpoint {
  std::array<std::uint8_t, 16> address{};
  std::uint16_t port = 0;
  bool v6 = false;

  auto operator<=>(const endpoint&) const = default;
  bool empty() const { return port == 0; }
  std::string address_text() const;  ///< "127.0.0.1" or "2001:db8::1", no brackets
  std::string text() const;          ///< "127.0.0.1:5060" or "[2001:db8::1]:5060"
};

/// Parses "1.2.3.4:5060", "[2001:db8::1]:5060"; nothing else, no names.
result<endpoint> parse_endpoint(std::string_view text);
/// Parses an address literal with or without brackets.
std::optional<endpoint> parse_address(std::string_view address, std::uint16_t port);

enum class transport : std::uint8_t { udp, tcp, tls, ws, wss };

/// One transport association with a UA (RFC 5626). For UDP the pair of addresses is all there is;
/// for the others `connection` names the connection within its shard (0 = none, open one).
struct flow {
  endpoint remote;
  endpoint local;                    ///< our side: which listening socket it came by
  std::uint64_t connection = 0;
  transport kind = transport::udp;

  auto operator<=>(const flow&) const = default;
};

}  // namespace reveille
