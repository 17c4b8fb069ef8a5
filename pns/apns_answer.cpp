#include "pns/apns_answer.hpp"

#include <nlohmann/json.hpp>
#include <optional>

#include "pns/reason_word.hpp"

namespace reveille::pns {
namespace {

using nlohmann::json;

/// Apple documents no Retry-After; these are the least pauses before a repeat makes sense within a call.
constexpr milliseconds device_pause{1000};        // TooManyRequests: this device's token
constexpr milliseconds token_update_pause{1000};  // TooManyProviderTokenUpdates: settles once nobody mints
constexpr std::uint8_t while_deadline_allows = 255;
/// A 410 stamp of year 2100 or later is no stamp.
constexpr std::int64_t latest_stamp_ms = 4'102'444'800'000;

struct parsed_body {
  std::string reason;
  std::optional<wall_time> stamp;
};

parsed_body parse_body(std::string_view text) {
  parsed_body out;
  if (text.empty() || text.size() > parsed_answer_limit) return out;
  const json body = json::parse(text, nullptr, false);
  if (!body.is_object()) return out;
  if (const auto reason = body.find("reason"); reason != body.end() && reason->is_string()) {
    out.reason = reason_word(reason->get_ref<const std::string&>());
  }
  if (const auto stamp = body.find("timestamp"); stamp != body.end() && stamp->is_number_integer()) {
    const auto ms = stamp->get<std::int64_t>();
    if (ms > 0 && ms < latest_stamp_ms) out.stamp = wall_time(milliseconds(ms));
  }
  return out;
}

void try_again(verdict& v, remedy how, milliseconds delay, std::uint8_t repeats) {
  v.remedy = how;
  v.delay = delay;
  v.repeats = repeats;
}

void sort_403(verdict& v) {
  v.outcome = credential_fault{};
  v.blame = blame::app;
  if (v.reason == "ExpiredProviderToken") {
    v.connection_spent = true;  // pushy: once it has refused, a connection stays unusable
    try_again(v, remedy::new_bearer_token, milliseconds(0), 1);
  } else if (v.reason == "UnrelatedKeyIdInToken" || v.reason.starts_with("BadEnvironmentKey")) {
    // Either another key's push bound this connection first, which a new one cures, or the key is for the other
    // environment, which nothing cures.
    v.connection_spent = true;
    try_again(v, remedy::other_connection, milliseconds(0), 1);
  }
}

void sort_400(verdict& v, const prid& token) {
  if (v.reason == "BadDeviceToken" || v.reason == "DeviceTokenNotForTopic") {
    v.outcome = suspect_token{token};
  } else if (v.reason == "IdleTimeout") {
    v.outcome = try_later{};
    v.connection_spent = true;
    try_again(v, remedy::other_connection, milliseconds(0), 1);
  } else {
    v.outcome = our_fault{};
    // The credential may not speak for this app: every push of it will hear the same.
    if (v.reason == "TopicDisallowed" || v.reason == "BadTopic" || v.reason == "MissingTopic") v.blame = blame::app;
  }
}

void sort_429(verdict& v, std::optional<milliseconds> wish) {
  v.outcome = try_later{};
  const bool minted_too_often = v.reason == "TooManyProviderTokenUpdates";  // and never mint in answer to it
  if (minted_too_often) v.waits = pause_of::credential;
  try_again(v, remedy::wait, wish.value_or(minted_too_often ? token_update_pause : device_pause), while_deadline_allows);
}

/// Apple says 15 minutes; for a ringing phone that is never, so: once, at once, elsewhere, then with back-off while the
/// call can still be answered (SPEC 6.3, PROVIDERS 1.5).
void sort_5xx(verdict& v, std::optional<milliseconds> wish) {
  v.outcome = try_later{};
  v.blame = blame::service;
  v.connection_spent = v.reason == "Shutdown";
  v.then_wait = true;
  try_again(v, remedy::other_connection, wish.value_or(milliseconds(0)), 1);
}

}  // namespace

verdict sort_apns_answer(const http_answer& answer, const prid& token, wall_time now) {
  verdict v;
  if (answer.status == 200) {
    v.outcome = accepted{reason_word(answer.provider_id)};
    return v;
  }
  parsed_body body = parse_body(answer.body);
  v.reason = std::move(body.reason);
  const std::optional<milliseconds> wish = parse_retry_after(answer.retry_after, now);
  switch (answer.status) {
    case 400: sort_400(v, token); return v;
    case 403: sort_403(v); return v;
    case 410:
      // Without a stamp nobody can tell whether the device has registered since.
      if (body.stamp) {
        v.outcome = dead_token{token, body.stamp};
      } else {
        v.outcome = suspect_token{token};
      }
      return v;
    case 429: sort_429(v, wish); return v;
    default: break;
  }
  if (answer.status >= 500 && answer.status <= 599) {
    sort_5xx(v, wish);
  } else {
    v.outcome = our_fault{};  // 404, 405, 413, and whatever nobody documents
  }
  return v;
}

std::string apns_goaway_reason(std::string_view debug_data) { return parse_body(debug_data).reason; }

}  // namespace reveille::pns
