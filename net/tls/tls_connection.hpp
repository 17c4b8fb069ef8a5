/// Moves the bytes of one byte_session over TLS on an Asio io_context.
///
/// Threads: everything on the thread that runs the io_context.
/// Ownership: the connection owns its session and keeps itself alive until the session's closed() has been called.
/// Cost: what the session produces in one turn goes out in TLS records of 16 KB and one send() (record_buffer); reading
/// works on the socket directly, one copy less than asio::ssl.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.hpp"
#include "net/tls/byte_session.hpp"
#include "net/tls/tls_context.hpp"

namespace boost::asio {
class io_context;
}

namespace reveille {

/// Port: names to addresses, for every connection anew. Tests put a small one in its place.
class name_resolver {
 public:
  virtual ~name_resolver() = default;
  /// @param found called once, not inside this call, on the connection's thread: addresses as texts, the preferred first;
  ///        none = the name is unknown.
  virtual void resolve(const std::string& host, std::function<void(std::vector<std::string>)> found) = 0;
};

struct tls_target {
  std::string host;             ///< name or address: SNI (names only) and what the certificate must show
  std::uint16_t port = 443;
  std::string connect_host;     ///< where to connect instead ("" = host): tests, on-premises gateways
  std::string proxy_host;       ///< HTTP CONNECT through this proxy, or ""
  std::uint16_t proxy_port = 0;
  std::string proxy_authorization = {};  ///< value of Proxy-Authorization, or ""
  std::vector<std::string> addresses = {};  ///< tried, families in turns, instead of resolving the host to connect to
  std::shared_ptr<name_resolver> resolver = nullptr;  ///< nullptr = the system's
};

/// Bounds of a connection.
struct tls_limits {
  nanoseconds open_deadline = seconds(10);    ///< resolve, connect, handshake together
  nanoseconds attempt_delay = milliseconds(250);  ///< next address is tried beside the first (RFC 8305)
  nanoseconds close_deadline = seconds(2);    ///< for close_notify and the last bytes
  std::size_t write_batch = 64 * 1024;        ///< octets taken from the session per turn
};

/// How opening failed, for counters and logs.
enum class open_failure : std::uint8_t { resolve, connect, proxy, handshake, certificate, alpn, deadline };
inline constexpr std::size_t open_failure_count = 7;
std::string_view name_of(open_failure why);

/// A TLS alert that ended an open connection. In TLS 1.3 a client is done before the server has looked at its certificate,
/// and learns so that it was refused (RFC 8446 4.4.2.4).
struct tls_alert {
  open_failure why = open_failure::handshake;   ///< certificate: ours
  std::string what;
};

class tls_connection {
 public:
  /// Called when the handshake is done: chooses the session by the ALPN protocol ("h2", "http/1.1"; "" = none was
  /// negotiated). nullptr closes the connection.
  using session_factory =
      std::function<std::unique_ptr<byte_session>(std::string_view alpn, const std::shared_ptr<tls_connection>& self)>;
  using failure_handler = std::function<void(open_failure why, const std::string& what)>;

  virtual ~tls_connection() = default;

  /// The session has something new to produce (submitted from outside of its own receive()). Cheap; joined with others
  /// until the io_context's next turn.
  virtual void wake() = 0;
  /// Writes what the session still has, then closes. Idempotent.
  virtual void close() = 0;
  /// TCP reset, nothing more is written.
  virtual void abort() = 0;
  /// Stops reading from the socket until resumed (a slow peer, for mocks).
  virtual void pause_reading() = 0;
  virtual void resume_reading() = 0;
  virtual std::string_view peer() const = 0;   ///< "address:port"
  /// DER of the peer's certificate, "" when it showed none.
  virtual const std::string& peer_certificate() const = 0;
  /// Once it has ended: the peer's alert, if that was its end.
  virtual std::optional<tls_alert> alert() const { return std::nullopt; }
};

/// Opens a connection. Exactly one of `make` and `failed` is called, never inside this call.
/// Dropping or abort()ing the returned pointer's connection while it opens calls `failed` with deadline.
std::shared_ptr<tls_connection> open_tls(boost::asio::io_context& io, const clock& time,
                                         std::shared_ptr<const tls_context> tls, const tls_target& target,
                                         const tls_limits& limits, tls_connection::session_factory make,
                                         tls_connection::failure_handler failed);

/// The same without TLS: plain HTTP/1.1, whose protocol nobody negotiates (alpn is "").
std::shared_ptr<tls_connection> open_plain(boost::asio::io_context& io, const clock& time, const tls_target& target,
                                           const tls_limits& limits, tls_connection::session_factory make,
                                           tls_connection::failure_handler failed);

}  // namespace reveille
