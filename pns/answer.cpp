#include "pns/answer.hpp"

#include <algorithm>
#include <cstdio>
#include <chrono>
#include <array>
#include <charconv>

#include "pns/reason_word.hpp"

namespace reveille::pns {
namespace {

constexpr std::size_t max_reason_octets = 64;
constexpr milliseconds longest_retry_after{3600 * 1000};

/// Every word of PROVIDERS 1.5, 2.2 and 3: what may be a label.
constexpr std::string_view documented[] = {
    // APNs
    "BadCertificate", "BadCertificateEnvironment", "BadCollapseId", "BadDeviceToken", "BadEnvironmentKeyIdInToken",
    "BadEnvironmentKeyInToken", "BadExpirationDate", "BadMessageId", "BadPath", "BadPriority", "BadTopic",
    "DeviceTokenNotForTopic", "DuplicateHeaders", "ExpiredProviderToken", "ExpiredToken", "Forbidden", "IdleTimeout",
    "InternalServerError", "InvalidProviderToken", "InvalidPushType", "MethodNotAllowed", "MissingDeviceToken",
    "MissingProviderToken", "MissingTopic", "PayloadEmpty", "PayloadTooLarge", "ServiceUnavailable", "Shutdown",
    "TooManyProviderTokenUpdates", "TooManyRequests", "TopicDisallowed", "Unregistered", "UnrelatedKeyIdInToken",
    // FCM v1
    "INTERNAL", "INVALID_ARGUMENT", "NOT_FOUND", "PERMISSION_DENIED", "QUOTA_EXCEEDED", "RESOURCE_EXHAUSTED",
    "SENDER_ID_MISMATCH", "THIRD_PARTY_AUTH_ERROR", "UNAUTHENTICATED", "UNAVAILABLE", "UNREGISTERED",
    "UNSPECIFIED_ERROR",
    // FCM legacy
    "DeviceMessageRateExceeded", "InvalidApnsCredential", "InvalidDataKey", "InvalidPackageName", "InvalidParameters",
    "InvalidRegistration", "InvalidTtl", "MessageTooBig", "MismatchSenderId", "MissingRegistration", "NotRegistered",
    "TopicsMessageRateExceeded", "Unavailable"};

/// Our own, and those of Google's token endpoint.
constexpr std::string_view others[] = {"access_denied", "breaker", "held", "invalid_client", "invalid_grant", "lost",
                                       "no_template", "no_token", "refused", "too_large", "unauthorized_client",
                                       "voip_token_skipped"};
static_assert(std::size(documented) + std::size(others) + 2 <= reason_slots);

std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
  int value = 0;
  const char* begin = text.data() + at;
  const auto [end, fault] = std::from_chars(begin, begin + count, value);
  if (fault != std::errc{} || end != begin + count || value < 0) return std::nullopt;
  return value;
}

}  // namespace

std::string_view name_of(remedy r) {
  switch (r) {
    case remedy::none: return "none";
    case remedy::wait: return "wait";
    case remedy::other_connection: return "other_connection";
    case remedy::new_bearer_token: return "new_bearer_token";
    case remedy::new_access_token: return "new_access_token";
  }
  return "";
}

std::string_view reason_label(std::string_view reason) {
  return reason_at(reason_index(reason));
}

std::size_t reason_index(std::string_view reason) {
  if (reason.empty()) return 0;
  const auto* word = std::find(std::begin(documented), std::end(documented), reason);
  if (word != std::end(documented)) return 2 + static_cast<std::size_t>(word - std::begin(documented));
  const auto* other = std::find(std::begin(others), std::end(others), reason);
  if (other == std::end(others)) return 1;
  return 2 + std::size(documented) + static_cast<std::size_t>(other - std::begin(others));
}

std::string_view reason_at(std::size_t index) {
  if (index == 0) return "none";
  if (index == 1) return "other";
  index -= 2;
  if (index < std::size(documented)) return documented[index];
  index -= std::size(documented);
  return index < std::size(others) ? others[index] : std::string_view();
}

std::span<const std::string_view> documented_reasons() { return documented; }

std::string reason_word(std::string_view text) {
  std::string out;
  for (char c : text.substr(0, max_reason_octets)) out += c > ' ' && c <= '~' && c != '"' && c != '\\' ? c : '_';
  return out;
}

std::optional<wall_time> parse_http_date(std::string_view text) {
  constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (text.size() != 29 || text.substr(25) != " GMT") return std::nullopt;
  const auto day = digits(text, 5, 2);
  const auto year = digits(text, 12, 4);
  const auto hour = digits(text, 17, 2);
  const auto minute = digits(text, 20, 2);
  const auto second = digits(text, 23, 2);
  const std::size_t month = months.find(text.substr(8, 3));
  if (!day || !year || !hour || !minute || !second || month == std::string_view::npos || month % 3 != 0) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date(std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(month / 3 + 1)),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return wall_time(std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
                   seconds(*second));
}

std::string http_date_text(wall_time at) {
  static constexpr std::array<const char*, 7> days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(std::chrono::floor<seconds>(at - day));
  std::array<char, 64> out;
  const int size = std::snprintf(out.data(), out.size(), "%s, %02u %s %04d %02d:%02d:%02d GMT",
                                 days[std::chrono::weekday(day).c_encoding()], static_cast<unsigned>(date.day()),
                                 months[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                                 static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                                 static_cast<int>(time.seconds().count()));
  return std::string(out.data(), static_cast<std::size_t>(size));
}

std::optional<milliseconds> parse_retry_after(std::string_view value, wall_time now) {
  while (value.starts_with(' ')) value.remove_prefix(1);
  while (value.ends_with(' ')) value.remove_suffix(1);
  if (value.empty()) return std::nullopt;
  const bool number = std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (number) {
    if (value.size() > 6) return longest_retry_after;
    return std::min(longest_retry_after, milliseconds(seconds(*digits(value, 0, value.size()))));
  }
  const std::optional<wall_time> date = parse_http_date(value);
  if (!date || *date <= now) return std::nullopt;
  return std::min(longest_retry_after, *date - now);
}

}  // namespace reveille::pns
