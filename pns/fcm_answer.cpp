#include "pns/fcm_answer.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "pns/json_text.hpp"
#include "pns/reason_word.hpp"

namespace reveille::pns {
namespace {

using nlohmann::json;

constexpr milliseconds quota_pause{60'000};       // Google: 60 s where a 429 has no Retry-After
constexpr milliseconds least_pause{1000};         // 5xx without Retry-After; the sender's back-off grows from it
constexpr milliseconds rate_pause{10'000};        // legacy *RateExceeded: "slow down"
constexpr std::uint8_t while_deadline_allows = 255;
constexpr std::size_t max_token_octets = 4096;

struct parsed_error {
  std::string code;            ///< FcmError.errorCode, else error.status
  bool from_fcm = false;       ///< it was an FcmError's: only then is it about the token
  bool malformed_token = false;  ///< INVALID_ARGUMENT has no code of its own for that, only words
  bool of_device = false;      ///< a QuotaFailure (or the message) speaks of one device's rate, not the project's
};

std::string text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool speaks_of_device(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text.find("device") != std::string::npos;
}

/// google.rpc.QuotaFailure: violations with `subject` and `description`.
bool violates_device_quota(const json& detail) {
  const auto all = detail.find("violations");
  if (all == detail.end() || !all->is_array()) return false;
  for (const json& one : *all) {
    if (one.is_object() && (speaks_of_device(text_of(one, "subject")) || speaks_of_device(text_of(one, "description")))) {
      return true;
    }
  }
  return false;
}

parsed_error parse_error(std::string_view text) {
  parsed_error out;
  if (text.size() > parsed_answer_limit) return out;
  const json body = json::parse(text, nullptr, false);
  const json* error = body.is_object() && body.contains("error") ? &body["error"] : nullptr;
  if (!error || !error->is_object()) return out;
  const std::string message = text_of(*error, "message");
  out.malformed_token = message.find("not a valid FCM registration token") != std::string::npos;
  out.of_device = speaks_of_device(message);
  if (const auto details = error->find("details"); details != error->end() && details->is_array()) {
    for (const json& detail : *details) {
      if (!detail.is_object()) continue;
      const std::string type = text_of(detail, "@type");
      const std::string code = text_of(detail, "errorCode");
      // The Python SDK once knew the type as FcmErrorCode.
      const bool fcm = type.ends_with("google.firebase.fcm.v1.FcmError") || type.ends_with("firebase.fcm.v1.FcmErrorCode");
      if (fcm && !code.empty() && !out.from_fcm) {
        out.code = reason_word(code);
        out.from_fcm = true;
      }
      if (type.ends_with("google.rpc.QuotaFailure")) out.of_device |= violates_device_quota(detail);
    }
  }
  if (!out.from_fcm) out.code = reason_word(text_of(*error, "status"));
  return out;
}

/// The id in {"name":"projects/<p>/messages/<id>"}: looked for, not parsed, since it comes with every push.
std::string message_name(std::string_view body) {
  const std::size_t key = body.find("\"name\"");
  const std::size_t begin = key == std::string_view::npos ? key : body.find('"', key + 6);
  if (begin == std::string_view::npos) return {};
  const std::size_t end = body.find('"', begin + 1);
  if (end == std::string_view::npos) return {};
  std::string_view name = body.substr(begin + 1, end - begin - 1);
  name.remove_prefix(name.rfind('/') == std::string_view::npos ? 0 : name.rfind('/') + 1);
  return reason_word(name);
}

void wait(verdict& v, milliseconds delay) {
  v.outcome = try_later{};
  v.remedy = remedy::wait;
  v.delay = delay;
  v.repeats = while_deadline_allows;
}

void sort_refusal(verdict& v, int status, const parsed_error& error, const prid& token) {
  switch (status) {
    case 400:
      if (error.malformed_token) {
        v.outcome = suspect_token{token};
      } else {
        v.outcome = our_fault{};
      }
      return;
    case 401:
      v.outcome = credential_fault{};
      v.blame = blame::app;
      // THIRD_PARTY_AUTH_ERROR is about APNs credentials that Google holds; anything else about our access token.
      if (error.code != "THIRD_PARTY_AUTH_ERROR") {
        v.remedy = remedy::new_access_token;
        v.repeats = 1;
      }
      return;
    case 403:
      if (error.from_fcm && error.code == "SENDER_ID_MISMATCH") {
        v.outcome = suspect_token{token};
      } else {
        v.outcome = credential_fault{};
        v.blame = blame::app;
      }
      return;
    case 404:
      if (error.from_fcm && error.code == "UNREGISTERED") {
        v.outcome = dead_token{token, std::nullopt};
      } else {
        v.outcome = credential_fault{};  // a project that does not exist, or is not ours
        v.blame = blame::app;
      }
      return;
    default: v.outcome = our_fault{};
  }
}

struct legacy_row {
  std::string_view error;
  enum class action : std::uint8_t { dead, suspect, ours, credential, later, slower } action;
};
/// PROVIDERS 3, with SPEC 6.5's caution: what may be a mix-up of ours only quarantines the token.
constexpr legacy_row legacy_rows[] = {
    {"NotRegistered", legacy_row::action::dead},
    {"InvalidRegistration", legacy_row::action::suspect},
    {"MismatchSenderId", legacy_row::action::suspect},
    {"MissingRegistration", legacy_row::action::ours},
    {"InvalidPackageName", legacy_row::action::ours},
    {"MessageTooBig", legacy_row::action::ours},
    {"InvalidDataKey", legacy_row::action::ours},
    {"InvalidTtl", legacy_row::action::ours},
    {"InvalidParameters", legacy_row::action::ours},
    {"InvalidApnsCredential", legacy_row::action::credential},
    {"Unavailable", legacy_row::action::later},
    {"InternalServerError", legacy_row::action::later},
    {"DeviceMessageRateExceeded", legacy_row::action::slower},
    {"TopicsMessageRateExceeded", legacy_row::action::slower},
};

void sort_legacy_error(verdict& v, const prid& token, std::optional<milliseconds> wish) {
  for (const legacy_row& row : legacy_rows) {
    if (row.error != v.reason) continue;
    switch (row.action) {
      case legacy_row::action::dead: v.outcome = dead_token{token, std::nullopt}; return;
      case legacy_row::action::suspect: v.outcome = suspect_token{token}; return;
      case legacy_row::action::ours: v.outcome = our_fault{}; return;
      case legacy_row::action::credential:
        v.outcome = credential_fault{};
        v.blame = blame::app;
        return;
      case legacy_row::action::later:
        wait(v, wish.value_or(least_pause));
        v.blame = blame::service;
        return;
      case legacy_row::action::slower: wait(v, wish.value_or(rate_pause)); return;
    }
  }
  v.outcome = our_fault{};
}

/// What may replace a token in a subscriber's record: the alphabet of FCM's, and no longer than one that registers.
bool is_token(const std::string& text) {
  return !text.empty() && text.size() <= max_token_octets && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_' || c == ':';
  });
}

void sort_legacy_200(verdict& v, const http_answer& answer, const prid& token, std::optional<milliseconds> wish) {
  const json body = answer.body.size() <= parsed_answer_limit ? json::parse(answer.body, nullptr, false) : json();
  const json* results = body.is_object() && body.contains("results") ? &body["results"] : nullptr;
  if (!results || !results->is_array() || results->empty() || !results->front().is_object()) {
    v.outcome = our_fault{};  // a gateway that speaks something else
    v.reason = "no_results";
    return;
  }
  const json& first = results->front();
  if (const std::string error = text_of(first, "error"); !error.empty()) {
    v.reason = reason_word(error);
    sort_legacy_error(v, token, wish);
    return;
  }
  accepted taken{reason_word(text_of(first, "message_id"))};
  const std::string canonical = text_of(first, "registration_id");
  if (canonical != token.str() && is_token(canonical)) {
    taken.renamed = std::make_shared<const token_change>(token_change{token, prid(canonical)});
  }
  v.outcome = std::move(taken);
}

}  // namespace

verdict sort_fcm_answer(const http_answer& answer, const prid& token, wall_time now) {
  verdict v;
  if (answer.status == 200) {
    v.outcome = accepted{message_name(answer.body)};
    return v;
  }
  const parsed_error error = parse_error(answer.body);
  v.reason = error.code;
  const std::optional<milliseconds> wish = parse_retry_after(answer.retry_after, now);
  if (answer.status == 429) {
    wait(v, wish.value_or(quota_pause));
    if (!error.of_device) v.waits = pause_of::credential;
  } else if (answer.status >= 500 && answer.status <= 599) {
    wait(v, wish.value_or(least_pause));
    v.blame = blame::service;
  } else {
    sort_refusal(v, answer.status, error, token);
  }
  return v;
}

verdict sort_fcm_legacy_answer(const http_answer& answer, const prid& token, wall_time now) {
  verdict v;
  const std::optional<milliseconds> wish = parse_retry_after(answer.retry_after, now);
  if (answer.status == 200) {
    sort_legacy_200(v, answer, token, wish);
  } else if (answer.status == 401 || answer.status == 403) {
    v.outcome = credential_fault{};
    v.blame = blame::app;
  } else if (answer.status == 429) {
    wait(v, wish.value_or(quota_pause));
    v.waits = pause_of::credential;
  } else if (answer.status >= 500 && answer.status <= 599) {
    wait(v, wish.value_or(least_pause));
    v.blame = blame::service;
  } else {
    v.outcome = our_fault{};
  }
  return v;
}

}  // namespace reveille::pns
