/// The branch parameters of our own Vias: signed, so that nobody forges a response, and telling, so that a response
/// needs no look-up by text.
///
///   z9hG4bKs<base32>  of a client transaction: shard, entry, generation, loop hash (RFC 3261 16.6 item 8), MAC
///   z9hG4bKd<base32>  of a request forwarded without state (RFC 3261 16.11): hash of the upstream transaction, hash of
///                     whom it went to, the flow by which its response goes back, MAC
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "core/flow.hpp"
#include "core/hash.hpp"
#include "core/ids.hpp"

namespace reveille {

struct transaction_branch {
  shard_id shard;
  std::uint32_t index = 0;
  std::uint32_t generation = 0;
  std::uint32_t loop_hash = 0;
  auto operator<=>(const transaction_branch&) const = default;
};

struct stateless_branch {
  std::uint64_t upstream = 0;   ///< the same for a request, its repetitions, its CANCEL and the ACK of its failure
  std::uint32_t asked = 0;      ///< hash of whom the request went to: nobody else's response goes back (SPEC 10a.2)
  std::uint8_t listener = 0;    ///< by which it came
  endpoint back;                ///< where its response goes
  auto operator<=>(const stateless_branch&) const = default;
};

/// What signs branches. A transaction dies with its process, so its branch is good for one start only: after a restart
/// the same entry and generation belong to another call. A stateless branch must outlive it.
struct branch_keys {
  hash_key lasting;
  std::uint64_t start = 0;      ///< drawn anew at each start, the same for all shards
};

using our_branch = std::variant<transaction_branch, stateless_branch>;

/// A branch as text, magic cookie included.
class branch_text {
 public:
  static constexpr std::size_t capacity = 80;
  std::string_view view() const { return {text_, size_}; }

 private:
  friend branch_text write_branch(const our_branch&, const branch_keys&);
  char text_[capacity];
  std::size_t size_ = 0;
};

branch_text write_branch(const our_branch& what, const branch_keys& keys);
/// nullopt for every branch that we have not signed, and for a transaction of an earlier start.
std::optional<our_branch> read_branch(std::string_view text, const branch_keys& keys);

}  // namespace reveille
