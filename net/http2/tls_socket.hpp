/// The engine room of tls_connection: handshake and pump over a connected socket. Included by the .cpp files of this
/// folder only (it brings Asio and OpenSSL).
#pragma once

#include <openssl/ssl.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <string>
#include <vector>

#include "net/http2/record_buffer.hpp"
#include "net/http2/tls_connection.hpp"

namespace reveille::http2 {

/// The oldest error of this thread's OpenSSL queue, and empties it.
std::string tls_error_text();

struct ssl_free {
  void operator()(SSL* s) const { SSL_free(s); }
};

/// opening --> shaking --> open --> draining --> closed
///    |           |         |                      ^
///    +-----------+---------+----------------------+   failure, abort(), peer gone
/// `draining`: our last octets and close_notify are out, the peer's end is awaited (close_deadline).
class tls_socket final : public tls_connection, public std::enable_shared_from_this<tls_socket> {
 public:
  enum class role : std::uint8_t { client, server };

  tls_socket(boost::asio::io_context& io, const clock& time, std::shared_ptr<const tls_context> tls, role as,
             tls_limits limits, session_factory make, failure_handler failed);

  /// Takes a connected socket and shakes hands. `name` = SNI and what the certificate must show (clients).
  void start(boost::asio::ip::tcp::socket socket, const std::string& name);
  /// Ends `opening` or `shaking`.
  void fail(open_failure why, const std::string& what);
  void arm_open_deadline();
  bool is_opening() const { return state_ == state::opening; }
  /// Called once when the connection is closed or failed (the listener's book-keeping).
  void when_gone(std::function<void()> hook) { gone_ = std::move(hook); }
  /// Called once when it fails before start() has the socket; dropped by start().
  void when_opening_fails(std::function<void()> hook) { opening_failed_ = std::move(hook); }
  boost::asio::io_context& io() { return io_; }
  const tls_limits& limits() const { return limits_; }

  void wake() override;
  void close() override;
  void abort() override;
  void pause_reading() override { paused_ = true; }
  void resume_reading() override;
  std::string_view peer() const override { return peer_; }
  const std::string& peer_certificate() const override { return peer_certificate_; }
  std::optional<tls_alert> alert() const override { return alert_; }

 private:
  enum class state : std::uint8_t { opening, shaking, open, draining, closed };

  void shake();
  void opened();
  void pump();
  bool write_out();   ///< @return false when the socket takes no more now (or the connection has ended)
  bool flush();       ///< likewise, of the records that are made
  void read_in();
  void wait_read();
  void wait_write();
  void begin_drain();
  void end();
  std::string certificate_fault() const;
  void note_alert();   ///< from OpenSSL's queue, if one stands there
  void end_soon();     ///< the session is finished, but the socket does not take its last octets

  boost::asio::io_context& io_;
  const clock& time_;
  std::shared_ptr<const tls_context> tls_;
  const role role_;
  const tls_limits limits_;
  session_factory make_;
  failure_handler failed_;
  std::function<void()> gone_;
  std::function<void()> opening_failed_;
  boost::asio::ip::tcp::socket socket_;
  boost::asio::steady_timer deadline_;
  record_buffer records_;
  std::unique_ptr<SSL, ssl_free> ssl_;
  std::unique_ptr<byte_session> session_;
  std::vector<std::uint8_t> out_;
  std::size_t sent_ = 0;
  state state_ = state::opening;
  bool reading_ = false;   ///< a wait for readability is pending
  bool writing_ = false;
  bool waking_ = false;
  bool paused_ = false;
  bool closing_ = false;
  bool ending_ = false;    ///< end_soon() was called
  std::string peer_;
  std::string peer_certificate_;
  std::optional<tls_alert> alert_;
};

}  // namespace reveille::http2
