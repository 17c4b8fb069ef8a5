/// endpoint <-> sockaddr. Any thread.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

#include "core/flow.hpp"

namespace reveille {

/// @return the length to give to the kernel.
inline socklen_t to_sockaddr(const endpoint& from, sockaddr_storage& to) {
  if (!from.v6) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(to);
    v4 = {};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(from.port);
    std::memcpy(&v4.sin_addr, from.address.data(), sizeof v4.sin_addr);
    return sizeof v4;
  }
  auto& v6 = reinterpret_cast<sockaddr_in6&>(to);
  v6 = {};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(from.port);
  std::memcpy(&v6.sin6_addr, from.address.data(), sizeof v6.sin6_addr);
  return sizeof v6;
}

/// An empty endpoint for any other family.
inline endpoint from_sockaddr(const sockaddr_storage& from) {
  endpoint out;
  if (from.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(from);
    std::memcpy(out.address.data(), &v4.sin_addr, sizeof v4.sin_addr);
    out.port = ntohs(v4.sin_port);
  } else if (from.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(from);
    std::memcpy(out.address.data(), &v6.sin6_addr, sizeof v6.sin6_addr);
    out.port = ntohs(v6.sin6_port);
    out.v6 = true;
  }
  return out;
}

}  // namespace reveille
