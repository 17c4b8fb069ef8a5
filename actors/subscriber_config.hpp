/// What an operator may change about a subscriber's behaviour. One struct for all of a shard's subscribers; the home's
/// owner may change it between two events (properties, SPEC 8), never during one. engine/config/schema.cpp names,
/// bounds and explains each of them for the operator.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/time.hpp"
#include "pns/app_rules.hpp"
#include "pns/payload.hpp"
#include "pns/push_order.hpp"

namespace reveille {

/// Whether a device with a live flow is pushed as well (SPEC 3.2).
enum class push_when : std::uint8_t { always, asleep };
/// Whether a device with a live flow is dialled without waiting for its REGISTER (SPEC 3.2).
enum class dial_live_flow : std::uint8_t { no, yes };
/// Whether `Contact: *` removes push bindings too (SPEC 2.3a).
enum class star_removes_push : std::uint8_t { no, yes };
/// Who hears about missed calls (SPEC 4.3): every push client of the subscriber, or the one that registered.
enum class missed_calls_to : std::uint8_t { all, registered };
/// What becomes of the entry of a call that a person declined (SPEC 4.7).
enum class declined_calls : std::uint8_t { keep, drop };
/// What the caller hears once the first push of its call is accepted (SPEC 3.4).
enum class park_provisional : std::uint16_t { none = 0, ringing = 180, queued = 182 };

/// Mistakes planted on purpose: the simulator proves that it catches each. Never set in production.
struct mistakes {
  bool skip_late_register_check = false;        ///< a REGISTER before the push was queued releases nothing
  bool skip_bucket_write = false;               ///< no bucket entry on disk before the push
  bool push_after_cancel = false;               ///< pushes are not withdrawn when the call's outcome is decided
  bool double_invite_per_register = false;      ///< each REGISTER forks the INVITE once more
  bool answer_480_and_487 = false;              ///< a cancelled call gets two final responses
  bool forget_parked_on_second_device = false;  ///< one device's release drops the others' parked calls
  bool ignore_deadline = false;                 ///< a parked call waits for ever
  bool tell_answered_calls = false;             ///< an answered call stays in the bucket
  bool remove_token_on_stale_410 = false;       ///< a 410 older than the REGISTER removes the binding
  bool release_on_other_device = false;         ///< any device's REGISTER releases every parked call
  bool keep_merged_branch = false;              ///< two devices that turn out to be one keep two places in a call
  bool label_hides_instance = false;            ///< a device with another label is another device
  bool refuse_when_addresses_wait = false;      ///< an address to be written behind keeps its subscriber in memory
  bool drop_cancel_of_full_queue = false;       ///< a CANCEL finds no place behind the INVITE that waits for its record
  bool anybody_unregisters = false;             ///< a push binding goes by its label, instance or address alone
  bool anybody_evicts = false;                  ///< contacts of strangers displace sleeping phones
  // Of the transactions, read by the shard
  bool match_by_branch_alone = false;           ///< whoever knows a branch speaks for its sender
  bool believe_any_responder = false;           ///< a response counts from whatever address
  bool keep_refused_strangers = false;          ///< strangers' refused requests stay in a table without a share
  bool operator==(const mistakes&) const = default;
};

struct subscriber_config {
  // Calls
  seconds answer_timeout{30};          ///< SPEC 3.4: longer than a phone takes to wake, shorter than a caller's patience
  milliseconds refused_grace{2000};    ///< SPEC 3.4: the phone may be awake for a reason of its own
  milliseconds left_grace{3000};       ///< SPEC 3.4a: some apps un-register, then register, on waking
  milliseconds push_ttl_margin{2000};  ///< SPEC 3.4: a push that arrives later cannot be answered any more
  milliseconds cancel_give_up{32000};  ///< 64*T1 (RFC 3261 9.1): when a cancelled branch stays silent
  seconds timer_c{181};                ///< RFC 3261 16.6 step 11: more than three minutes
  push_when push = push_when::always;          ///< ECSS-10: every call is pushed
  dial_live_flow live_flow = dial_live_flow::no;  ///< ECSS-10: a phone that seems awake may have been suspended a second ago
  park_provisional provisional = park_provisional::none;  ///< SPEC 3.4: the caller hears nothing but 100
  std::size_t parked_calls = 16;       ///< of one AOR: a person cannot answer more; bounds what a flood may cost
  std::size_t messages = 64;           ///< standalone requests in flight and REGISTERs on hold, of one AOR
  std::size_t pushes_per_minute = 30;  ///< of one callee: protects the battery and the provider's favour

  // Registration
  std::size_t contacts = 12;           ///< of one AOR: phones of a family, twice
  std::size_t contact_octets = 8 * 1024;  ///< of one AOR, SPEC 2.4a: what a dozen contacts with long tokens take
  seconds min_expires{60};             ///< RFC 3261 10.2.8: shorter ones are a load, not a service
  seconds max_expires{7 * 24 * 3600};  ///< granted at most; a push binding outlives it (SPEC 2.3)
  seconds default_expires{3600};       ///< when the client names none (RFC 3261 10.2.1.1)
  star_removes_push star = star_removes_push::no;  ///< SPEC 2.3a: a desk phone's `*` must not silence the mobiles
  seconds soft_write_delay{60};        ///< ARCHITECTURE 3: how old an address on disk may be
  seconds store_patience{2};           ///< a REGISTER waits so long for the disk, then 503; below UDP's 32 s by far
  seconds retry_after{5};              ///< in a 503, plus up to as much again so that phones do not come in step
  seconds pnsreg{130};                 ///< RFC 8599 5.6.1.1: above 120, when a UA can wake itself

  // Push bucket
  std::size_t bucket_entries = 200;    ///< SPEC 4.5
  seconds bucket_age{30 * 24 * 3600};  ///< SPEC 4.5
  milliseconds bucket_write_late{50};  ///< ARCHITECTURE 3: a slow disk must not keep the phone from ringing
  seconds over_after_deadline{5};      ///< SPEC 4.3: so that a crash leaves no entry waiting
  seconds missed_min_absence{0};       ///< SPEC 4.3
  seconds missed_ttl{120};             ///< SPEC 5: also the printed time_to_live
  missed_calls_to missed_to = missed_calls_to::all;
  declined_calls declined = declined_calls::keep;  ///< ECSS-10 names answering only
  pns::missed_calls_cost missed_cost;  ///< what a told call takes in the dearest profile in use (SPEC 4.5)

  /// Which providers are switched on, indexed by pns::provider (SPEC 2.3c).
  std::array<bool, pns::provider_count> enabled{true, true, true};
  /// The configured apps: which are switched off (SPEC 2.3c), in which a token belongs to one AOR at a time (SPEC 2.4).
  pns::app_rules apps;
  /// What our Warning header calls us (RFC 3261 20.43): a token, no blanks.
  std::string warn_agent = "reveille";

  mistakes planted{};

  bool is_enabled(pns::provider p) const { return enabled[static_cast<std::size_t>(p)]; }

  bool operator==(const subscriber_config&) const = default;
};

}  // namespace reveille
