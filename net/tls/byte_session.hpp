/// Port between a protocol without I/O and whoever moves its bytes: a TLS connection, or a pipe of a test or of the
/// virtual world.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/time.hpp"

namespace reveille {

/// Threads: all calls from one thread (the connection's). The mover never calls from inside a call.
class byte_session {
 public:
  virtual ~byte_session() = default;

  /// Octets that arrived, in any pieces.
  virtual void receive(std::span<const std::uint8_t> bytes, const instant& now) = 0;

  /// Appends to `out` what is to be sent, about `limit` octets at most. The mover calls it after receive(), after a
  /// wake() and whenever a write has finished, and keeps one write in flight.
  virtual void produce(std::vector<std::uint8_t>& out, std::size_t limit) = 0;

  /// True once there is nothing to read or write any more: the mover closes when produce() gives nothing.
  virtual bool finished() const = 0;

  /// The connection is gone, by whatever end. Called once, last, and not from within another call.
  virtual void closed(const instant& now) = 0;
};

}  // namespace reveille
