/// What the client half remembers of one request. Included by client_session.cpp only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "net/http2/client_session.hpp"
#include "net/http2/header.hpp"

namespace reveille::http2 {

/// waiting --> sending --> sent --> (answered | lost)     free <-- when reported (or silent) and closed
///   HEADERS left  END_STREAM left
struct client_stream {
  enum class phase : std::uint8_t { free, waiting, sending, sent };

  phase at = phase::free;
  bool silent = false;      ///< withdrawn or abandoned: no outcome
  bool reported = false;    ///< its outcome stands in the event queue or has been given
  bool queued = false;      ///< ... and still stands there
  bool closed = false;      ///< nghttp2 has forgotten the stream
  bool truncated = false;
  bool collecting = false;  ///< this header block is the response's (not a trailer)
  bool answered = false;    ///< reported, and as an answer
  loss how = loss::unsent;  ///< reported, and as lost
  int heading = 0;          ///< `:status` of the block that is being read: nothing until the block is whole and sound
  int status = 0;           ///< 200 and above: the final one
  std::uint32_t code = 0;
  std::uint32_t generation = 0;
  std::uint32_t index = 0;
  std::int32_t stream = 0;
  std::uint64_t tag = 0;
  std::string upload;       ///< the request's body; given to the next request once it has left
  std::size_t uploaded = 0;
  header_block headers;
  std::string body;

  std::string_view to_upload() const { return std::string_view(upload).substr(uploaded); }

  /// For another request; generation and memory stay.
  void begin(std::uint64_t for_tag) {
    at = phase::waiting;
    silent = reported = queued = closed = truncated = collecting = answered = false;
    status = 0;
    code = 0;
    tag = for_tag;
    uploaded = 0;
    headers.clear();
    body.clear();
  }
};

/// `:status`; 0 when it is none.
inline int status_of(std::string_view digits) {
  if (digits.size() != 3) return 0;
  int n = 0;
  for (char c : digits) {
    if (c < '0' || c > '9') return 0;
    n = n * 10 + (c - '0');
  }
  return n;
}

}  // namespace reveille::http2
