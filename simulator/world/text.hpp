/// SIP text for the virtual phones and callers: they write by hand, so that they share no mistake with the builder.
#pragma once

#include <string>
#include <string_view>

#include "sip/message.hpp"

namespace reveille::world {

inline sip::message_ptr read(slab_pool& pool, std::string_view bytes) {
  slab_ptr slab = pool.take(2 * bytes.size() + 4096);
  if (!slab) return nullptr;
  bytes.copy(slab->data(), bytes.size());
  auto parsed = sip::message::parse(std::move(slab), bytes.size(), true);
  return parsed ? *parsed : nullptr;
}

/// Every line of that field, copied: "Via: ...\r\n".
inline std::string lines_of(const sip::message& m, sip::header h) {
  std::string out;
  m.for_each(h, [&](std::string_view value) {
    out += std::string(sip::name_of(h)) + ": " + std::string(value) + "\r\n";
  });
  return out;
}

inline std::string value_of(const sip::message& m, sip::header h) { return std::string(m.first(h).value_or("")); }

}  // namespace reveille::world
