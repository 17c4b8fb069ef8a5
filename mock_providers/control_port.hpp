/// The control port: lines of JSON over plain TCP, and `GET /metrics` for Prometheus. Loopback only, since it has no
/// authentication. Threads: all on the io_context's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "mock_providers/device_sink.hpp"

namespace boost::asio {
class io_context;
}

namespace reveille::mock_providers {

/// What the port's users may ask for; the server does it.
class control_commands {
 public:
  virtual ~control_commands() = default;
  virtual void command_reachable(pns::provider provider, std::string_view token, bool reachable) = 0;
  virtual void command_unregister(pns::provider provider, std::string_view token, wall_time when) = 0;
  virtual void command_register(pns::provider provider, std::string_view token, std::string_view app) = 0;
  /// @param rules the script's JSON text. @return "" or what is wrong with it.
  virtual std::string command_faults(std::string_view rules) = 0;
  virtual void command_drop_connections() = 0;
  virtual void command_revoke_tokens() = 0;
  virtual std::string metrics() = 0;
  virtual std::string record_lines() = 0;   ///< one JSON object per line
};

class control_port {
 public:
  static constexpr std::size_t max_connections = 64;
  static constexpr std::size_t max_line = 64 * 1024;
  static constexpr std::size_t max_unsent = 64 * 1024 * 1024;  ///< a subscriber further behind is closed, and counted

  static result<std::unique_ptr<control_port>> make(boost::asio::io_context& io, const std::string& address,
                                                    std::uint16_t port, control_commands& commands);
  virtual ~control_port() = default;
  virtual std::uint16_t port() const = 0;
  virtual void publish(const delivery& what) = 0;
  virtual std::uint64_t subscribers_dropped() const = 0;
};

}  // namespace reveille::mock_providers
