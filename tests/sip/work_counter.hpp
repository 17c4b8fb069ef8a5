/// Counts the work of code that was compiled with -fsanitize-coverage=trace-pc: a step for each basic block, and for 16
/// octets that the C library searches, compares or copies for it. The same on every machine, with no clock in it.
#pragma once

#include <cstdint>

namespace reveille {

/// Steps of this process so far. One thread.
std::uint64_t work_steps();

}  // namespace reveille
