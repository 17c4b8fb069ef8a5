#include "sip_entries.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  reveille::fuzz::sip_parse(data, size);
  return 0;
}
