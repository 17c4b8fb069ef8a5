#include "tests/sip/work_counter.hpp"

#include <cstddef>

namespace {
std::uint64_t steps = 0;

constexpr std::size_t octets_per_step = 16;
void count(std::size_t octets) { steps += 1 + octets / octets_per_step; }
}  // namespace

std::uint64_t reveille::work_steps() { return steps; }

// The linker sends the program's calls here (--wrap), the compiler's coverage calls the first.
extern "C" {
void __sanitizer_cov_trace_pc() { ++steps; }

void* __real_memchr(const void* in, int wanted, std::size_t size);
void* __wrap_memchr(const void* in, int wanted, std::size_t size) {
  void* const found = __real_memchr(in, wanted, size);
  count(found == nullptr ? size : static_cast<std::size_t>(static_cast<const char*>(found) - static_cast<const char*>(in)));
  return found;
}
int __real_memcmp(const void* a, const void* b, std::size_t size);
int __wrap_memcmp(const void* a, const void* b, std::size_t size) {
  count(size);
  return __real_memcmp(a, b, size);
}
void* __real_memcpy(void* to, const void* from, std::size_t size);
void* __wrap_memcpy(void* to, const void* from, std::size_t size) {
  count(size);
  return __real_memcpy(to, from, size);
}
void* __real_memmove(void* to, const void* from, std::size_t size);
void* __wrap_memmove(void* to, const void* from, std::size_t size) {
  count(size);
  return __real_memmove(to, from, size);
}
}
