/// What the shards of one node share: names, keys, timers and bounds. Plain data, immutable while shards run.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/flow.hpp"
#include "core/hash.hpp"
#include "core/ids.hpp"
#include "core/time.hpp"
#include "sip/transaction_timing.hpp"
#include "sip/uri.hpp"

namespace reveille {

/// One socket address on which every shard listens, and what others are told to send to.
struct listener {
  endpoint address;
  std::string sent_by;   ///< host[:port] in our Via and Record-Route; "" = `address` as text
  bool operator==(const listener&) const = default;
};

/// Who may call. `open`: anybody may register and call the served domains (SPEC 10 adds digest).
enum class inbound_policy : std::uint8_t { open };

/// Bounds of one shard, each with a counter in shard_counters.
struct shard_limits {
  std::uint32_t server_transactions = 131072;  ///< a non-INVITE one lives 32 s: 4 k/s of them
  std::uint32_t client_transactions = 131072;  ///< CANCELs take one each
  /// Of the server transactions: where requests other than INVITE are refused, so that calls find room.
  double rest_share = 0.8;
  /// Of the server transactions: what senders that no phone has answered yet may have, so that they cannot shut out those
  /// who call every day (SPEC 10a.1).
  double stranger_share = 0.5;
  /// Of the client transactions (SPEC 10a.3). Kept for branches that a REGISTER releases: their phones are on the line.
  double woken_share = 0.25;
  /// To peers that have never answered anything, and wait for their first response: 4.3 k/s of them at 7.5 s each.
  double unheard_share = 0.25;
  /// Without any response yet, for one caller who is no trusted peer, and to one peer: 4096. A phone answers within a
  /// second, so that is 4 k calls/s of one caller, or through one edge.
  double silent_share = 1.0 / 32;
  /// Requests admitted per 10 ms while nothing is late: 1 M/s, of which refreshes may use a part. Well above what a core
  /// does (a burst of refreshes runs at 200 k/s), so that only lateness, never speed, makes the entrance refuse.
  std::uint32_t credit = 10000;
  /// Octets for the owners of tokens of apps with accounts = one, about 130 each: two million. Beyond it the tokens that
  /// were claimed longest ago are forgotten.
  std::size_t token_owner_bytes = std::size_t{256} << 20;
  milliseconds late{50};        ///< queue delay that counts as overload ...
  milliseconds late_for{100};   ///< ... when it lasts this long
  seconds retry_after_least{5};   ///< Retry-After is drawn between the two, so that the refused do not
  seconds retry_after_most{20};   ///< come back together
  bool operator==(const shard_limits&) const = default;
};

struct shard_config {
  std::uint16_t shards = 1;
  std::vector<listener> listeners;          ///< at most 255; flows name theirs by `local`
  std::vector<std::string> domains;         ///< served, lower case; the first is a tel: URI's
  /// Other names of this node, host[:port], as clients may write them into a Route: outbound proxy names and, for a
  /// listener on every address, the interfaces' addresses. Without a port they count with every listener's.
  std::vector<std::string> aliases;
  std::string realm;                        ///< of our challenges; "" = the first domain
  std::vector<endpoint> trusted_peers;      ///< port 0 = any port
  inbound_policy inbound = inbound_policy::open;
  hash_key key;                             ///< the node's: tables and homes. Random per start will do
  std::uint64_t start = 0;                  ///< random per start: responses to what an earlier one sent are strangers
  hash_key secret;                          ///< signs branches and flow tokens; must survive a restart for dialogs to
  sip::transaction_timing timing;
  milliseconds timer_c{181'000};            ///< run by the response context; here it bounds what is forgotten
  shard_limits limits;
  /// Mistakes planted on purpose (actors/subscriber_config.hpp has their list). Never set in production.
  struct mistakes {
    bool match_by_branch_alone = false, believe_any_responder = false, keep_refused_strangers = false;
    bool operator==(const mistakes&) const = default;
  } planted{};

  bool operator==(const shard_config&) const = default;
};

/// The key of a canonical AOR, and its home.
inline aor_key key_of(std::string_view canonical_aor, hash_key node_key) {
  return {siphash(node_key, canonical_aor)};
}
inline shard_id home_of(aor_key key, std::uint16_t shards) {
  return {static_cast<std::uint16_t>(key.value % shards)};
}

/// Which names are ours: served domains and our own addresses (RFC 3261 16.4). No allocation after construction.
class own_names {
 public:
  explicit own_names(const shard_config& config);

  /// A served domain, without regard to case.
  bool served(std::string_view host) const;
  /// This node itself: one of its addresses, or a served domain on one of its ports.
  bool self(const sip::uri_view& uri) const;
  bool trusted(const endpoint& peer) const;
  /// The listener a flow came by; 0 when `local` is none of them (a wildcard socket).
  std::uint8_t listener_of(const endpoint& local) const;
  const listener& at(std::uint8_t index) const { return listeners_[index]; }
  std::uint8_t listener_count() const { return static_cast<std::uint8_t>(listeners_.size()); }
  std::string_view realm() const { return realm_; }

 private:
  struct address_name {
    std::string host;
    std::uint16_t port;
  };
  std::vector<std::string> domains_;
  std::vector<listener> listeners_;   ///< sent_by filled in
  std::vector<address_name> names_;
  std::vector<endpoint> trusted_;
  std::string realm_;
};

}  // namespace reveille
