/// A tls_connection without TLS: for gateways on premises that speak plain HTTP, and only when the configuration says so.
/// Included by the .cpp files of this folder only (it brings Asio).
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <string>
#include <vector>

#include "net/http2/tls_connection.hpp"

namespace reveille::http2 {

/// opening --> open --> closed. One read and one write in flight.
class plain_socket final : public tls_connection, public std::enable_shared_from_this<plain_socket> {
 public:
  plain_socket(boost::asio::io_context& io, const clock& time, tls_limits limits, session_factory make,
               failure_handler failed);

  /// Takes a connected socket. The name is for TLS only.
  void start(boost::asio::ip::tcp::socket socket, const std::string& name);
  void fail(open_failure why, const std::string& what);
  void arm_open_deadline();
  void when_opening_fails(std::function<void()> hook) { opening_failed_ = std::move(hook); }

  void wake() override;
  void close() override;
  void abort() override;
  void pause_reading() override { paused_ = true; }
  void resume_reading() override;
  std::string_view peer() const override { return peer_; }
  const std::string& peer_certificate() const override { return no_certificate_; }

 private:
  enum class state : std::uint8_t { opening, open, closed };
  void read();
  void pump();
  void end();

  boost::asio::io_context& io_;
  const clock& time_;
  const tls_limits limits_;
  session_factory make_;
  failure_handler failed_;
  std::function<void()> opening_failed_;
  boost::asio::ip::tcp::socket socket_;
  boost::asio::steady_timer deadline_;
  std::unique_ptr<byte_session> session_;
  std::vector<std::uint8_t> in_;
  std::vector<std::uint8_t> out_;
  state state_ = state::opening;
  bool reading_ = false;
  bool writing_ = false;
  bool waking_ = false;
  bool paused_ = false;
  bool closing_ = false;
  bool ending_ = false;    ///< the session is finished, but the socket does not take its last octets
  std::string peer_;
  const std::string no_certificate_;
};

}  // namespace reveille::http2
