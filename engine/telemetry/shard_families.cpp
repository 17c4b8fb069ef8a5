#include "engine/telemetry/engine_families.hpp"

#include <string>

namespace reveille {
namespace {

using shards_view = std::span<const shard_counters* const>;

std::uint64_t sum(shards_view shards, slot shard_counters::*member) {
  std::uint64_t total = 0;
  for (const shard_counters* s : shards) {
    if (s != nullptr) total += (s->*member).value();
  }
  return total;
}

template <std::size_t Size>
std::uint64_t sum(shards_view shards, std::array<slot, Size> shard_counters::*member, std::size_t index) {
  std::uint64_t total = 0;
  for (const shard_counters* s : shards) {
    if (s != nullptr) total += (s->*member)[index].value();
  }
  return total;
}

histogram_values sum(shards_view shards, histogram_slot shard_counters::*member) {
  histogram_values total;
  for (const shard_counters* s : shards) {
    if (s != nullptr) total += (s->*member).values();
  }
  return total;
}

void add_messages(metric_sink& to, shards_view shards) {
  constexpr std::string_view requests = "reveille_sip_requests_total";
  constexpr std::string_view responses = "reveille_sip_responses_total";
  constexpr std::string_view classes[] = {"", "1xx", "2xx", "3xx", "4xx", "5xx", "6xx"};
  for (std::size_t i = 0; i < method_count; ++i) {
    const std::string_view method = sip::name_of(static_cast<sip::method>(i));
    to.counter(requests, "SIP requests received or sent, without repetitions.",
               {{"direction", "in"}, {"method", method}}, sum(shards, &shard_counters::requests, i));
    to.counter(requests, "", {{"direction", "out"}, {"method", method}},
               sum(shards, &shard_counters::requests_sent, i));
  }
  for (std::size_t i = 1; i < std::size(classes); ++i) {
    to.counter(responses, "SIP responses received or sent, by class.", {{"direction", "in"}, {"class", classes[i]}},
               sum(shards, &shard_counters::responses_received, i));
    to.counter(responses, "", {{"direction", "out"}, {"class", classes[i]}},
               sum(shards, &shard_counters::responses_sent, i));
  }
  constexpr std::string_view repeats = "reveille_sip_retransmissions_total";
  to.counter(repeats, "SIP messages repeated by us, or recognised as repetitions.", {{"direction", "in"}},
             sum(shards, &shard_counters::duplicates));
  to.counter(
      repeats, "", {{"direction", "out"}},
      sum(shards, &shard_counters::client_requests_repeated) + sum(shards, &shard_counters::server_responses_repeated));
  for (std::size_t i = 0; i < drop_reason_count; ++i) {
    to.counter("reveille_sip_dropped_total", "Datagrams and messages that were not acted on.",
               {{"reason", name_of(static_cast<drop_reason>(i))}}, sum(shards, &shard_counters::drops, i));
  }
  for (std::size_t i = 0; i < refusal_count; ++i) {
    to.counter("reveille_sip_refused_total", "Requests answered 503 at the entrance.",
               {{"reason", name_of(static_cast<refusal>(i))}}, sum(shards, &shard_counters::refusals, i));
  }
}

void add_transactions(metric_sink& to, shards_view shards) {
  constexpr std::string_view alive = "reveille_sip_transactions";
  to.gauge(alive, "Live SIP transactions.", {{"kind", "server"}},
           static_cast<double>(sum(shards, &shard_counters::server_transactions)));
  to.gauge(alive, "", {{"kind", "client"}}, static_cast<double>(sum(shards, &shard_counters::client_transactions)));
  to.gauge("reveille_sip_stranger_transactions", "Live server transactions of senders that no phone has answered.", {},
           static_cast<double>(sum(shards, &shard_counters::server_strangers)));
  constexpr std::string_view ended = "reveille_sip_transaction_failures_total";
  constexpr std::string_view help = "Transactions that did not end as they should.";
  const auto count = [&](std::string_view reason, slot shard_counters::*member) {
    to.counter(ended, help, {{"reason", reason}}, sum(shards, member));
  };
  count("client_timeout", &shard_counters::client_timeouts);
  count("client_transport_error", &shard_counters::client_transport_errors);
  count("client_orphaned", &shard_counters::client_orphaned);
  count("server_abandoned", &shard_counters::server_abandoned);
  count("server_no_ack", &shard_counters::server_no_ack);
  constexpr std::string_view oddities = "reveille_sip_oddities_total";
  const auto odd = [&](std::string_view kind, slot shard_counters::*member) {
    to.counter(oddities, "SIP messages that were answered or dropped by a rule of their own.", {{"kind", kind}},
               sum(shards, member));
  };
  odd("malformed_answered", &shard_counters::malformed_answered);
  odd("stun_answered", &shard_counters::stun_answered);
  odd("loop", &shard_counters::loops);
  odd("max_forwards", &shard_counters::max_forwards_used_up);
  odd("forged_token", &shard_counters::forged_tokens);
  odd("relay_refused", &shard_counters::relay_refused);
  odd("cancel_unknown", &shard_counters::cancels_unknown);
  odd("refused_without_state", &shard_counters::server_forgotten);
  odd("refused_again", &shard_counters::server_refused_again);
  odd("refusal_forgotten", &shard_counters::refusals_forgotten);
  odd("sender_forgotten", &shard_counters::senders_forgotten);
  odd("peer_forgotten", &shard_counters::peers_forgotten);
  odd("push_refused", &shard_counters::pushes_refused);
  odd("stage_clock_overwritten", &shard_counters::stage_clock_overwritten);
  to.counter("reveille_sip_in_dialog_forwarded_total", "Requests within a dialog that were passed on.", {},
             sum(shards, &shard_counters::in_dialog_forwarded));
  to.counter("reveille_sip_stateless_responses_total", "Responses passed on without a transaction.", {},
             sum(shards, &shard_counters::stateless_responses));
  to.counter("reveille_sip_cancels_sent_total", "CANCEL requests sent to branches.", {},
             sum(shards, &shard_counters::cancels_sent));
  constexpr std::string_view lacks[] = {"", "table", "unheard_peers", "caller", "peer"};
  static_assert(std::size(lacks) == sip::lack_count);
  for (std::size_t i = 1; i < std::size(lacks); ++i) {
    to.counter("reveille_sip_branches_refused_total", "Requests not sent on for want of a client transaction, by what was full.",
               {{"bound", lacks[i]}}, sum(shards, &shard_counters::branches_refused, i));
  }
  constexpr std::string_view handed = "reveille_shard_hand_overs_total";
  to.counter(handed, "Messages handed from shard to shard.", {{"direction", "out"}},
             sum(shards, &shard_counters::handed_over));
  to.counter(handed, "", {{"direction", "in"}}, sum(shards, &shard_counters::taken_over));
  to.gauge("reveille_admission_credit", "Requests that the entrance admits per 10 ms now, all shards.", {},
           static_cast<double>(sum(shards, &shard_counters::credit)));
}

struct stage_name {
  trace_step what;
  std::string_view name;
};
constexpr stage_name call_ends[] = {{trace_step::answered, "answered"},
                                    {trace_step::cancelled, "cancelled"},
                                    {trace_step::not_woken, "not_woken"},
                                    {trace_step::rejected, "rejected"},
                                    {trace_step::failed, "failed"}};
constexpr stage_name call_steps[] = {{trace_step::invite_in, "invite_in"},
                                     {trace_step::push_queued, "push_queued"},
                                     {trace_step::push_accepted, "push_accepted"},
                                     {trace_step::push_refused, "push_refused"},
                                     {trace_step::register_in, "register_in"},
                                     {trace_step::invite_out, "invite_out"},
                                     {trace_step::ringing, "ringing"}};
constexpr stage_name bucket_events[] = {{trace_step::bucket_added, "added"},
                                        {trace_step::bucket_removed, "removed"},
                                        {trace_step::bucket_dropped, "dropped"},
                                        {trace_step::missed_told, "told"},
                                        {trace_step::missed_failed, "telling_failed"}};
constexpr stage_name bounds[] = {{trace_step::push_limited, "push_rate"},   {trace_step::bucket_write_late, "bucket_write_late"},
                                 {trace_step::contacts_full, "contacts"},   {trace_step::binding_evicted, "binding_evicted"},
                                 {trace_step::parked_full, "parked_calls"}, {trace_step::messages_full, "messages"},
                                 {trace_step::contact_octets_full, "contact_octets"},
                                 {trace_step::contact_too_long, "contact_too_long"},
                                 {trace_step::contacts_unlisted, "contacts_unlisted"},
                                 {trace_step::removal_refused, "removal_refused"},
                                 {trace_step::aors_full, "stored_aors"},
                                 {trace_step::branch_withheld, "unproven_flow"},
                                 {trace_step::register_write_failed, "register_write_failed"},
                                 {trace_step::register_write_late, "register_write_late"},
                                 {trace_step::list_full, "lists"},
                                 {trace_step::token_owners_full, "token_owners"}};
constexpr stage_name token_events[] = {{trace_step::token_removed, "removed"},
                                       {trace_step::token_moved, "moved"},
                                       {trace_step::token_quarantined, "quarantined"},
                                       {trace_step::token_renamed, "renamed"},
                                       {trace_step::stale_push_answer, "stale_answer"}};

void add_calls(metric_sink& to, shards_view shards) {
  const auto count = [&](std::span<const stage_name> names, std::string_view family, std::string_view help,
                         std::string_view label) {
    for (const stage_name& s : names) {
      to.counter(family, help, {{label, s.name}},
                 sum(shards, &shard_counters::stages, static_cast<std::size_t>(s.what)));
    }
  };
  count(call_ends, "reveille_calls_total", "Incoming calls that ended, by outcome.", "outcome");
  count(call_steps, "reveille_call_steps_total", "Steps that calls have taken.", "step");
  count(bucket_events, "reveille_bucket_events_total", "What happened to entries of push buckets.", "event");
  count(bounds, "reveille_subscriber_bounds_total", "Bounds of one subscriber that were hit.", "bound");
  count(token_events, "reveille_push_token_events_total", "What a provider's answer did to a device's token.", "event");
  to.histogram("reveille_push_queued_seconds", "INVITE received to first push queued.", {},
               sum(shards, &shard_counters::push_queued));
  to.histogram("reveille_push_accepted_seconds", "First push queued to first push accepted.", {},
               sum(shards, &shard_counters::push_accepted));
  to.histogram("reveille_wake_duration_seconds", "Push accepted to REGISTER of the woken device.", {},
               sum(shards, &shard_counters::wake));
  to.histogram("reveille_release_duration_seconds", "REGISTER of the woken device (its batch begun) to its INVITE with the kernel.", {},
               sum(shards, &shard_counters::release));
  to.histogram("reveille_post_dial_delay_seconds", "INVITE received to first ringing or answer.", {},
               sum(shards, &shard_counters::post_dial));
}

}  // namespace

void add_shard_families(metric_sink& to, std::span<const shard_counters* const> shards) {
  add_messages(to, shards);
  add_transactions(to, shards);
  add_calls(to, shards);
}

}  // namespace reveille
