/// RAII for nghttp2's handles. Included by the two sessions' .cpp files only.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "net/http2/stream_memory.hpp"

namespace reveille::http2 {

struct nghttp2_deleter {
  void operator()(nghttp2_session* s) const { nghttp2_session_del(s); }
  void operator()(nghttp2_session_callbacks* c) const { nghttp2_session_callbacks_del(c); }
  void operator()(nghttp2_option* o) const { nghttp2_option_del(o); }
};
using session_ptr = std::unique_ptr<nghttp2_session, nghttp2_deleter>;
using callbacks_ptr = std::unique_ptr<nghttp2_session_callbacks, nghttp2_deleter>;
using option_ptr = std::unique_ptr<nghttp2_option, nghttp2_deleter>;

// nghttp2's constructors fail for want of memory only; going on without is not possible (as for operator new).
inline callbacks_ptr make_callbacks() {
  nghttp2_session_callbacks* c = nullptr;
  if (nghttp2_session_callbacks_new(&c) != 0) std::abort();
  return callbacks_ptr(c);
}
inline option_ptr make_options() {
  nghttp2_option* o = nullptr;
  if (nghttp2_option_new(&o) != 0) std::abort();
  return option_ptr(o);
}
/// @param memory outlives the session.
inline session_ptr make_client(const nghttp2_session_callbacks* c, void* user, const nghttp2_option* o, stream_memory& memory) {
  nghttp2_session* s = nullptr;
  if (nghttp2_session_client_new3(&s, c, user, o, memory.native()) != 0) std::abort();
  return session_ptr(s);
}
inline session_ptr make_server(const nghttp2_session_callbacks* c, void* user, const nghttp2_option* o, stream_memory& memory) {
  nghttp2_session* s = nullptr;
  if (nghttp2_session_server_new3(&s, c, user, o, memory.native()) != 0) std::abort();
  return session_ptr(s);
}

inline std::string_view text_of(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}
/// nghttp2 takes mutable pointers but only reads them (nghttp2_nv in nghttp2.h).
inline nghttp2_nv field_of(std::string_view name, std::string_view value, std::uint8_t flags) {
  return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
          reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(), flags};
}

}  // namespace reveille::http2
