#include "tests/hostile/udp_source.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

namespace reveille::hostile {

sockaddr_in loopback_address(std::string_view text) {
  sockaddr_in out{};
  const std::string all(text);
  const std::size_t colon = all.rfind(':');
  out.sin_family = AF_INET;
  out.sin_port = htons(static_cast<std::uint16_t>(colon == all.npos ? 0 : std::atoi(all.c_str() + colon + 1)));
  if (!all.starts_with("127.") || ::inet_pton(AF_INET, all.substr(0, colon).c_str(), &out.sin_addr) != 1) {
    throw std::runtime_error("no loopback address: " + all);
  }
  return out;
}

udp_source::udp_source(const std::string& address, const sockaddr_in& engine)
    : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)), engine_(engine), buffer_(65536, '\0') {
  sockaddr_in own = loopback_address(address + ":0");
  // More than the kernel's usual bound is for root alone; with less, some answers may go uncounted.
  if (::setsockopt(socket_, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_octets, sizeof buffer_octets) != 0) {
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &buffer_octets, sizeof buffer_octets);
  }
  socklen_t size = sizeof own;
  if (socket_ < 0 || ::bind(socket_, reinterpret_cast<sockaddr*>(&own), size) != 0 ||
      ::getsockname(socket_, reinterpret_cast<sockaddr*>(&own), &size) != 0) {
    throw std::runtime_error("no UDP socket on " + address);
  }
  local_ = address + ":" + std::to_string(ntohs(own.sin_port));
}

udp_source::~udp_source() { ::close(socket_); }

void udp_source::send_to(const sockaddr_in& to, std::string_view bytes) {
  const ssize_t sent =
      ::sendto(socket_, bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  if (sent < 0) return;  // a full buffer, or the engine is gone: what did not leave is not counted
  ++sent_.datagrams;
  sent_.octets += static_cast<std::uint64_t>(sent);
}

std::string_view udp_source::next(sockaddr_in& from) {
  socklen_t size = sizeof from;
  for (;;) {
    const ssize_t got = ::recvfrom(socket_, buffer_.data(), buffer_.size(), MSG_DONTWAIT,
                                   reinterpret_cast<sockaddr*>(&from), &size);
    if (got < 0 && errno == ECONNREFUSED) continue;
    if (got < 0) return {};
    if (got == 0) continue;
    ++received_.datagrams;
    received_.octets += static_cast<std::uint64_t>(got);
    return {buffer_.data(), static_cast<std::size_t>(got)};
  }
}

}  // namespace reveille::hostile
