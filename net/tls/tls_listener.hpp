/// Accepts TLS connections and gives each its byte_session.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/result.hpp"
#include "net/tls/tls_connection.hpp"

namespace reveille {

struct tls_listener_config {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;               ///< 0 = any free one, see port()
  std::size_t connections_limit = 4096; ///< accepted and not closed; more wait in the kernel's backlog
  tls_limits limits;
};

struct tls_listener_counters {
  std::uint64_t accepted = 0, handshake_failed = 0;
  std::size_t open = 0;
  std::size_t silent = 0;   ///< kept by connection_admission::silence
};

/// What becomes of new TCP connections.
enum class connection_admission : std::uint8_t {
  serve,
  silence,   ///< accepted and kept, nothing is read or written: a machine that hangs
  reset,     ///< accepted and reset at once
};

/// Threads: everything on the thread that runs the io_context; destroying it closes the listening socket and aborts
/// the connections.
class tls_listener {
 public:
  static result<std::unique_ptr<tls_listener>> make(boost::asio::io_context& io, const clock& time,
                                                    std::shared_ptr<const tls_context> tls,
                                                    const tls_listener_config& config,
                                                    tls_connection::session_factory make_session);
  virtual ~tls_listener() = default;
  virtual std::uint16_t port() const = 0;
  /// For connections accepted from now on (certificate expiry, rotation).
  virtual void use(std::shared_ptr<const tls_context> tls) = 0;
  /// For connections accepted from now on; those kept in silence are reset when it ends.
  virtual void admit(connection_admission how) = 0;
  virtual const tls_listener_counters& counters() const = 0;
  /// Stops accepting; open connections go on.
  virtual void stop_accepting() = 0;
  virtual void abort_all() = 0;
};

}  // namespace reveille
