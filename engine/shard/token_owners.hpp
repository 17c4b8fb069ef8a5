/// Whose a token is, for apps in which it belongs to one AOR at a time (SPEC 2.4, accounts = one).
///
/// Each token has one shard that remembers, by a hash of it. Filled by REGISTERs, and after a restart by a census of
/// what is stored; in whichever order they come, the newest registration wins.
///
/// Pure. Threads: its shard's. Bound: `limit` tokens, about 150 octets each; beyond it claims are forgotten and counted.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <utility>

#include "core/ids.hpp"
#include "core/time.hpp"

namespace reveille {

class token_owners {
 public:
  /// Who has lost the token, and since when: bindings last registered before that moment go.
  struct loss {
    aor whose;
    wall_time since;
  };
  enum class result : std::uint8_t { kept, moved, full };
  struct outcome {
    result what = result::kept;
    std::optional<loss> lost;
  };

  explicit token_owners(std::size_t limit) : limit_(limit) {}

  /// `by` has registered the token at `since`. The older of two claims loses, whichever comes first.
  outcome claim(std::uint64_t token, const aor& by, wall_time since) {
    const auto found = owners_.find(token);
    if (found == owners_.end()) {
      if (owners_.size() >= limit_) return {result::full, std::nullopt};
      owners_.emplace(token, owner{by, since});
      return {};
    }
    owner& now = found->second;
    if (now.whose == by) {
      now.since = std::max(now.since, since);
      return {};
    }
    if (since <= now.since) return {result::kept, loss{by, now.since}};
    outcome out{result::moved, loss{std::move(now.whose), since}};
    now = {by, since};
    return out;
  }

  std::size_t size() const { return owners_.size(); }

 private:
  struct owner {
    aor whose;
    wall_time since;
  };
  std::size_t limit_;
  std::unordered_map<std::uint64_t, owner> owners_;   ///< never walked: order cannot reach the wire
};

}  // namespace reveille
