/// Ids as types: an aor cannot be passed where a prid is wanted.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace reveille {

/// A string that means one thing. Tag is an empty struct that names the meaning.
template <class Tag>
class text_id {
 public:
  text_id() = default;
  explicit text_id(std::string value) : value_(std::move(value)) {}
  explicit text_id(std::string_view value) : value_(value) {}
  explicit text_id(const char* value) : value_(value) {}

  const std::string& str() const { return value_; }
  std::string_view view() const { return value_; }
  bool empty() const { return value_.empty(); }
  auto operator<=>(const text_id&) const = default;

 private:
  std::string value_;
};

/// Canonical address-of-record `user@host`: host in lower case, user with unreserved characters unescaped
/// and the rest %HH in upper case (made by sip::aor_of, RFC 3261 10.3 step 5). No scheme, no parameters.
using aor = text_id<struct aor_tag>;
/// A device's token in its push service (RFC 8599 pn-prid, after %-decoding). Never in a log or label.
using prid = text_id<struct prid_tag>;

/// 64-bit SipHash of an aor under the node's key: finds its home shard and its directory entry.
/// Collisions are possible; whoever owns the entry compares the whole aor.
struct aor_key {
  std::uint64_t value = 0;
  auto operator<=>(const aor_key&) const = default;
};

/// The identity of one call: the first 16 octets of SHA-256(Call-ID), so it is stable over retransmissions,
/// forks, restarts and nodes, and a caller cannot aim it at another call's (SPEC 1).
struct call_ref {
  std::array<std::uint8_t, 16> bytes{};
  auto operator<=>(const call_ref&) const = default;
  std::string hex() const {  ///< 32 lower-case digits, as in logs and profile `native`
    static constexpr char digits[] = "0123456789abcdef";
    std::string out;
    out.reserve(32);
    for (std::uint8_t b : bytes) {
      out += digits[b >> 4];
      out += digits[b & 15];
    }
    return out;
  }
};

/// A device within one AOR (SPEC 1); dense small numbers given out by the registration, never reused
/// while a call refers to them.
struct device_id {
  std::uint32_t value = 0;
  auto operator<=>(const device_id&) const = default;
};

/// A shard of this node, 0-based.
struct shard_id {
  std::uint16_t value = 0;
  auto operator<=>(const shard_id&) const = default;
};

}  // namespace reveille

template <class Tag>
struct std::hash<reveille::text_id<Tag>> {
  std::size_t operator()(const reveille::text_id<Tag>& id) const noexcept {
    return std::hash<std::string>{}(id.str());
  }
};
template <>
struct std::hash<reveille::aor_key> {
  std::size_t operator()(reveille::aor_key k) const noexcept { return k.value; }
};
template <>
struct std::hash<reveille::call_ref> {
  std::size_t operator()(const reveille::call_ref& c) const noexcept {
    std::size_t h;
    std::memcpy(&h, c.bytes.data(), sizeof h);
    return h;
  }
};
