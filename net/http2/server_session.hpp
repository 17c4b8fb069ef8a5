/// The server half of one HTTP/2 connection (RFC 9113), without I/O, with every fault that a mock must be able to show.
///
/// Wraps nghttp2 with its HTTP message checks off, because firebase-admin sends `:scheme: https:` (with the colon), which
/// they reset; the checks that matter are made here and a request that fails them is reset with PROTOCOL_ERROR.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/http2/header.hpp"

namespace reveille::http2 {

struct server_config {
  std::uint32_t max_streams = 100;            ///< SETTINGS_MAX_CONCURRENT_STREAMS at the start
  std::uint32_t stream_window = 1024 * 1024;
  std::uint32_t connection_window = 16 * 1024 * 1024;  ///< flow control never binds before the CPU
  std::size_t header_limit = 16 * 1024;       ///< of a request; beyond: answered 431 here, never reported
  std::size_t body_limit = 64 * 1024;         ///< of a request; octets beyond are dropped and `truncated` set
  std::string excess_streams_words = {};      ///< debug data of the GOAWAY to who opens more than max_streams; "" = nghttp2's
};

/// A complete request; views live during the callback only (copy what is kept: a mock answers later).
struct server_request {
  std::uint32_t stream = 0;
  std::string_view method, scheme, authority, path;
  const header_block& headers;   ///< without the pseudo-header fields
  std::string_view body;
  bool truncated = false;        ///< the body was longer than body_limit
};

/// Called from inside receive() and produce(), after nghttp2 has returned: every method of the session but those two
/// may be called.
class server_listener {
 public:
  virtual ~server_listener() = default;
  virtual void requested(const server_request& what) = 0;
  /// The client reset a stream whose request was reported and whose answer is not all sent.
  virtual void stream_reset(std::uint32_t stream, std::uint32_t code) = 0;
  /// A PING came; it is answered without the listener.
  virtual void pinged() {}
};

class server_session {
 public:
  server_session(server_listener& listener, const server_config& config);
  ~server_session();
  server_session(const server_session&) = delete;
  server_session& operator=(const server_session&) = delete;

  /// Headers and body are copied. Unknown and closed streams are ignored (@return false).
  bool respond(std::uint32_t stream, int status, std::span<const header> headers, std::string_view body);
  /// RST_STREAM, whether the request was complete or not.
  bool reset(std::uint32_t stream, error_code code);
  /// GOAWAY. Streams above `last_stream` are dropped unanswered; those at or below run on, then finished().
  /// last_stream of latest_stream() lets all of them run on. One above an earlier GOAWAY's counts as that one's.
  void goaway(std::uint32_t last_stream, error_code code, std::string_view debug_data);
  std::uint32_t latest_stream() const;   ///< the highest id that the client has opened
  std::uint32_t latest_reported() const; ///< the highest id whose request was reported: what stands above was not processed
  /// SETTINGS_MAX_CONCURRENT_STREAMS. Above a lowered limit streams are refused until the client's ACK; afterwards one
  /// more is a connection error.
  void set_max_streams(std::uint32_t n);
  /// SETTINGS_INITIAL_WINDOW_SIZE, also for streams that are open (RFC 9113 6.9.2).
  void set_stream_window(std::uint32_t octets);
  /// Slow reader: while held, no WINDOW_UPDATE is sent; on release all that was read is given back at once.
  void hold_windows();
  void release_windows();
  void ping();

  std::size_t open_streams() const;

  /// @return false when the client broke the protocol: produce() still gives the GOAWAY, then the connection closes.
  bool receive(std::span<const std::uint8_t> bytes);
  void produce(std::vector<std::uint8_t>& out, std::size_t limit);
  bool wants_write() const;
  bool finished() const;

 private:
  class impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace reveille::http2
