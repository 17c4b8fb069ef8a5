/// One nghttp2 session and the octets through it: what the client and the server half have in common. Included by the
/// two sessions' .cpp files only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "net/http2/nghttp2_handles.hpp"

namespace reveille::http2 {

/// Threads: one. A session that has broken (the peer's fault, or memory) neither reads nor writes any more.
class framing {
 public:
  /// @param opened by make_client() or make_server().
  /// @param settings our first SETTINGS frame. @param connection_window octets that the peer may send unread.
  void open(session_ptr opened, std::span<const nghttp2_settings_entry> settings, std::uint32_t connection_window) {
    session_ = std::move(opened);
    nghttp2_submit_settings(session_.get(), NGHTTP2_FLAG_NONE, settings.data(), settings.size());
    nghttp2_session_set_local_window_size(session_.get(), NGHTTP2_FLAG_NONE, 0,
                                          static_cast<std::int32_t>(connection_window));
  }
  nghttp2_session* get() const { return session_.get(); }
  bool broken() const { return broken_; }

  void receive(std::span<const std::uint8_t> bytes) {
    if (nghttp2_session_mem_recv(session_.get(), bytes.data(), bytes.size()) < 0) broken_ = true;
  }
  /// Appends whole frames until `out` holds about `limit` octets.
  void produce(std::vector<std::uint8_t>& out, std::size_t limit) {
    while (out.size() < limit) {
      const std::uint8_t* bytes = nullptr;
      const ssize_t n = nghttp2_session_mem_send(session_.get(), &bytes);
      if (n < 0) broken_ = true;
      if (n <= 0) break;
      out.insert(out.end(), bytes, bytes + n);
    }
  }
  bool wants_write() const { return !broken_ && nghttp2_session_want_write(session_.get()) != 0; }
  bool finished() const {
    return broken_ ||
           (nghttp2_session_want_read(session_.get()) == 0 && nghttp2_session_want_write(session_.get()) == 0);
  }
  void ping() { nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, nullptr); }
  void reset(std::int32_t stream, std::uint32_t code) {
    nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream, code);
  }

 private:
  session_ptr session_;
  bool broken_ = false;
};

}  // namespace reveille::http2
