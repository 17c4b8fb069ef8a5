#include "sip/writer.hpp"

#include <arpa/inet.h>

#include <charconv>

namespace reveille::sip {

std::size_t write_number(std::uint64_t n, char (&out)[20]) {
  return static_cast<std::size_t>(std::to_chars(out, out + sizeof out, n).ptr - out);
}

std::size_t write_address(const endpoint& of, char (&out)[address_room]) {
  if (of.v6) {
    ::inet_ntop(AF_INET6, of.address.data(), out, sizeof out);
    return std::strlen(out);
  }
  char* p = out;
  for (std::size_t i = 0; i < 4; ++i) {
    if (i > 0) *p++ = '.';
    p = std::to_chars(p, out + sizeof out, unsigned{of.address[i]}).ptr;
  }
  return static_cast<std::size_t>(p - out);
}

writer& writer::number(std::uint64_t n) {
  char digits[20];
  return text({digits, write_number(n, digits)});
}

writer& writer::address(const endpoint& of) {
  char shown[address_room];
  return text({shown, write_address(of, shown)});
}

bool writer::grow(std::size_t more) {
  if (!slab_) return false;
  slab_ptr larger = pool_.take(size_ + more, use_);
  if (larger) {
    std::memcpy(larger->data(), slab_->data(), size_);
    capacity_ = larger->capacity();
  } else {
    size_ = capacity_ = 0;
  }
  slab_ = std::move(larger);
  return slab_ != nullptr;
}

}  // namespace reveille::sip
