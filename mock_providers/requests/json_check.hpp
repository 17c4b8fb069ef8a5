/// Is a push's body a JSON object? Asked for every push, so without building anything. Pure.
#pragma once

#include <cstddef>
#include <string_view>

namespace reveille::mock_providers {

/// Deeper bodies than this are no payload; nothing that fits into one push nests so.
inline constexpr std::size_t max_json_depth = 512;

/// RFC 8259, strictly: well-formed UTF-8, no trailing commas, nothing after the value but white space.
bool is_json_object(std::string_view text);

}  // namespace reveille::mock_providers
