/// Writes octets into a slab: how responses and our own requests are built without allocating.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "core/flow.hpp"
#include "core/slab.hpp"
#include "sip/packet.hpp"

namespace reveille::sip {

/// Appends; takes a larger slab from the pool when the first was too small. Once the pool refuses (its bound, or more
/// than its largest slab) everything further is dropped and finish() gives a null packet. Not thread-safe.
class writer {
 public:
  /// @param expected octets, a guess; the pool must outlive the writer.
  writer(slab_pool& pool, std::size_t expected, slab_use use = slab_use::work)
      : pool_(pool), use_(use), slab_(pool.take(expected, use)) {
    if (slab_) capacity_ = slab_->capacity();
  }
  writer(const writer&) = delete;
  writer& operator=(const writer&) = delete;

  writer& text(std::string_view bytes) {
    if (bytes.size() > capacity_ - size_ && !grow(bytes.size())) return *this;
    if (!bytes.empty()) std::memcpy(slab_->data() + size_, bytes.data(), bytes.size());
    size_ += bytes.size();
    return *this;
  }
  writer& number(std::uint64_t n);
  writer& address(const endpoint& of);          ///< "192.0.2.1", "2001:db8::1"
  /// A whole line, `name: value` and CRLF.
  writer& line(std::string_view name, std::string_view value) {
    return text(name).text(": ").text(value).text("\r\n");
  }

  bool ok() const { return slab_ != nullptr; }
  std::size_t size() const { return size_; }
  /// Hands the bytes over; the writer is empty afterwards.
  packet finish() {
    packet out{std::move(slab_), static_cast<std::uint32_t>(size_)};
    if (!out.bytes) out.size = 0;
    size_ = capacity_ = 0;
    return out;
  }

 private:
  bool grow(std::size_t more);

  slab_pool& pool_;
  slab_use use_;
  slab_ptr slab_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

/// Room for the text of any address, "[" and "]" not counted.
inline constexpr std::size_t address_room = 48;
/// Writes the address without brackets. @return its length.
std::size_t write_address(const endpoint& of, char (&out)[address_room]);
/// Digits of `n`. @return their number.
std::size_t write_number(std::uint64_t n, char (&out)[20]);

}  // namespace reveille::sip
