/// The figures as text for a terminal and as Markdown for docs/hostile.md.
#pragma once

#include <string>
#include <vector>

#include "tests/hostile/measure.hpp"

namespace reveille::hostile {

/// Some lines about one attack.
std::string text_of(const figures& f);
/// Heading of these lines.
std::string text_heading();
/// The table, one row an attack.
std::string markdown_of(const std::vector<figures>& all);

}  // namespace reveille::hostile
