/// The connections of one credential: opened when they are wanted, at growing intervals while that fails, watched, and
/// replaced when they are old or have carried another token. Pure.
/// Threads: that of its push worker.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/random.hpp"
#include "engine/push/push_config.hpp"
#include "engine/push/push_connection.hpp"
#include "engine/push/push_counters.hpp"
#include "engine/push/push_outside.hpp"
#include "engine/push/reconnect_pace.hpp"
#include "net/tls/tls_connection.hpp"

namespace reveille {

class push_pool {
 public:
  /// How an event has gone; trouble counts against the service (circuit breaker).
  enum class reachability : std::uint8_t { good, bad };

  /// All but the numbers and texts outlive it.
  push_pool(std::uint16_t sender, const std::string& name, push_endpoint endpoint, push_route route,
            const push_limits& limits, push_connection_owner& owner, push_outside& outside, random_source& random,
            push_counters& counters, push_credential_counters& own);

  push_connection* find(push_connection_id id);
  /// One that takes a request now, other than `but` if that is given; nullptr when there is none.
  push_connection* choose(std::optional<push_connection_id> but = std::nullopt);
  /// The next turn begins with another connection, and sees anew who is spare.
  void begin_turn();
  /// Opens as many as are missing, those that are kept warm among them, one at a time while that fails.
  void want(std::size_t wanted, const instant& now);
  /// A new token travels on connections that have carried no other.
  void follow_token(std::uint64_t version);
  /// An answer came: the service is there, and takes us.
  void answered() {
    failures_ = 0;
    if (told_) tell_good();
  }

  void opened(push_connection_id id, push_protocol by, const instant& now);
  reachability open_failed(push_connection_id id, open_failure why, std::string_view what, const instant& now);
  reachability closed(push_connection_id id, const std::optional<tls_alert>& alert, const instant& now);
  /// It takes no more pushes by the service's will: GOAWAY, an answer that spends it, a close.
  void ended_by_service(push_connection_id id, const instant& now);
  /// PINGs, age. @return how many connections were silent.
  std::size_t check(const instant& now);

  /// The outside is told at the end of the turn, once a connection.
  void wake_later(push_connection_id id) {
    if (to_wake_.empty() || to_wake_.back() != id) to_wake_.push_back(id);
  }
  void wake_now();

  std::size_t usable() const;
  std::size_t stream_capacity() const;   ///< what the usable ones allow altogether
  /// @param waiting pushes are queued. When check() or want() must be called again.
  steady_time next_due(bool waiting, const instant& now) const;

 private:
  struct place {
    std::unique_ptr<push_connection> connection;
    std::uint32_t generation = 0;
    bool opening = false;
    bool leaving = false;            ///< takes no more, and that has been judged
    bool spare = false;              ///< beyond `connections`, youngest first
    std::uint64_t opened = 0;        ///< counted
  };
  std::size_t alive() const;   ///< usable or opening
  std::size_t warm() const;    ///< wanted whether there is something to send or not
  bool may_retire(const place& old, const instant& now) const;
  void remove(push_connection_id id);
  void tell_bad(open_failure why, std::string_view done, std::string_view what);
  void tell_good();
  reachability trouble(const instant& now);
  /// No connection is opened before.
  steady_time opens_at() const { return std::max(not_before_, pace_.opens_at()); }
  std::size_t allowed(std::size_t wanted) const { return pace_.pauses() ? std::min<std::size_t>(wanted, 1) : wanted; }

  const std::uint16_t sender_;
  const std::string& name_;
  const push_endpoint endpoint_;
  const push_route route_;
  const push_limits& limits_;
  push_connection_owner& owner_;
  push_outside& outside_;
  random_source& random_;
  push_counters& counters_;
  push_credential_counters& own_;
  std::vector<place> places_;
  std::vector<push_connection_id> to_wake_;
  std::uint64_t openings_ = 0;
  std::size_t turn_ = 0;             ///< round robin among connections
  std::uint32_t failures_ = 0;       ///< in a row
  steady_time not_before_{};         ///< for connections that fail
  reconnect_pace pace_;              ///< for those that work, and are ended all the same
  std::optional<open_failure> told_;   ///< what operators have heard; none = that all is well
  bool told_of_alert_ = false;       ///< and it was of a connection that had opened: the next one that opens cures nothing
  std::uint64_t token_version_ = 0;  ///< that the connections have seen
};

}  // namespace reveille
