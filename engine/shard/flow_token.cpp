#include "engine/shard/flow_token.hpp"

#include "engine/shard/base32.hpp"
#include "engine/shard/octets.hpp"

namespace reveille {
namespace {

constexpr std::uint8_t version = 1;   ///< UDP flows; connections will be another
constexpr std::uint8_t callee_v6 = 1, caller_v6 = 2, caller_direct = 4;
constexpr std::size_t mac_octets = 8;
constexpr std::size_t longest = 2 + 19 + 19 + 4 + mac_octets;
static_assert(base32_size(longest) <= flow_token_text::capacity);

std::uint64_t mac(std::string_view payload, std::string_view call_id, hash_key secret) {
  const std::uint64_t of_call = siphash({secret.k0, ~secret.k1}, call_id);
  return siphash({secret.k0 ^ of_call, secret.k1 + 1}, payload);
}

}  // namespace

flow_token_text write_flow_token(const flow_token& what, std::string_view call_id, hash_key secret) {
  octet_writer<longest> bytes;
  bytes.put(version, 1);
  bytes.put((what.callee.remote.v6 ? callee_v6 : 0U) | (what.caller.remote.v6 ? caller_v6 : 0U) |
                (what.caller_direct ? caller_direct : 0U),
            1);
  bytes.put(what.callee.listener, 1);
  bytes.put_address(what.callee.remote);
  bytes.put(what.caller.listener, 1);
  bytes.put_address(what.caller.remote);
  bytes.put(what.caller_tag, 4);
  bytes.put(mac(bytes.text(), call_id, secret), mac_octets);
  flow_token_text out;
  out.size_ = base32_encode(bytes.octets(), out.text_);
  return out;
}

std::optional<flow_token> read_flow_token(std::string_view user, std::string_view call_id, hash_key secret) {
  std::uint8_t raw[longest];
  const auto size = base32_decode(user, raw);
  if (!size || *size <= mac_octets) return std::nullopt;
  const std::size_t payload = *size - mac_octets;
  octet_reader signature({raw + payload, mac_octets});
  if (signature.take(mac_octets) != mac({reinterpret_cast<const char*>(raw), payload}, call_id, secret)) {
    return std::nullopt;
  }
  octet_reader in({raw, payload});
  if (in.take(1) != version) return std::nullopt;
  const std::uint64_t flags = in.take(1);
  flow_token out;
  out.callee.listener = static_cast<std::uint8_t>(in.take(1));
  out.callee.remote = in.take_address((flags & callee_v6) != 0);
  out.caller.listener = static_cast<std::uint8_t>(in.take(1));
  out.caller.remote = in.take_address((flags & caller_v6) != 0);
  out.caller_direct = (flags & caller_direct) != 0;
  out.caller_tag = static_cast<std::uint32_t>(in.take(4));
  if (!in.complete()) return std::nullopt;
  return out;
}

std::uint32_t tag_hash(std::string_view tag, hash_key secret) {
  return static_cast<std::uint32_t>(siphash({~secret.k0, secret.k1}, tag));
}

}  // namespace reveille
