/// A UDP socket for one shard: batches both ways (recvmmsg, sendmmsg), straight into and out of slabs, no copy, no lock.
///
/// It never blocks and knows no event loop: wait for fd() to become readable (level or edge), then receive() until it
/// returns fewer than it was asked for. What is sent waits for flush(), at the end of the turn.
///
/// Threads: one. Several sockets may share a port (SO_REUSEPORT): the kernel spreads flows by address.
/// Errors: of the network, counted and told to `unreachable`; of opening, a sentence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "core/flow.hpp"
#include "core/result.hpp"
#include "core/slab.hpp"
#include "core/time.hpp"

namespace reveille {

struct udp_config {
  /// Kernel buffers, octets. 8 MiB hold a second of 10 k/s: what a stalled shard may miss.
  int receive_buffer = 8 << 20;
  int send_buffer = 8 << 20;
  /// Octets that a slab gives a datagram at first; longer ones (up to 64 KiB less parser_room) cost a copy.
  std::size_t usual_datagram = 2048;
  /// Room beside the datagram that its parser wants in the same slab.
  std::size_t parser_room = 0;
};

struct udp_counters {
  std::uint64_t received = 0, received_bytes = 0;
  std::uint64_t sent = 0, sent_bytes = 0;
  std::uint64_t kernel_drops = 0;     ///< the receive buffer was full (SO_RXQ_OVFL)
  std::uint64_t pool_drops = 0;       ///< no slab: the pool is at its bound
  std::uint64_t truncated = 0;        ///< longer than 64 KiB less headers can be: never seen, dropped
  std::uint64_t too_large = 0;        ///< no slab is large enough for it and what its parser wants
  std::uint64_t send_full = 0;        ///< dropped, the send buffer was full (EAGAIN, ENOBUFS)
  std::uint64_t send_errors = 0;      ///< refused by the kernel: too long, no route
  std::uint64_t unreachable = 0;      ///< ICMP errors read from the error queue

  udp_counters& operator+=(const udp_counters& other);
};

struct datagram {
  slab_ptr bytes;       ///< exclusively ours
  std::size_t size = 0;
  endpoint from;
};

class udp_socket {
 public:
  /// Datagrams of one system call; also how many wait for flush() at most before one happens by itself.
  static constexpr std::size_t batch = 64;

  /// Whether any process, or this one, has a socket there: open() would share it, without a word.
  /// @return what the system says, or nullopt when the address is free.
  static std::optional<error> in_use(const endpoint& listen);
  /// @param listen port 0 = any; local() tells. The pool outlives the socket.
  static result<std::unique_ptr<udp_socket>> open(const endpoint& listen, slab_pool& pool, const udp_config& config = {});
  ~udp_socket();
  udp_socket(const udp_socket&) = delete;
  udp_socket& operator=(const udp_socket&) = delete;

  int fd() const;
  const endpoint& local() const;

  /// Called inside receive() and flush() with the address that cannot be reached. Must not call this socket back.
  void on_unreachable(std::function<void(const endpoint&)> tell);

  /// @return how many of `out` were filled; fewer than asked for = nothing more is there now.
  std::size_t receive(std::span<datagram> out);
  /// How long the first datagram of the last receive() had waited in the kernel.
  nanoseconds oldest_waited() const;

  /// Queues `size` octets at the start of `bytes`.
  void send(const endpoint& to, slab_ptr bytes, std::size_t size);
  /// Hands everything queued to the kernel; what it does not take is dropped and counted (UDP may lose).
  void flush();

  const udp_counters& counters() const;

 private:
  class impl;
  explicit udp_socket(std::unique_ptr<impl> made);
  std::unique_ptr<impl> impl_;
};

}  // namespace reveille
