/// What the fuzzer of the configuration file does with one input, also as a plain test over the committed corpus.
#pragma once

#include <cstddef>
#include <cstdint>

namespace reveille::fuzz {

/// A configuration is read, or has faults that say where; what is read prints to a file that reads the same.
void config_file(const std::uint8_t* data, std::size_t size);

}  // namespace reveille::fuzz
