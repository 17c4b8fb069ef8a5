/// What the program takes by operator new, for tests that hold the hot path to "no allocation". Linking
/// allocation_counter.cpp replaces the operators of the whole program.
#pragma once

#include <cstdint>

namespace reveille {

/// Since the calling thread began. Slabs count too: a pool that grows takes memory.
std::uint64_t heap_allocations();

}  // namespace reveille
