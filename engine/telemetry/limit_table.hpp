/// The counters that say that a bound was hit, and what each means to an operator: one row for each, beside the families
/// that show them. Every other counter is listed as one that tells of no bound; a test wants each in one of the two.
#pragma once

#include <span>
#include <string_view>

namespace reveille {

struct limit {
  std::string_view family;    ///< of a counter; rows of one family stand together
  std::string_view label;     ///< "" = all of the family; other labels (shard, provider) are summed
  std::string_view value;
  std::string_view meaning;   ///< what was refused, and for want of what
  std::string_view advice;    ///< what to look at or change
};
std::span<const limit> limit_table();

/// Counters that are no bound's: a whole family, or one value of a label in a family that has bounds too.
struct no_limit {
  std::string_view family;
  std::string_view label;
  std::string_view value;
};
std::span<const no_limit> no_limits();

}  // namespace reveille
