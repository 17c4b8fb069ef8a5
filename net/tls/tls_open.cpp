#include "net/tls/dialling.hpp"
#include "net/tls/plain_socket.hpp"
#include "net/tls/tls_socket.hpp"

namespace reveille {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

/// Joins a dialling to the connection that waits for its socket; either may end first.
template <class Connection>
void dial(asio::io_context& io, const std::shared_ptr<Connection>& connection, const tls_target& target,
          const tls_limits& limits) {
  const auto way = std::make_shared<dialling>(
      io, target, limits.attempt_delay,
      dialling::handlers{
          [connection, name = target.host](tcp::socket socket) { connection->start(std::move(socket), name); },
          [connection](open_failure why, const std::string& what) { connection->fail(why, what); }});
  connection->arm_open_deadline();
  // At the deadline, or aborted: what still waits for a far end must not keep its descriptor until that end moves.
  connection->when_opening_fails([weak = std::weak_ptr<dialling>(way)] {
    if (const auto living = weak.lock()) living->cancel();
  });
  way->start();
}

}  // namespace

std::shared_ptr<tls_connection> open_tls(asio::io_context& io, const clock& time,
                                         std::shared_ptr<const tls_context> tls, const tls_target& target,
                                         const tls_limits& limits, tls_connection::session_factory make,
                                         tls_connection::failure_handler failed) {
  auto connection = std::make_shared<tls_socket>(io, time, std::move(tls), tls_socket::role::client, limits,
                                                 std::move(make), std::move(failed));
  dial(io, connection, target, limits);
  return connection;
}

std::shared_ptr<tls_connection> open_plain(asio::io_context& io, const clock& time, const tls_target& target,
                                           const tls_limits& limits, tls_connection::session_factory make,
                                           tls_connection::failure_handler failed) {
  auto connection = std::make_shared<plain_socket>(io, time, limits, std::move(make), std::move(failed));
  dial(io, connection, target, limits);
  return connection;
}

}  // namespace reveille
