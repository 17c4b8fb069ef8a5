/// Asking the CPU for memory ahead of its use.
#pragma once

#include <cstddef>

namespace reveille {

/// All cache lines of `octets` octets from `start` on. The address may be anything: a prefetch does not fault.
inline void prefetch_lines(const void* start, std::size_t octets) {
  constexpr std::size_t line = 64;
  const char* p = static_cast<const char*>(start);
  for (std::size_t i = 0; i < octets; i += line) __builtin_prefetch(p + i);
}

}  // namespace reveille
