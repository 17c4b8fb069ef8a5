/// One UDP socket of an attacker, or of an honest user agent, on a loopback address of its own. Counts what it sends and gets.
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace reveille::hostile {

/// "127.0.0.1:5060", for loopback addresses only: nothing here may leave the machine. @throws std::runtime_error otherwise
sockaddr_in loopback_address(std::string_view text);

struct traffic {
  std::uint64_t datagrams = 0;
  std::uint64_t octets = 0;
};

/// Threads: one.
class udp_source {
 public:
  static constexpr int buffer_octets = 8 << 20;  ///< asked for, so that answers are counted and not lost

  /// A free port of `address`, which is 127.x.y.z; sends to `engine`. @throws std::runtime_error
  udp_source(const std::string& address, const sockaddr_in& engine);
  ~udp_source();
  udp_source(const udp_source&) = delete;
  udp_source& operator=(const udp_source&) = delete;

  void send(std::string_view bytes) { send_to(engine_, bytes); }
  void send_to(const sockaddr_in& to, std::string_view bytes);
  /// Takes what has come, without waiting: take(bytes, from) for each datagram.
  template <class Take>
  void receive(Take&& take) {
    sockaddr_in from{};
    for (std::string_view bytes; !(bytes = next(from)).empty();) take(bytes, from);
  }

  const std::string& local() const { return local_; }  ///< "127.0.0.2:40000"
  int descriptor() const { return socket_; }
  const traffic& sent() const { return sent_; }
  const traffic& received() const { return received_; }

 private:
  std::string_view next(sockaddr_in& from);

  int socket_ = -1;
  sockaddr_in engine_;
  std::string local_;
  std::string buffer_;
  traffic sent_;
  traffic received_;
};

}  // namespace reveille::hostile
