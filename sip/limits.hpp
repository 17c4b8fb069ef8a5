/// Bounds of the message layer. Each has a reject reason of its own (sip/reject.hpp), which the shard counts.
#pragma once

#include <cstddef>
#include <cstdint>

namespace reveille::sip::limits {

inline constexpr std::size_t header_section = 16 * 1024;  ///< offsets into it are 16 bits wide
inline constexpr std::size_t message = 64 * 1024;         ///< the largest UDP datagram and the largest slab
inline constexpr std::size_t lines = 160;                 ///< a 2 KiB message with more is no SIP phone's
inline constexpr std::size_t name = 128;                  ///< RFC 4475 3.1.1.7 has one of 97
inline constexpr std::size_t value = 4096;                ///< a FCM token in a Contact is 200, a STIR Identity 1000
inline constexpr std::size_t contact_value = 8192;        ///< a Contact whose token has the 4 KB that SPEC 2.1 allows
inline constexpr std::size_t vias = 70;                   ///< Max-Forwards starts at 70
inline constexpr std::size_t routes = 32;                 ///< each of Route, Record-Route, Path
inline constexpr std::size_t contacts = 16;               ///< above what one AOR may bind (SPEC 2.4)
inline constexpr std::size_t params = 32;                 ///< of one URI, or of one element; also headers of one URI
inline constexpr std::uint32_t cseq = 0x7fffffff;         ///< RFC 3261 8.1.1.5
inline constexpr std::uint32_t max_forwards = 255;        ///< RFC 3261 20.22

}  // namespace reveille::sip::limits
