/// Fixed-size octet strings for what is signed: numbers big-endian, addresses as themselves. No allocation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "core/flow.hpp"

namespace reveille {

/// @pre what is put fits (assertion by construction: the formats are fixed and Capacity holds the longest).
template <std::size_t Capacity>
class octet_writer {
 public:
  void put(std::uint64_t value, std::size_t octets) {
    for (std::size_t i = octets; i-- > 0;) bytes_[size_++] = static_cast<std::uint8_t>(value >> (8 * i));
  }
  void put_address(const endpoint& e) {
    put(e.port, 2);
    const std::size_t n = e.v6 ? 16 : 4;
    std::memcpy(bytes_.data() + size_, e.address.data(), n);
    size_ += n;
  }
  std::span<const std::uint8_t> octets() const { return {bytes_.data(), size_}; }
  std::string_view text() const { return {reinterpret_cast<const char*>(bytes_.data()), size_}; }

 private:
  std::array<std::uint8_t, Capacity> bytes_{};
  std::size_t size_ = 0;
};

/// Reading past the end gives zeros and makes complete() false.
class octet_reader {
 public:
  explicit octet_reader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  std::uint64_t take(std::size_t octets) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < octets; ++i) value = value << 8 | next();
    return value;
  }
  endpoint take_address(bool v6) {
    endpoint e;
    e.v6 = v6;
    e.port = static_cast<std::uint16_t>(take(2));
    for (std::size_t i = 0; i < (v6 ? 16U : 4U); ++i) e.address[i] = next();
    return e;
  }
  bool complete() const { return !overrun_ && at_ == bytes_.size(); }

 private:
  std::uint8_t next() {
    if (at_ == bytes_.size()) {
      overrun_ = true;
      return 0;
    }
    return bytes_[at_++];
  }
  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
  bool overrun_ = false;
};

}  // namespace reveille
