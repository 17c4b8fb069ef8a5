/// What both transaction tables use: the way out, the keys, and the meaning of their timers in the shard's wheel.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/flow.hpp"
#include "core/hash.hpp"
#include "core/timer_wheel.hpp"
#include "sip/edit.hpp"
#include "sip/message.hpp"

namespace reveille::sip {

/// Port: one packet to one flow. @return false on a transport error known at once.
class packet_outlet {
 public:
  virtual ~packet_outlet() = default;
  virtual bool transmit(const flow& to, const packet& what) = 0;
};

/// The timers of RFC 3261 table 4, by what they do. Which letter it is follows from the state: `server_life` is the
/// guard, H, I, J or L, `client_life` B, D, F, K, M, or the end of patience after a CANCEL.
enum class transaction_timer : std::uint8_t { server_repeat, server_life, client_repeat, client_life };

/// Packs a timer into the wheel's 64 bits: kind, 24 bits of generation, index.
constexpr std::uint64_t timer_payload(transaction_timer kind, std::uint32_t index, std::uint32_t generation) {
  return static_cast<std::uint64_t>(kind) << 56 | static_cast<std::uint64_t>(generation & 0xffffff) << 32 | index;
}
constexpr transaction_timer timer_kind_of(std::uint64_t payload) {
  return static_cast<transaction_timer>(payload >> 56);
}
constexpr std::uint32_t timer_index_of(std::uint64_t payload) { return static_cast<std::uint32_t>(payload); }
constexpr std::uint32_t timer_generation_of(std::uint64_t payload) {
  return static_cast<std::uint32_t>(payload >> 32) & 0xffffff;
}

/// SipHash over several texts without joining them: each is hashed under a key that holds all before it.
class chained_hash {
 public:
  explicit chained_hash(hash_key key) : key_(key) {}
  chained_hash& add(std::string_view text) {
    state_ = siphash({key_.k0 ^ state_, key_.k1}, text);
    return *this;
  }
  chained_hash& add(std::uint64_t number) {
    char bytes[sizeof number];
    std::memcpy(bytes, &number, sizeof number);
    return add(std::string_view(bytes, sizeof bytes));
  }
  std::uint64_t value() const { return state_; }

 private:
  hash_key key_;
  std::uint64_t state_ = 0;
};

/// True for a branch that RFC 3261 17.2.3 lets us match by; "z9hG4bK" alone (RFC 4475 3.2.1) identifies nothing.
inline bool has_transaction_branch(const message& request) {
  constexpr std::string_view cookie = "z9hG4bK";
  const std::string_view branch = request.top_via().branch;
  return branch.size() > cookie.size() && branch.substr(0, cookie.size()) == cookie;
}

/// Names the server transaction of a request (RFC 3261 17.2.3). An ACK and a CANCEL get that of their INVITE.
/// Besides branch, sent-by and method, Call-ID, From tag, CSeq number and the sender take part (SPEC 10a.2): who guesses a
/// branch and comes first, or cancels it, has a transaction of his own. Without a usable branch the fields of RFC 2543
/// do, save the To tag, which an ACK has and its INVITE had not.
/// @param sender the same for all that may speak for one sender
std::uint64_t server_fingerprint(const message& request, hash_key key, std::uint64_t sender = 0);

}  // namespace reveille::sip
