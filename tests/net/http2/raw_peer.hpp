/// A server that follows no rules: frames written and read octet by octet (RFC 9113 4.1, 6), against one client session.
#pragma once

#include <nghttp2/nghttp2.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/net/http2/session_pair.hpp"

namespace reveille::http2::testing {

enum frame_type : std::uint8_t { data_frame = 0, headers_frame_type = 1, rst_stream_frame = 3, settings_frame = 4,
                                 goaway_frame = 7, window_update_frame = 8, continuation_frame = 9 };
inline constexpr std::uint8_t end_stream = 1, end_headers = 4, ack = 1;
enum setting_id : std::uint16_t { header_table_size = 1, max_concurrent_streams = 3, initial_window_size = 4,
                                  max_frame_size = 5 };

struct seen_frame {
  std::uint8_t type = 0, flags = 0;
  std::uint32_t stream = 0;
  std::string payload;
};

inline std::string number(std::uint64_t value, int octets) {
  std::string out;
  for (int i = octets - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i) & 255);
  return out;
}

class raw_peer {
 public:
  explicit raw_peer(client_config config = {}) : client(client_side, config) {}

  // --- what the peer says

  void say(std::uint8_t type, std::uint8_t flags, std::uint32_t stream, std::string_view payload) {
    feed(number(payload.size(), 3) + number(type, 1) + number(flags, 1) + number(stream, 4) + std::string(payload));
  }
  void feed(std::string_view bytes) {
    client.receive({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  }
  void settings(const std::vector<std::pair<setting_id, std::uint32_t>>& entries) {
    std::string payload;
    for (const auto& [id, value] : entries) payload += number(id, 2) + number(value, 4);
    say(settings_frame, 0, 0, payload);
  }
  void goaway(std::uint32_t last, std::uint32_t code = 0) { say(goaway_frame, 0, 0, number(last, 4) + number(code, 4)); }
  void reset(std::uint32_t stream, std::uint32_t code) { say(rst_stream_frame, 0, stream, number(code, 4)); }
  void window_update(std::uint32_t stream, std::uint32_t octets) { say(window_update_frame, 0, stream, number(octets, 4)); }
  /// Literal fields without indexing (RFC 7541 6.2.2).
  static std::string block(const std::vector<std::pair<std::string, std::string>>& of) {
    std::string out;
    for (const auto& [name, value] : of) {
      out += '\0';
      out += static_cast<char>(name.size());
      out += name;
      out += static_cast<char>(value.size());
      out += value;
    }
    return out;
  }
  void headers(std::uint32_t stream, const std::vector<std::pair<std::string, std::string>>& of,
               std::uint8_t flags = end_stream | end_headers) {
    say(headers_frame_type, flags, stream, block(of));
  }

  // --- what the client says

  stream_handle post(std::uint64_t tag, std::string_view body = "{}") {
    request r;
    r.authority = "localhost";
    r.path = "/3/device/aa";
    r.headers = fields;
    r.body = body;
    return client.submit(r, tag);
  }
  /// All frames that the client has to send now, the preface left out.
  std::vector<seen_frame> listen() {
    std::vector<std::uint8_t> bytes;
    client.produce(bytes, 1 << 24);
    std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    constexpr std::string_view preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    if (text.substr(0, preface.size()) == preface) text.remove_prefix(preface.size());
    std::vector<seen_frame> out;
    while (text.size() >= 9) {
      const auto at = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i])); };
      const std::size_t size = at(0) << 16 | at(1) << 8 | at(2);
      out.push_back({static_cast<std::uint8_t>(at(3)), static_cast<std::uint8_t>(at(4)),
                     at(5) << 24 | at(6) << 16 | at(7) << 8 | at(8), std::string(text.substr(9, size))});
      text.remove_prefix(std::min(text.size(), 9 + size));
    }
    return out;
  }
  /// Octets of DATA among `frames`.
  static std::string data_of(const std::vector<seen_frame>& frames) {
    std::string out;
    for (const seen_frame& f : frames) {
      if (f.type == data_frame) out += f.payload;
    }
    return out;
  }

  recording_client client_side;
  std::vector<header> fields;
  client_session client;
};

}  // namespace reveille::http2::testing
