/// TLS over a connected socket: handshake and pump. Included by the .cpp files of this
/// folder only (it brings Asio and OpenSSL).
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <optional>
#include <string>

#include "net/tls/record_buffer.hpp"
#include "net/tls/session_socket.hpp"

namespace reveille {

/// The oldest error of this thread's OpenSSL queue, and empties it.
std::string tls_error_text();

struct ssl_free {
  void operator()(SSL* s) const { SSL_free(s); }
};

/// A session_socket whose octets go through OpenSSL.
class tls_socket final : public session_socket {
 public:
  enum class role : std::uint8_t { client, server };

  tls_socket(boost::asio::io_context& io, const clock& time, std::shared_ptr<const tls_context> tls, role as,
             tls_limits limits, session_factory make, failure_handler failed);

  /// Takes a connected socket and shakes hands. `name` = SNI and what the certificate must show (clients).
  void start(tcp::socket socket, const std::string& name);

  void resume_reading() override;
  const std::string& peer_certificate() const override { return peer_certificate_; }
  std::optional<tls_alert> alert() const override { return alert_; }

 private:
  std::shared_ptr<tls_socket> self() { return std::static_pointer_cast<tls_socket>(shared_from_this()); }
  void shake();
  void opened();
  void pump() override;
  bool write_out();   ///< @return false when the socket takes no more now (or the connection has ended)
  bool flush();       ///< likewise, of the records that are made
  void read_in();
  void wait_read();
  void wait_write();
  void begin_drain();
  std::string certificate_fault() const;
  void note_alert();   ///< from OpenSSL's queue, if one stands there

  std::shared_ptr<const tls_context> tls_;
  const role role_;
  record_buffer records_;
  std::unique_ptr<SSL, ssl_free> ssl_;
  std::size_t sent_ = 0;   ///< of out_
  std::string peer_certificate_;
  std::optional<tls_alert> alert_;
};

}  // namespace reveille
