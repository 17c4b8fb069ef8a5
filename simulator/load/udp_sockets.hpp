/// Some hundreds of UDP sockets in one thread: recvmmsg in, sendmmsg out, epoll between.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "simulator/load/scene.hpp"

namespace reveille::load {

/// Threads: one. Datagrams given to send() leave at flush(), or when the batch is full, in order.
class udp_sockets final : public datagram_port {
 public:
  static constexpr std::size_t batch = 64;             ///< datagrams a system call
  static constexpr std::size_t max_datagram = 4096;    ///< longer ones are cut off, and then unreadable
  static constexpr int receive_buffer = 4 << 20;       ///< asked for; the kernel may grant less (net.core.rmem_max)

  /// `count` sockets on free ports, spread over the addresses in turn.
  static result<std::unique_ptr<udp_sockets>> open(const std::vector<std::string>& addresses, std::size_t count);
  ~udp_sockets() override;

  std::size_t size() const override { return descriptors_.size(); }
  endpoint local(std::uint16_t socket) const override { return locals_[socket]; }
  void send(std::uint16_t socket, const endpoint& to, std::string_view bytes) override;
  void flush();

  /// Another descriptor that ends the wait when it is readable.
  result<bool> watch(int descriptor);
  /// Waits at most `limit`, then calls receive(socket, from, bytes) for what has come.
  template <class Receive>
  void wait(milliseconds limit, Receive&& receive) {
    const std::size_t ready = poll(limit);
    for (std::size_t i = 0; i < ready; ++i) {
      for (std::size_t rounds = 0; rounds < max_rounds; ++rounds) {
        const std::size_t got = read_batch(ready_[i]);
        for (std::size_t k = 0; k < got; ++k) receive(ready_[i], from_[k], view(k));
        if (got < batch) break;
      }
    }
  }
  std::uint64_t send_failures() const { return send_failures_; }
  std::uint64_t received() const { return received_; }
  std::uint64_t sent() const { return sent_; }

 private:
  static constexpr std::size_t max_rounds = 4;         ///< so that one busy socket does not starve the timers
  struct queued {
    std::uint16_t socket;
    endpoint to;
    std::uint32_t offset;
    std::uint32_t size;
  };
  struct buffers;

  udp_sockets();
  std::size_t poll(milliseconds limit);
  std::size_t read_batch(std::uint16_t socket);
  std::string_view view(std::size_t index) const;
  void send_run(std::size_t first, std::size_t count);

  int epoll_ = -1;
  std::vector<int> descriptors_;
  std::vector<endpoint> locals_;
  std::vector<std::uint16_t> ready_;
  std::array<endpoint, batch> from_;
  std::unique_ptr<buffers> buffers_;
  std::vector<queued> queue_;
  std::string bytes_;
  std::uint64_t send_failures_ = 0;
  std::uint64_t received_ = 0;
  std::uint64_t sent_ = 0;
};

}  // namespace reveille::load
