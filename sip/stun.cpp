#include "sip/stun.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdint>

namespace reveille::sip {
namespace {

constexpr std::size_t header_size = 20;
constexpr std::uint16_t binding_request = 0x0001;
constexpr std::uint16_t binding_success = 0x0101;
constexpr std::uint16_t binding_error = 0x0111;
constexpr std::uint16_t error_code = 0x0009;
constexpr std::uint16_t unknown_attributes = 0x000a;
constexpr std::uint16_t xor_mapped_address = 0x0020;
constexpr std::uint16_t first_optional = 0x8000;  ///< from here on a server may ignore what it does not know
constexpr std::array<unsigned char, 4> cookie{0x21, 0x12, 0xa4, 0x42};
constexpr std::size_t unknown_named = 4;
constexpr std::string_view unknown_reason = "Unknown Attribute";

std::uint16_t number_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[at]) << 8 | static_cast<unsigned char>(bytes[at + 1]));
}

/// USERNAME, MESSAGE-INTEGRITY, ERROR-CODE, UNKNOWN-ATTRIBUTES, REALM, NONCE, (XOR-)MAPPED-ADDRESS: known, and of no use.
bool is_known(std::uint16_t type) {
  constexpr std::uint16_t known[] = {0x0001, 0x0006, 0x0008, 0x0009, 0x000a, 0x0014, 0x0015, 0x0020};
  return std::find(std::begin(known), std::end(known), type) != std::end(known);
}

class writer {
 public:
  explicit writer(std::span<char> out) : out_(out) {}
  void put(std::string_view bytes) {
    assert(bytes.size() <= out_.size() - size_);
    bytes.copy(out_.data() + size_, bytes.size());
    size_ += bytes.size();
  }
  void put8(unsigned value) {
    const char octet = static_cast<char>(value);
    put({&octet, 1});
  }
  void put16(unsigned value) {
    put8(value >> 8 & 0xff);
    put8(value & 0xff);
  }
  void pad() {
    while (size_ % 4 != 0) put8(0);
  }
  std::size_t size() const { return size_; }
  /// The header's length, known when all attributes stand.
  void close() {
    const std::size_t length = size_ - header_size;
    out_[2] = static_cast<char>(length >> 8);
    out_[3] = static_cast<char>(length & 0xff);
  }

 private:
  std::span<char> out_;
  std::size_t size_ = 0;
};

void begin(writer& w, std::uint16_t type, std::string_view request) {
  w.put16(type);
  w.put16(0);
  w.put(request.substr(4, 16));  // cookie and transaction id
}

void write_address(writer& w, std::string_view request, const endpoint& from) {
  const std::size_t size = from.v6 ? 16 : 4;
  w.put16(xor_mapped_address);
  w.put16(static_cast<unsigned>(4 + size));
  w.put8(0);
  w.put8(from.v6 ? 2 : 1);
  w.put16(from.port ^ static_cast<unsigned>(cookie[0] << 8 | cookie[1]));
  for (std::size_t i = 0; i < size; ++i) w.put8(from.address[i] ^ static_cast<unsigned char>(request[4 + i]));
}

}  // namespace

std::size_t answer_stun(std::string_view datagram, const endpoint& from, std::span<char> out) {
  assert(out.size() >= stun_answer_limit);
  if (datagram.size() < header_size || number_at(datagram, 0) != binding_request) return 0;
  const std::string_view sent_cookie = datagram.substr(4, 4);
  const bool same = std::equal(cookie.begin(), cookie.end(), sent_cookie.begin(),
                               [](unsigned char a, char b) { return a == static_cast<unsigned char>(b); });
  if (!same || datagram.size() != header_size + number_at(datagram, 2) || datagram.size() % 4 != 0) return 0;

  std::array<std::uint16_t, unknown_named> unknown{};
  std::size_t unknown_count = 0;
  for (std::size_t at = header_size; at < datagram.size();) {
    const std::uint16_t type = number_at(datagram, at);
    const std::size_t padded = (std::size_t{number_at(datagram, at + 2)} + 3) / 4 * 4;
    at += 4 + padded;
    if (at > datagram.size()) return 0;
    if (type < first_optional && !is_known(type) && unknown_count < unknown_named) unknown[unknown_count++] = type;
  }

  writer w(out);
  if (unknown_count == 0) {
    begin(w, binding_success, datagram);
    write_address(w, datagram, from);
  } else {  // RFC 5389 7.3.1
    begin(w, binding_error, datagram);
    w.put16(error_code);
    w.put16(static_cast<unsigned>(4 + unknown_reason.size()));
    w.put16(0);
    w.put8(4);
    w.put8(20);
    w.put(unknown_reason);
    w.pad();
    w.put16(unknown_attributes);
    w.put16(static_cast<unsigned>(2 * unknown_count));
    for (std::size_t i = 0; i < unknown_count; ++i) w.put16(unknown[i]);
    w.pad();
  }
  w.close();
  return w.size();
}

}  // namespace reveille::sip
