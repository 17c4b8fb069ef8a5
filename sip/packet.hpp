/// Bytes ready for a transport.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/slab.hpp"

namespace reveille::sip {

struct packet {
  slab_ptr bytes;          ///< null when the pool was at its bound
  std::uint32_t size = 0;
  std::string_view view() const { return {bytes->data(), size}; }
};

}  // namespace reveille::sip
