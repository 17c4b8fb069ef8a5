/// The client half of one HTTP/2 connection (RFC 9113), without I/O: bytes in, bytes out, one outcome per request.
///
/// Wraps nghttp2. Knows nothing of push services: who resends what is the sender's decision (engine/push); this class
/// says truthfully what became of each stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "net/http2/header.hpp"

namespace reveille::http2 {

/// Bounds, each with its reason.
struct client_config {
  std::uint32_t initial_streams = 1;          ///< before the peer's first SETTINGS: APNs wants the first request alone
  std::uint32_t streams_limit = 1000;         ///< our own bound, whatever the peer allows (memory)
  std::uint32_t unsent_limit = 256;           ///< submitted, HEADERS not yet taken by produce(): a socket that does not
                                              ///< drain must leave pushes in the sender's queue, where they age
  std::uint32_t requests_limit = 1'000'000'000;  ///< stream ids end at 2^31-1: before that it shuts down by itself
  std::uint32_t stream_window = 64 * 1024;    ///< answers are small
  std::uint32_t connection_window = 4 * 1024 * 1024;  ///< never binds: streams_limit answers of 4 KB at once
  std::size_t header_limit = 8 * 1024;        ///< of an answer; fields beyond are dropped and `truncated` set
  std::size_t body_limit = 16 * 1024;         ///< of an answer; octets beyond are dropped and `truncated` set
};

/// Borrowed views; submit() copies, but for `own_body`.
struct request {
  std::string_view method = "POST";
  std::string_view scheme = "https";
  std::string_view authority;
  std::string_view path;
  std::span<const header> headers;
  std::string_view body;
  std::string* own_body = nullptr;  ///< instead of `body`: submit() takes it, and may leave other memory to be written in

  std::string_view whole_body() const { return own_body != nullptr ? std::string_view(*own_body) : body; }
};

/// Views live during the callback only.
struct response {
  int status = 0;
  const header_block& headers;
  std::string_view body;
  bool truncated = false;  ///< a bound of client_config cut it
};

/// What became of a request that got no complete answer.
enum class loss : std::uint8_t {
  unsent,     ///< its last octet never left: no server can have processed it
  refused,    ///< REFUSED_STREAM, or above the last id of a GOAWAY: not processed (RFC 9113 8.7), safe to resend
  ambiguous,  ///< reset or connection lost after END_STREAM was sent: nobody can tell
};

/// What abandon() leaves behind.
enum class parting : std::uint8_t {
  stale,      ///< no such stream (any more)
  unsent,     ///< as loss::unsent
  ambiguous,  ///< as loss::ambiguous
  answered,   ///< its status had come: that is its answer, and answered() has it
};

struct goaway_notice {
  std::uint32_t last_stream = 0;
  std::uint32_t code = 0;        ///< RFC 9113 7
  std::string_view debug_data;   ///< APNs: JSON with `reason`; at most what the peer's frame held (16 KB)
};

/// Names a submitted request; stale ones are harmless.
struct stream_handle {
  std::uint32_t slot = 0xffffffff;
  std::uint32_t generation = 0;
};

/// Called from inside receive(), produce(), disconnect() and abandon(), after nghttp2 has returned: every method of the session
/// but the first three may be called.
class client_listener {
 public:
  virtual ~client_listener() = default;
  virtual void answered(std::uint64_t tag, const response& answer) = 0;
  virtual void lost(std::uint64_t tag, loss how, std::uint32_t code) = 0;
  virtual void settings_changed() = 0;   ///< the peer's SETTINGS were applied: look at capacity() again
  virtual void goaway_received(const goaway_notice& notice) = 0;
  virtual void pong() = 0;
};

class client_session {
 public:
  client_session(client_listener& listener, const client_config& config);
  ~client_session();
  client_session(const client_session&) = delete;
  client_session& operator=(const client_session&) = delete;

  /// How many more requests may be submitted now. 0 after GOAWAY, shut_down() or disconnect(), and while the peer's
  /// connection window holds back what was submitted.
  std::size_t capacity() const;
  /// What the peer allows at the moment (initial_streams until its first SETTINGS), bounded by streams_limit.
  std::uint32_t stream_limit() const;
  std::size_t open_streams() const;   ///< submitted and without outcome
  bool settings_received() const;
  bool going_away() const;            ///< GOAWAY came, shut_down() was called, or requests_limit is reached: no new
                                      ///< requests, open ones go on

  /// @param tag given back with the outcome. @pre capacity() > 0.
  stream_handle submit(const request& what, std::uint64_t tag);

  /// Takes back a request whose last octet is not on the wire: one that has begun is reset, and half a request does nothing.
  /// @return true: no outcome is called. false: too late (or stale); the outcome comes as ever.
  bool withdraw(stream_handle which);

  /// Resets a stream whose answer is no longer waited for; lost() is not called for it. But if its status has come
  /// (RFC 9113 8.1: the rest of the body may be missing), answered() is, from inside this call, `truncated`.
  parting abandon(stream_handle which);

  void ping();
  /// GOAWAY NO_ERROR: no new requests; finished() once the open ones have their outcome.
  void shut_down();

  /// @return false when the peer broke the protocol: produce() may still give a GOAWAY, then disconnect().
  bool receive(std::span<const std::uint8_t> bytes);
  /// Appends frames to `out` until it holds about `limit` octets (a frame is never split).
  void produce(std::vector<std::uint8_t>& out, std::size_t limit);
  bool wants_write() const;
  bool finished() const;
  /// The connection is gone: every open request gets its loss. Idempotent.
  void disconnect();

 private:
  class impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace reveille::http2
