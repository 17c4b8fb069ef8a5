/// The control port's sockets: plain TCP on loopback only, since nobody is authenticated. What is said on them is
/// control_conversation's. Threads: all on the io_context's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/result.hpp"
#include "mock_providers/control/controlled_mock.hpp"
#include "mock_providers/delivery/device_sink.hpp"

namespace boost::asio {
class io_context;
}

namespace reveille::mock_providers {

class control_port {
 public:
  static constexpr std::size_t max_connections = 64;   ///< beyond, new ones are closed at once, and counted
  static constexpr std::size_t max_unsent = 64 * 1024 * 1024;  ///< a subscriber further behind is closed, and counted

  static result<std::unique_ptr<control_port>> make(boost::asio::io_context& io, const std::string& address,
                                                    std::uint16_t port, controlled_mock& mock);
  virtual ~control_port() = default;
  virtual std::uint16_t port() const = 0;
  virtual void publish(const delivery& what) = 0;
  virtual std::uint64_t subscribers_dropped() const = 0;
  virtual std::uint64_t refused() const = 0;
};

}  // namespace reveille::mock_providers
