#include "engine/telemetry/engine_families.hpp"

#include <map>

namespace reveille {
namespace {

/// The readings of one provider.
class provider_sum {
 public:
  void add(const push_counters& c) { parts_.push_back(&c); }

  std::uint64_t of(slot push_counters::*member) const {
    std::uint64_t total = 0;
    for (const push_counters* c : parts_) total += (c->*member).value();
    return total;
  }
  std::uint64_t ended(std::size_t how) const {
    std::uint64_t total = 0;
    for (const push_counters* c : parts_) total += c->ended[how].value();
    return total;
  }
  histogram_values of(histogram_slot push_counters::*member) const {
    histogram_values total;
    for (const push_counters* c : parts_) total += (c->*member).values();
    return total;
  }

 private:
  std::vector<const push_counters*> parts_;
};

void add_provider(metric_sink& to, std::string_view name, const provider_sum& sum) {
  const auto counter = [&](std::string_view family, std::string_view help, slot push_counters::*member) {
    to.counter(family, help, {{"provider", name}}, sum.of(member));
  };
  const auto gauge = [&](std::string_view family, std::string_view help, slot push_counters::*member) {
    to.gauge(family, help, {{"provider", name}}, static_cast<double>(sum.of(member)));
  };
  const auto labelled = [&](std::string_view family, std::string_view help, std::string_view label,
                            std::string_view value, slot push_counters::*member) {
    to.counter(family, help, {{"provider", name}, {label, value}}, sum.of(member));
  };
  counter("reveille_push_orders_total", "Pushes ordered.", &push_counters::orders);
  for (std::size_t i = 0; i < push_end_count; ++i) {
    to.counter("reveille_push_requests_total", "Pushes that ended, by what the provider or we decided.",
               {{"provider", name}, {"outcome", name_of(static_cast<push_end>(i))}}, sum.ended(i));
  }
  counter("reveille_push_sent_total", "Push requests put on a connection, repeats among them.", &push_counters::sent);
  constexpr std::string_view retries = "reveille_push_retries_total";
  constexpr std::string_view retries_help = "Push requests sent again.";
  labelled(retries, retries_help, "reason", "asked", &push_counters::retries);
  labelled(retries, retries_help, "reason", "unprocessed", &push_counters::resent_unprocessed);
  labelled(retries, retries_help, "reason", "ambiguous", &push_counters::resent_ambiguous);
  counter("reveille_push_ambiguous_total", "Pushes whose answer was lost with its stream.", &push_counters::ambiguous);
  counter("reveille_push_throttled_total", "Turns in which the rate limit held pushes back.",
          &push_counters::throttled);
  counter("reveille_push_circuit_opened_total", "Times that a circuit breaker opened.", &push_counters::breaker_opened);
  gauge("reveille_push_circuit_open", "Credentials whose circuit breaker refuses pushes.",
        &push_counters::breakers_open);
  counter("reveille_push_goaways_total", "GOAWAY frames received.", &push_counters::goaways);
  constexpr std::string_view connects = "reveille_push_connects_total";
  labelled(connects, "HTTP/2 connections to the provider.", "outcome", "ok", &push_counters::connects);
  labelled(connects, "", "outcome", "failed", &push_counters::connect_failures);
  counter("reveille_push_silent_connections_total", "Connections given up because nothing came.",
          &push_counters::silent_connections);
  constexpr std::string_view tokens = "reveille_push_token_refreshes_total";
  labelled(tokens, "Access tokens bought from the provider.", "outcome", "ok", &push_counters::token_purchases);
  labelled(tokens, "", "outcome", "failed", &push_counters::token_failures);
  counter("reveille_push_bearer_renewals_total", "Provider tokens made anew because the provider asked for it.",
          &push_counters::bearer_tokens);
  gauge("reveille_push_queue_length", "Pushes that wait.", &push_counters::waiting);
  gauge("reveille_push_in_flight", "Pushes that await the provider's answer.", &push_counters::in_flight);
  gauge("reveille_push_connections", "Usable HTTP/2 connections.", &push_counters::connections);
  gauge("reveille_push_stream_capacity", "Streams that the usable connections allow.", &push_counters::stream_capacity);
  to.histogram("reveille_push_duration_seconds", "Push request sent to the provider's answer.", {{"provider", name}},
               sum.of(&push_counters::answer_seconds));
  to.histogram("reveille_push_order_seconds", "Push ordered to accepted by the provider.", {{"provider", name}},
               sum.of(&push_counters::order_seconds));
}

}  // namespace

void add_push_families(metric_sink& to, std::span<const push_reading> senders) {
  std::map<pns::provider, provider_sum> providers;
  for (const push_reading& r : senders) {
    if (r.counters != nullptr) providers[r.provider].add(*r.counters);
  }
  for (const auto& [provider, sum] : providers) add_provider(to, pns::name_of(provider), sum);
}

void add_push_thread_families(metric_sink& to, std::uint64_t turns_failed) {
  to.counter("reveille_push_turns_failed_total", "Turns of a push thread that found no memory.", {}, turns_failed);
}

void add_push_app_families(metric_sink& to, std::span<const std::pair<pns::provider, push_app_reading>> apps) {
  for (const auto& [provider, r] : apps) {
    const std::string_view name = pns::name_of(provider);
    const push_app_counters& c = *r.counters;
    for (std::size_t i = 0; i < push_end_count; ++i) {
      if (c.ended[i].value() == 0) continue;
      to.counter("reveille_push_app_requests_total", "Pushes of an app that ended, by what the provider or we decided.",
                 {{"provider", name}, {"credential", r.credential}, {"app", r.app}, {"outcome", name_of(static_cast<push_end>(i))}},
                 c.ended[i].value());
    }
    for (std::size_t i = 0; i < pns::reason_slots; ++i) {
      if (c.reasons[i].value() == 0) continue;
      to.counter("reveille_push_app_refusals_total", "Pushes of an app that were not accepted, by the provider's reason or ours.",
                 {{"provider", name}, {"credential", r.credential}, {"app", r.app}, {"reason", pns::reason_at(i)}},
                 c.reasons[i].value());
    }
    const auto level = [&](std::string_view family, std::string_view help, const slot& value) {
      to.gauge(family, help, {{"provider", name}, {"credential", r.credential}, {"app", r.app}},
               static_cast<double>(value.value()));
    };
    level("reveille_push_app_queue_length", "Pushes of an app that wait.", c.waiting);
    level("reveille_push_app_circuit_open", "1 while an app's circuit breaker refuses pushes.", c.breaker_open);
    level("reveille_push_app_token_flood", "1 while the provider calls every token of an app bad: wrong environment.",
          c.token_flood);
    to.counter("reveille_push_app_cannot_wake_total",
               "Call pushes to a plain token with a profile that wakes no suspended app (use profile native).",
               {{"provider", name}, {"credential", r.credential}, {"app", r.app}}, c.cannot_wake.value());
  }
  const push_credential_counters* last = nullptr;
  for (const auto& [provider, r] : apps) {
    if (r.shared == last) continue;  // the apps of a credential stand together
    last = r.shared;
    const std::string_view name = pns::name_of(provider);
    for (std::size_t i = 0; i < open_failure_count; ++i) {
      if (last->connect_failures[i].value() == 0) continue;
      to.counter("reveille_push_connect_failures_total", "Connections of a credential that could not be made.",
                 {{"provider", name}, {"credential", r.credential}, {"reason", name_of(static_cast<open_failure>(i))}},
                 last->connect_failures[i].value());
    }
    for (std::size_t i = 0; i < pns::reason_slots; ++i) {
      if (last->goaways[i].value() == 0) continue;
      to.counter("reveille_push_goaway_reasons_total", "GOAWAY frames by the reason that they gave.",
                 {{"provider", name}, {"credential", r.credential}, {"reason", pns::reason_at(i)}}, last->goaways[i].value());
    }
    to.gauge("reveille_push_credential_circuit_open", "1 while connections of a credential fail and pause.",
             {{"provider", name}, {"credential", r.credential}}, static_cast<double>(last->breaker_open.value()));
    to.counter("reveille_push_reconnect_pauses_total",
               "Times that a new connection waited because the service had ended hardly used ones in a row.",
               {{"provider", name}, {"credential", r.credential}}, last->reconnect_pauses.value());
    if (last->token_made.value() != 0) {
      to.gauge("reveille_push_token_timestamp_seconds", "When the token in use was made (Unix time); its age is time() less this.",
               {{"provider", name}, {"credential", r.credential}}, static_cast<double>(last->token_made.value()));
    }
  }
}

void add_certificate_families(metric_sink& to, std::span<const certificate_reading> certificates) {
  for (const certificate_reading& c : certificates) {
    to.gauge("reveille_push_certificate_expiry_seconds", "Until the app's push certificate ends; negative afterwards.",
             {{"provider", "apns"}, {"app", c.bundle}}, static_cast<double>(c.left.count()));
  }
}

}  // namespace reveille
