/// Messages from literals, for every test that needs one.
#pragma once

#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>

#include "core/slab.hpp"
#include "sip/message.hpp"

namespace reveille::sip {

/// Lives until the process ends, as pools must outlive what they gave. One thread.
inline slab_pool& test_pool() {
  static auto* const pool = new slab_pool(std::size_t{256} << 20);
  return *pool;
}

/// Literals are written with bare line feeds.
inline std::string with_crlf(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 32);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) out += '\r';
    out += text[i];
  }
  return out;
}

/// Parses exactly these octets.
inline result<message_ptr, reject> parse_octets(std::string_view octets, bool datagram = true,
                                                std::size_t room = message::index_room) {
  slab_ptr bytes = test_pool().take(octets.size() + room);
  if (!bytes) bytes = test_pool().take(octets.size());
  if (!bytes) throw std::runtime_error("no slab for " + std::to_string(octets.size()) + " octets");
  std::memcpy(bytes->data(), octets.data(), octets.size());
  return message::parse(std::move(bytes), octets.size(), datagram);
}

/// A message from a literal with bare line feeds; throws with the reason when it does not parse.
inline message_ptr make_message(std::string_view text) {
  const auto parsed = parse_octets(with_crlf(text));
  if (!parsed) throw std::runtime_error("make_message: " + std::string(parsed.error().reason));
  return *parsed;
}

}  // namespace reveille::sip
