/// What a subscriber asks of the push senders, and what it hears back.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/ids.hpp"
#include "core/time.hpp"
#include "pns/push_params.hpp"

namespace reveille::pns {

/// SPEC 3.2: wake the device for a call.
struct invite_content {
  wall_time date;              ///< the INVITE's arrival
  std::string number;          ///< SPEC 3.7: "103", "bob@other.example" or "anonymous"
  std::string display_name;    ///< UTF-8; "" = absent (`[]` on the wire)
  std::string call_id;         ///< the INVITE's Call-ID (profile `native`)
};

struct missed_call {
  wall_time date;
  std::string remote_uri;      ///< as invite_content::number
  std::string display_name;
  call_ref call;
};

/// SPEC 4.3: one part of a list of missed calls; ids count from 0 in each part.
struct missed_calls_content {
  wall_time date;              ///< the sending
  std::vector<missed_call> calls;
  std::string collapse_id;     ///< at most 64 octets, stable over repeats of this part
};

/// Names one push among those of its subscriber, for the answer and for withdrawal.
struct push_id {
  aor_key subscriber;
  std::uint32_t number = 0;    ///< counted by the subscriber
  auto operator<=>(const push_id&) const = default;
};

struct push_order {
  push_id id;
  shard_id home;               ///< where the answer goes
  push_target target;
  std::variant<invite_content, missed_calls_content> content;
  call_ref call;               ///< of an invite; zero otherwise
  steady_time deadline;        ///< no attempt starts after it
  wall_time expires;           ///< the same as civil time less push.ttl_margin: apns-expiration, android.ttl
};

/// What a push service answered, sorted by what we do next (SPEC 6.5, PROVIDERS 1.5 and 2.2).
/// The service knows the device by a newer token (FCM legacy: canonical id), which is to replace ours for good.
struct token_change { prid from; prid to; };
struct accepted {
  std::string provider_id;
  std::shared_ptr<const token_change> renamed = nullptr;    ///< as a rule there is none
};
struct dead_token { prid token; std::optional<wall_time> since; };  ///< since: APNs 410 time stamp; FCM gives none
struct suspect_token { prid token; };                       ///< quarantine until the next REGISTER
struct our_fault {};                                        ///< malformed, too large: alarm, keep the token
struct credential_fault {};                                 ///< alarm, keep the token
struct dropped { enum class why : std::uint8_t { queue_full, deadline, withdrawn, no_app, provider_off, skipped } reason; };
struct try_later {};                                        ///< retries used up while the service said "later"
using push_outcome =
    std::variant<accepted, dead_token, suspect_token, our_fault, credential_fault, dropped, try_later>;

struct push_answer {
  push_id id;
  push_outcome outcome;
  std::uint16_t status = 0;    ///< HTTP status, 0 if none came
  std::string reason;          ///< the provider's word, for the wake trace; never a token
};

}  // namespace reveille::pns
