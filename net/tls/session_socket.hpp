/// What the two kinds of tls_connection have in common: one session, one TCP socket, their beginning and their end.
/// Included by the .cpp files of this folder only (it brings Asio).
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/tls/tls_connection.hpp"

namespace reveille {

/// opening --> shaking --> open --> draining --> closed
///    |           |         |                      ^
///    +-----------+---------+----------------------+   failure, abort(), peer gone
/// `shaking` and `draining` are TLS's: hands are shaken; our last octets and close_notify are out, the peer's end is awaited.
class session_socket : public tls_connection, public std::enable_shared_from_this<session_socket> {
 public:
  /// Ends `opening` or `shaking`.
  void fail(open_failure why, const std::string& what);
  void arm_open_deadline();
  bool is_opening() const { return state_ == state::opening; }
  /// Called once when the connection is closed or failed (the listener's book-keeping).
  void when_gone(std::function<void()> hook) { gone_ = std::move(hook); }
  /// Called once when it fails before it has its socket; dropped then.
  void when_opening_fails(std::function<void()> hook) { opening_failed_ = std::move(hook); }
  boost::asio::io_context& io() { return io_; }
  const tls_limits& limits() const { return limits_; }

  void wake() override;
  void close() override;
  void abort() override;
  void pause_reading() override { paused_ = true; }
  std::string_view peer() const override { return peer_; }

 protected:
  using tcp = boost::asio::ip::tcp;
  enum class state : std::uint8_t { opening, shaking, open, draining, closed };

  session_socket(boost::asio::io_context& io, const clock& time, tls_limits limits, session_factory make, failure_handler failed);

  /// Produces and writes; @pre nothing.
  virtual void pump() = 0;

  /// Makes a connected socket ours.
  void take(tcp::socket socket);
  /// Opening is over: makes the session. @return false when there is none, and the connection ends.
  bool begin(std::string_view alpn);
  /// There is nothing more to read or write than what the socket holds back.
  bool is_over() const { return closing_ || session_->finished(); }
  /// Ends it after close_deadline, whatever the peer does.
  void end_soon();
  void end();

  boost::asio::io_context& io_;
  const clock& time_;
  const tls_limits limits_;
  tcp::socket socket_;
  boost::asio::steady_timer deadline_;
  std::unique_ptr<byte_session> session_;
  std::vector<std::uint8_t> out_;
  state state_ = state::opening;
  bool reading_ = false;   ///< a wait or a read is pending
  bool writing_ = false;   ///< likewise
  bool paused_ = false;
  bool closing_ = false;

 private:
  session_factory make_;
  failure_handler failed_;
  std::function<void()> gone_;
  std::function<void()> opening_failed_;
  bool waking_ = false;
  bool ending_ = false;    ///< end_soon() was called
  std::string peer_;
};

}  // namespace reveille
