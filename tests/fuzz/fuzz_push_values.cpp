#include "push_entries.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  reveille::fuzz::push_values(data, size);
  return 0;
}
