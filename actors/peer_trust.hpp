/// How far the sender of a request is believed (SPEC 3.7 and 10).
#pragma once

#include <cstdint>

namespace reveille {

enum class peer_trust : std::uint8_t { open, subscriber, trusted };

}  // namespace reveille
