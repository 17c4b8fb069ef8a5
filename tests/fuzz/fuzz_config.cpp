#include "config_entries.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  reveille::fuzz::config_file(data, size);
  return 0;
}
