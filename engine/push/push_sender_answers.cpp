// What became of a push that was sent: the provider's answer, or the loss of its stream.
#include <algorithm>

#include "engine/push/backoff.hpp"
#include "engine/push/push_sender.hpp"
#include "pns/apns_answer.hpp"

namespace reveille {

using phase = push_slot::phase;

namespace {

/// Refused or unsent for the third time and more: no hurry, or a server that refuses all would be hammered.
constexpr milliseconds refused_pause{20};
constexpr milliseconds longest_refused_pause{1000};

/// BadDeviceToken in a row: a broken handful is chance, this is not.
constexpr std::uint32_t token_flood = 20;

std::size_t bit(pns::remedy r) { return static_cast<std::size_t>(r); }

}  // namespace

void push_sender::on_answer(push_connection& from, std::uint64_t tag, const http2::response& answer) {
  push_slot* s = table_.by_tag(tag);
  if (s == nullptr || s->at != phase::flying) return;
  const instant& now = from.now();
  counters_.answer_seconds.observe(std::chrono::duration<double>(now.steady - s->submitted).count());
  land(*s);
  pool_.answered();
  const pns::http_answer text{answer.status, answer.body, answer.headers.value_of("apns-id"),
                              answer.headers.value_of("retry-after")};
  apply(*s, from, parts_.credential->sort(text, s->token->value, now.wall), answer.status, now);
}

void push_sender::apply(push_slot& s, push_connection& from, pns::verdict v, int status, const instant& now) {
  if (v.connection_spent && from.usable()) {
    pool_.ended_by_service(from.id(), now);
    from.drain();
    pool_.wake_later(from.id());
  }
  if (v.then_wait && s.remedies[bit(v.remedy)] >= v.repeats) {
    v.remedy = pns::remedy::wait;
    v.repeats = 255;
  }
  const std::uint8_t used = s.remedies[bit(v.remedy)];
  const bool may = v.remedy != pns::remedy::none && !s.withdrawn && (v.repeats == 255 || used < v.repeats);
  breaker_.succeeded();  // it answers; what it answers is the app's
  push_lane& lane = lane_of(s);
  switch (v.blame) {
    case pns::blame::nobody: succeeded(lane); break;
    case pns::blame::service: failed(lane, circuit_breaker::fault::service, v.reason, now); break;
    case pns::blame::app:
      if (!may) failed(lane, circuit_breaker::fault::credential, v.reason, now);  // else its remedy may cure it
      break;
  }
  watch_tokens(lane, v);
  if (v.waits == pns::pause_of::credential) {
    parts_.credential->hold_until(now.steady + v.delay);
    rate_.restart(now.steady);
  }
  if (s.withdrawn && std::holds_alternative<pns::try_later>(v.outcome)) {
    v.outcome = pns::dropped{pns::dropped::why::withdrawn};
  }
  if (!may && parts_.limits.planted.repeat_refusals && (status == 400 || status == 410) && !s.withdrawn && s.ambiguous == 0) {
    ++s.ambiguous;
    return enqueue(s);
  }
  if (!may) return finish(s, std::move(v.outcome), status, std::move(v.reason), now);
  if (used < 254) ++s.remedies[bit(v.remedy)];
  nanoseconds delay = v.delay;
  switch (v.remedy) {
    case pns::remedy::none: break;
    case pns::remedy::wait:
      delay = std::max<nanoseconds>(delay, jittered_backoff(parts_.limits.first_backoff, parts_.limits.longest_backoff, used, random_));
      break;
    case pns::remedy::other_connection: s.avoid_turns = 1; break;
    case pns::remedy::new_bearer_token:
      // Of the many answers that one old token brings, only the first mints; the others find the new one.
      s.avoid_turns = 1;
      if (s.token_version == parts_.credential->token_version()) {
        if (!parts_.credential->renew_bearer(now)) {
          failed(lane, circuit_breaker::fault::credential, v.reason, now);  // there is no remedy: it counts after all
          return finish(s, std::move(v.outcome), status, std::move(v.reason), now);
        }
        counters_.bearer_tokens.add();
      }
      break;
    case pns::remedy::new_access_token:
      if (s.token_version == parts_.credential->token_version()) parts_.credential->access_refused(now);
      break;
  }
  counters_.retries.add();
  resend_later(s, delay, std::move(v.outcome), status, std::move(v.reason), now);
}

void push_sender::on_loss(push_connection& from, std::uint64_t tag, http2::loss how) {
  push_slot* s = table_.by_tag(tag);
  if (s == nullptr || s->at != phase::flying) return;
  land(*s);
  lost(*s, how, from.now());
}

void push_sender::lost(push_slot& s, http2::loss how, const instant& now) {
  const bool ambiguous = how == http2::loss::ambiguous;
  if (ambiguous) counters_.ambiguous.add();
  if (s.withdrawn) return finish(s, pns::dropped{pns::dropped::why::withdrawn}, 0, "", now);
  if (ambiguous && parts_.limits.planted.forget_lost_streams) {
    s.at = phase::waiting;
    return;
  }
  if (how == http2::loss::refused && parts_.limits.planted.ignore_goaway_last_id) return finish(s, pns::accepted{}, 0, "", now);
  if (!ambiguous) {
    if (s.free_resends >= parts_.limits.free_resends) return finish(s, pns::try_later{}, 0, "refused", now);
    ++s.free_resends;
    counters_.resent_unprocessed.add();
    const nanoseconds pause =
        s.free_resends < 3 ? nanoseconds(0) : jittered_backoff(refused_pause, longest_refused_pause, s.free_resends - 3U, random_);
    return resend_later(s, pause, pns::try_later{}, 0, "refused", now);
  }
  // Nobody can tell whether it was processed: once more with the same apns-id, and not again.
  if (s.ambiguous > 0 && !parts_.limits.planted.resend_ambiguous_blindly) return finish(s, pns::try_later{}, 0, "lost", now);
  ++s.ambiguous;
  s.avoid_turns = 1;
  if (s.order.deadline > now.steady) counters_.resent_ambiguous.add();
  resend_later(s, nanoseconds(0), pns::try_later{}, 0, "lost", now);
}

void push_sender::expire_flying(const instant& now) {
  while (oldest_ != push_slot::nil) {
    push_slot& s = table_.at(oldest_);
    if (now.steady - s.submitted < parts_.limits.answer_timeout) return;
    push_connection* c = pool_.find(s.connection);
    const http2::parting left = c == nullptr ? http2::parting::stale : c->abandon(s.stream, now);
    if (c != nullptr) pool_.wake_later(c->id());
    if (left == http2::parting::answered) continue;  // on_answer() has it: only the end of its body was missing
    if (c != nullptr) c->went_unanswered(s.submitted);
    land(s);
    failed(lane_of(s), circuit_breaker::fault::service, "no answer", now);
    lost(s, left == http2::parting::unsent ? http2::loss::unsent : http2::loss::ambiguous, now);
  }
}

void push_sender::failed(push_lane& lane, circuit_breaker::fault what, std::string_view reason, const instant& now) {
  const bool was_closed = lane.breaker.is_closed();
  if (!lane.breaker.failed(what, now.steady)) return;
  counters_.breaker_opened.add();
  lane.counters.breaker_opened.add();
  lane.counters.breaker_open.set(1);
  if (was_closed) {
    outside_.tell({push_notice::weight::warning,
                   who(lane) + ": circuit breaker opened: " + (reason.empty() ? "no reason given" : std::string(reason))});
  }
}

void push_sender::succeeded(push_lane& lane) {
  const bool was_closed = lane.breaker.is_closed();
  lane.breaker.succeeded();
  if (was_closed) return;
  lane.counters.breaker_open.set(0);
  outside_.tell({push_notice::weight::info, who(lane) + ": circuit breaker closed"});
}

/// One BadDeviceToken is a token's end; a row of them is an app in the wrong environment, and ends in Apple closing the
/// connection (PROVIDERS 1.6).
void push_sender::watch_tokens(push_lane& lane, const pns::verdict& v) {
  if (std::holds_alternative<pns::accepted>(v.outcome)) {
    lane.bad_tokens = 0;
    if (lane.counters.token_flood.value() == 0) return;
    lane.counters.token_flood.set(0);
    outside_.tell({push_notice::weight::info, who(lane) + ": device tokens are accepted again"});
  } else if (v.reason == "BadDeviceToken" && ++lane.bad_tokens == token_flood) {
    lane.counters.token_flood.set(1);
    outside_.tell({push_notice::weight::warning, who(lane) + ": " + std::to_string(token_flood) +
                                                     " BadDeviceToken in a row: is this the environment of these devices?"});
  }
}

std::string push_sender::who(const push_lane& lane) const {
  const std::size_t at = static_cast<std::size_t>(&lane - lanes_.data());
  return parts_.name + (parts_.apps[at].name.empty() ? "" : ", " + parts_.apps[at].name);
}

void push_sender::on_goaway(push_connection& from, const http2::goaway_notice& notice) {
  counters_.goaways.add();
  pool_.ended_by_service(from.id(), from.now());
  const std::string reason = pns::apns_goaway_reason(notice.debug_data);
  own_.goaways[pns::reason_index(reason)].add();
  // An orderly farewell is no news; one with a reason is.
  if (reason.empty() || reason == last_goaway_) return;
  last_goaway_ = reason;
  outside_.tell({push_notice::weight::warning, parts_.name + ": the service closes a connection: " + reason});
}

}  // namespace reveille
