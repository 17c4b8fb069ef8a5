/// From a name to a connected TCP socket: look-up, happy eyeballs (RFC 8305), perhaps a CONNECT through a proxy. Included by
/// the .cpp files of this folder only (it brings Asio).
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/tls/tls_connection.hpp"

namespace reveille {

/// Exactly one of the two handlers is called, never inside start(), unless cancel() was called before.
class dialling : public std::enable_shared_from_this<dialling> {
 public:
  using tcp = boost::asio::ip::tcp;
  struct handlers {
    std::function<void(tcp::socket)> connected;
    std::function<void(open_failure, const std::string&)> failed;
  };

  dialling(boost::asio::io_context& io, tls_target target, nanoseconds attempt_delay, handlers tell);

  void start();
  /// Lets go of every descriptor; no handler is called any more.
  void cancel();

 private:
  static constexpr std::size_t attempts_limit = 16;   ///< addresses of one name that are tried
  static constexpr std::size_t proxy_answer_limit = 8 * 1024;

  void take(std::vector<std::string> found, std::uint16_t port);
  void attempt();
  void close_attempts();
  void connected(tcp::socket socket);
  void read_proxy_answer();
  void fail(open_failure why, const std::string& what);

  boost::asio::io_context& io_;
  const tls_target target_;
  const nanoseconds attempt_delay_;
  handlers tell_;
  tcp::resolver resolver_;
  boost::asio::steady_timer pause_;
  std::vector<tcp::endpoint> endpoints_;
  std::vector<std::shared_ptr<tcp::socket>> attempts_;
  std::unique_ptr<tcp::socket> tunnel_;
  std::string proxy_text_;
  std::string last_error_ = "no address";
  std::size_t next_ = 0;
  std::size_t pending_ = 0;
  bool done_ = false;   ///< a socket was chosen, or all is over
};

/// Families take turns, the resolver's first choice first (RFC 8305 4); texts that are no address are left out.
std::vector<boost::asio::ip::tcp::endpoint> interleaved(const std::vector<std::string>& addresses, std::uint16_t port);

}  // namespace reveille
