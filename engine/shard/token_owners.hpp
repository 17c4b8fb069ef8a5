/// Whose a token is, for apps in which it belongs to one AOR at a time (SPEC 2.4, accounts = one).
///
/// Each token has one shard that remembers, by a hash of it. Filled by REGISTERs, and after a restart by a census of
/// what is stored. Between two REGISTERs the one that came last wins, whatever their clocks said (SPEC 2.4): a token is
/// never left with two AORs because of an equal or a stepped-back time. A stored claim is as old as it says.
///
/// Pure. Threads: its shard's. Bound: `limit` octets; beyond it the tokens that were claimed longest ago are forgotten
/// and counted: the phones of most of them are gone, and one that is not claims its token again when it registers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <utility>

#include "actors/effects.hpp"
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
  enum class result : std::uint8_t { kept, moved };
  struct outcome {
    result what = result::kept;
    std::optional<loss> lost;
    std::size_t forgotten = 0;   ///< other tokens, for the bound
  };

  /// @param limit octets
  explicit token_owners(std::size_t limit) : limit_(limit) {}
  token_owners(const token_owners&) = delete;
  token_owners& operator=(const token_owners&) = delete;

  /// `by` has registered the token at `since`.
  outcome claim(std::uint64_t token, const aor& by, wall_time since, claim_source source) {
    const auto [place, fresh] = owners_.try_emplace(token, owner{by, since, token});
    owner& now = place->second;
    outcome out;
    if (!fresh) {
      unlink(now);
      if (now.whose == by) {
        now.since = std::max(now.since, since);
      } else if (source == claim_source::stored && since <= now.since) {
        out.lost = loss{by, now.since};
      } else {
        // After what the loser may have stored, or its binding would pass for the newer one.
        since = std::max(since, now.since + wall_time::duration(1));
        octets_ -= octets_of(now);
        out = {result::moved, loss{std::move(now.whose), since}};
        now.whose = by;
        now.since = since;
        octets_ += octets_of(now);
      }
    } else {
      octets_ += octets_of(now);
    }
    link(now);
    while (octets_ > limit_ && oldest_ != &now) {
      forget_oldest();
      ++out.forgotten;
    }
    return out;
  }

  std::size_t size() const { return owners_.size(); }
  std::size_t octets() const { return octets_; }

 private:
  struct owner {
    aor whose;
    wall_time since;
    std::uint64_t token;
    owner* older = nullptr;
    owner* newer = nullptr;
  };

  /// The node of the map, its bucket, the allocator's own word of each block, and a long AOR's octets.
  static std::size_t octets_of(const owner& o) {
    constexpr std::size_t short_name = 15;
    const std::size_t name = o.whose.view().size();
    return sizeof(owner) + 5 * sizeof(void*) + (name > short_name ? name + 1 + sizeof(void*) : 0);
  }
  void link(owner& o) {
    o.older = newest_;
    o.newer = nullptr;
    (newest_ != nullptr ? newest_->newer : oldest_) = &o;
    newest_ = &o;
  }
  void unlink(owner& o) {
    (o.older != nullptr ? o.older->newer : oldest_) = o.newer;
    (o.newer != nullptr ? o.newer->older : newest_) = o.older;
  }
  void forget_oldest() {
    owner& o = *oldest_;
    unlink(o);
    octets_ -= octets_of(o);
    owners_.erase(o.token);
  }

  std::size_t limit_;
  std::size_t octets_ = 0;
  owner* oldest_ = nullptr;   ///< by the last claim; nodes of owners_, whose places are stable
  owner* newest_ = nullptr;
  std::unordered_map<std::uint64_t, owner> owners_;   ///< never walked: order cannot reach the wire
};

}  // namespace reveille
