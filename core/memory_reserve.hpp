/// Memory that is kept back for the moment when the system refuses more (a limit on address space, no overcommit): the
/// allocation that would have failed gets it, nothing is torn down half done, and the entrances refuse new work until
/// there is memory again (SPEC 9.3). Only when all of it is used up does an allocation throw.
///
/// One in a process, since operator new has one handler. Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>

namespace reveille::memory_reserve {

/// Address space only: nothing is resident until it is needed. Enough for what is in flight on all threads.
constexpr std::size_t default_bytes = std::size_t{32} << 20;

/// Takes the reserve, in blocks, and becomes the new-handler. Again: another reserve in place of the first.
/// @return whether the system gave all of it.
bool install(std::size_t bytes = default_bytes);
/// Gives the reserve back, and the handler up.
void uninstall();

/// Whether some of it is in use: new work is to be refused.
bool in_use();
/// Tries to take back what is in use. @return whether the reserve is whole.
bool refill();
/// Blocks given out so far.
std::uint64_t given_out();

}  // namespace reveille::memory_reserve
