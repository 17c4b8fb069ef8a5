/// Durations as people write them: "600ms", "3s", "1.5s", "2m", "250us", "1h".
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace reveille::report {

/// A number and a unit (ns, us, ms, s, m, h); a bare "0" too. Not negative, at most 1000 h.
result<std::chrono::nanoseconds> parse_duration(std::string_view text);

/// Three significant digits and the fitting unit: "1.53 ms".
std::string write_duration(std::chrono::nanoseconds value);

}  // namespace reveille::report
