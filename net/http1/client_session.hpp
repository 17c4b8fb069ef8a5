/// The client half of one HTTP/1.1 keep-alive connection (RFC 9112), without I/O: bytes in, bytes out, one outcome per
/// request. The shape, the words and the promises are those of http2::client_session, so that a sender need not know which
/// of the two it has; one request at a time, since pipelining would leave all behind a lost one ambiguous.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "net/http2/client_session.hpp"

namespace reveille::http1 {

struct client_config {
  std::uint32_t header_limit = 8 * 1024;   ///< of an answer; beyond: the connection is broken off
  std::uint64_t body_limit = 16 * 1024;    ///< of an answer; beyond: cut, `truncated` set, the connection takes no more
  int informational_limit = 8;             ///< 1xx answers that are passed over (RFC 9110 15.2)
};

class client_session {
 public:
  client_session(http2::client_listener& listener, const client_config& config);
  ~client_session();
  client_session(const client_session&) = delete;
  client_session& operator=(const client_session&) = delete;

  std::size_t capacity() const;       ///< 1 when nothing is open and the peer keeps the connection
  std::uint32_t stream_limit() const { return 1; }
  std::size_t open_streams() const;
  bool going_away() const;            ///< the peer said close, or shut_down() was called

  /// Not from inside the listener's calls.
  http2::stream_handle submit(const http2::request& what, std::uint64_t tag);
  bool withdraw(http2::stream_handle which);
  /// HTTP/1.1 cannot reset one request: the connection is finished with it. `answered` as in HTTP/2: its status had come.
  http2::parting abandon(http2::stream_handle which);
  void shut_down();

  bool receive(std::span<const std::uint8_t> bytes);
  void produce(std::vector<std::uint8_t>& out, std::size_t limit);
  bool finished() const;
  void disconnect();

 private:
  class impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace reveille::http1
