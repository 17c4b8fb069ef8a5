/// What the senders of one provider on one push thread count. One writer; any thread may read (slots).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/buckets.hpp"
#include "core/slots.hpp"
#include "net/tls/tls_connection.hpp"
#include "pns/answer.hpp"
#include "pns/push_order.hpp"

namespace reveille {

/// The closed set of ends of a push: a metric label.
enum class push_end : std::uint8_t {
  accepted, dead_token, suspect_token, our_fault, credential_fault, try_later,
  queue_full, deadline, withdrawn, no_app, provider_off, skipped,
};
inline constexpr std::size_t push_end_count = 12;
std::string_view name_of(push_end e);
push_end end_of(const pns::push_outcome& outcome);

struct push_counters {
  slot orders;                  ///< taken over from the shards; orders = sum of ended + waiting + in_flight
  std::array<slot, push_end_count> ended;
  slot sent;                    ///< requests submitted to a connection, repeats among them
  slot retries;                 ///< repeats that an answer asked for
  slot resent_unprocessed;      ///< repeats of what was refused, above a GOAWAY's last id, or never left
  slot ambiguous;               ///< streams lost after END_STREAM, answers that never came
  slot resent_ambiguous;        ///< the repeats of those: the only ones that may ring twice
  slot throttled;               ///< turns in which the rate limit held a push back
  slot breaker_opened;
  slot goaways;
  slot connects, connect_failures;
  slot silent_connections;      ///< given up because neither answers nor PINGs came
  slot token_purchases, token_failures;   ///< FCM access tokens
  slot bearer_tokens;           ///< APNs provider tokens minted because the service asked for one
  // levels
  slot waiting;                 ///< queued, or waiting for a retry
  slot in_flight;
  slot connections;             ///< usable
  slot stream_capacity;         ///< streams that the usable connections allow altogether
  slot breakers_open;           ///< credentials
  histogram_slot answer_seconds{buckets::push};   ///< request submitted -> answer
  histogram_slot order_seconds{buckets::push};    ///< order taken -> accepted
};

/// What one app of a credential counts: why its phones did not ring.
struct push_app_counters {
  std::array<slot, push_end_count> ended;
  std::array<slot, pns::reason_slots> reasons;   ///< of all that were not accepted, by pns::reason_index()
  slot breaker_opened;
  slot cannot_wake;      ///< call pushes to a plain token, with a profile that cannot wake a suspended app (SPEC 5)
  // levels
  slot waiting;
  slot in_flight;
  slot breaker_open;     ///< 0 or 1
  slot token_flood;      ///< 1 while every token is bad: wrong environment
};

/// What a credential counts beside its apps.
struct push_credential_counters {
  std::array<slot, open_failure_count> connect_failures;   ///< by open_failure
  std::array<slot, pns::reason_slots> goaways;                    ///< by pns::reason_index()
  slot token_made;       ///< civil time of the current token in seconds; 0 = none, or none is needed
  slot breaker_open;     ///< for connections that fail
  slot reconnect_pauses; ///< times that the service ended hardly used connections in a row, and the next one waited
};

/// One app and its credential, for the scrape.
struct push_app_reading {
  std::string credential;
  std::string app;
  const push_app_counters* counters = nullptr;
  const push_credential_counters* shared = nullptr;   ///< the same for all apps of a credential
};

}  // namespace reveille
