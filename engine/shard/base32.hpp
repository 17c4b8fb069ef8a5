/// RFC 4648 base32 in lower case, without padding: survives whoever folds the case of a branch or a user part.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace reveille {

constexpr std::size_t base32_size(std::size_t octets) { return (octets * 8 + 4) / 5; }

/// @pre out holds base32_size(in.size()) characters. @return how many were written.
std::size_t base32_encode(std::span<const std::uint8_t> in, char* out);
/// Strict: no other characters, no stray bits at the end. @return octets written, nullopt on a fault or lack of room.
std::optional<std::size_t> base32_decode(std::string_view in, std::span<std::uint8_t> out);

}  // namespace reveille
