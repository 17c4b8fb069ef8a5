/// printf into a string, for tables of fixed columns.
#pragma once

#include <cstdint>
#include <string>

namespace reveille::report {

/// Appends; what is longer than 511 octets is cut.
[[gnu::format(printf, 2, 3)]] void put(std::string& out, const char* format, ...);

/// For %llu, whatever std::uint64_t is here.
inline unsigned long long wide(std::uint64_t n) { return n; }

}  // namespace reveille::report
