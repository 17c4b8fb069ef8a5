#include "engine/shard/branch.hpp"

#include <cstring>

#include "engine/shard/base32.hpp"
#include "engine/shard/octets.hpp"

namespace reveille {
namespace {

constexpr std::string_view transaction_prefix = "z9hG4bKs";
constexpr std::string_view stateless_prefix = "z9hG4bKd";
constexpr std::size_t mac_octets = 8;
constexpr std::size_t longest = 8 + 4 + 1 + 1 + 18 + mac_octets;
static_assert(stateless_prefix.size() + base32_size(longest) <= branch_text::capacity);

/// The prefix takes part, so that one kind never passes for the other (nor for a flow token).
std::uint64_t mac(std::string_view prefix, std::string_view payload, const branch_keys& keys) {
  const std::uint64_t start = prefix == transaction_prefix ? keys.start : 0;
  return siphash({keys.lasting.k0 ^ siphash(keys.lasting, prefix), keys.lasting.k1 ^ start}, payload);
}

}  // namespace

branch_text write_branch(const our_branch& what, const branch_keys& keys) {
  octet_writer<longest> bytes;
  std::string_view prefix;
  if (const auto* t = std::get_if<transaction_branch>(&what)) {
    prefix = transaction_prefix;
    bytes.put(t->shard.value, 2);
    bytes.put(t->index, 4);
    bytes.put(t->generation, 4);
    bytes.put(t->loop_hash, 4);
  } else {
    const auto& d = std::get<stateless_branch>(what);
    prefix = stateless_prefix;
    bytes.put(d.upstream, 8);
    bytes.put(d.asked, 4);
    bytes.put(d.listener, 1);
    bytes.put(d.back.v6 ? 1 : 0, 1);
    bytes.put_address(d.back);
  }
  bytes.put(mac(prefix, bytes.text(), keys), mac_octets);
  branch_text out;
  std::memcpy(out.text_, prefix.data(), prefix.size());
  out.size_ = prefix.size() + base32_encode(bytes.octets(), out.text_ + prefix.size());
  return out;
}

std::optional<our_branch> read_branch(std::string_view text, const branch_keys& keys) {
  const std::string_view prefix = text.substr(0, transaction_prefix.size());
  const bool transaction = prefix == transaction_prefix;
  if (!transaction && prefix != stateless_prefix) return std::nullopt;
  std::uint8_t raw[longest];
  const auto size = base32_decode(text.substr(prefix.size()), raw);
  if (!size || *size <= mac_octets) return std::nullopt;
  const std::size_t payload = *size - mac_octets;
  octet_reader signature({raw + payload, mac_octets});
  if (signature.take(mac_octets) != mac(prefix, {reinterpret_cast<const char*>(raw), payload}, keys)) {
    return std::nullopt;
  }
  octet_reader in({raw, payload});
  if (transaction) {
    transaction_branch t;
    t.shard.value = static_cast<std::uint16_t>(in.take(2));
    t.index = static_cast<std::uint32_t>(in.take(4));
    t.generation = static_cast<std::uint32_t>(in.take(4));
    t.loop_hash = static_cast<std::uint32_t>(in.take(4));
    if (!in.complete()) return std::nullopt;
    return t;
  }
  stateless_branch d;
  d.upstream = in.take(8);
  d.asked = static_cast<std::uint32_t>(in.take(4));
  d.listener = static_cast<std::uint8_t>(in.take(1));
  d.back = in.take_address(in.take(1) != 0);
  if (!in.complete()) return std::nullopt;
  return d;
}

}  // namespace reveille
