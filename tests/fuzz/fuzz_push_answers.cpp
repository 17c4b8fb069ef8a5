#include "push_entries.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  reveille::fuzz::push_answers(data, size);
  return 0;
}
