/// A tls_connection without TLS: for gateways on premises that speak plain HTTP, and only when the configuration says so.
/// Included by the .cpp files of this folder only (it brings Asio).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "net/tls/session_socket.hpp"

namespace reveille {

/// One read and one write in flight.
class plain_socket final : public session_socket {
 public:
  plain_socket(boost::asio::io_context& io, const clock& time, tls_limits limits, session_factory make,
               failure_handler failed);

  /// Takes a connected socket. The name is for TLS only.
  void start(tcp::socket socket, const std::string& name);

  void resume_reading() override;
  const std::string& peer_certificate() const override { return no_certificate_; }

 private:
  std::shared_ptr<plain_socket> self() { return std::static_pointer_cast<plain_socket>(shared_from_this()); }
  void read();
  void pump() override;

  std::vector<std::uint8_t> in_;
  const std::string no_certificate_;
};

}  // namespace reveille
