#include "mock_providers/fcm/fcm_message.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "mock_providers/requests/json_check.hpp"

namespace reveille::mock_providers {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t max_message = 4096;
constexpr std::size_t max_topic_message = 2048;
constexpr std::int64_t longest_ttl = 4 * 7 * 86400;

/// How Google's schema names a field and what it takes; both spellings are proto3 JSON (PROVIDERS 2.1).
enum class kind : std::uint8_t { text, boolean, number, message, list, text_map, any };
struct field_row {
  std::string_view snake, camel;
  kind what;
};
constexpr field_row message_fields[] = {{"name", "", kind::text},       {"data", "", kind::message},
                                        {"notification", "", kind::message}, {"android", "", kind::message},
                                        {"webpush", "", kind::message}, {"apns", "", kind::message},
                                        {"fcm_options", "fcmOptions", kind::message}, {"token", "", kind::text},
                                        {"topic", "", kind::text},      {"condition", "", kind::text}};
constexpr field_row android_fields[] = {{"collapse_key", "collapseKey", kind::text},
                                        {"priority", "", kind::any},
                                        {"ttl", "", kind::any},
                                        {"restricted_package_name", "restrictedPackageName", kind::text},
                                        {"data", "", kind::message},
                                        {"notification", "", kind::message},
                                        {"fcm_options", "fcmOptions", kind::message},
                                        {"direct_boot_ok", "directBootOk", kind::boolean},
                                        {"bandwidth_constrained_ok", "bandwidthConstrainedOk", kind::boolean},
                                        {"restricted_satellite_ok", "restrictedSatelliteOk", kind::boolean}};
constexpr field_row notification_fields[] = {{"title", "", kind::text}, {"body", "", kind::text}, {"image", "", kind::text}};
constexpr field_row android_notification_fields[] = {
    {"title", "", kind::text}, {"body", "", kind::text}, {"icon", "", kind::text}, {"color", "", kind::text},
    {"sound", "", kind::text}, {"tag", "", kind::text}, {"click_action", "clickAction", kind::text},
    {"body_loc_key", "bodyLocKey", kind::text}, {"body_loc_args", "bodyLocArgs", kind::list},
    {"title_loc_key", "titleLocKey", kind::text}, {"title_loc_args", "titleLocArgs", kind::list},
    {"channel_id", "channelId", kind::text}, {"ticker", "", kind::text}, {"sticky", "", kind::boolean},
    {"event_time", "eventTime", kind::text}, {"local_only", "localOnly", kind::boolean},
    {"notification_priority", "notificationPriority", kind::text}, {"default_sound", "defaultSound", kind::boolean},
    {"default_vibrate_timings", "defaultVibrateTimings", kind::boolean},
    {"default_light_settings", "defaultLightSettings", kind::boolean}, {"vibrate_timings", "vibrateTimings", kind::list},
    {"visibility", "", kind::text}, {"notification_count", "notificationCount", kind::number},
    {"light_settings", "lightSettings", kind::message}, {"image", "", kind::text},
    {"bypass_proxy_notification", "bypassProxyNotification", kind::boolean}, {"proxy", "", kind::text}};
constexpr field_row apns_fields[] = {{"headers", "", kind::text_map}, {"payload", "", kind::message},
                                     {"fcm_options", "fcmOptions", kind::message},
                                     {"live_activity_token", "liveActivityToken", kind::text}};
constexpr field_row webpush_fields[] = {{"headers", "", kind::text_map}, {"data", "", kind::text_map},
                                        {"notification", "", kind::message}, {"fcm_options", "fcmOptions", kind::message}};

/// Collects the first fault; afterwards nothing is read any more.
class reader {
 public:
  explicit reader(provider_answer& fault) : fault_(fault) {}

  std::optional<fcm_message> read(std::string_view body) {
    if (!is_json_object(body)) return refuse_root(body);   // before anything is built of it: what is too deep is no message
    const ordered_json root = ordered_json::parse(body, nullptr, false);
    if (!root.is_object()) return refuse("Invalid JSON payload received. Unexpected token.");
    for (const auto& [name, value] : root.items()) {
      if (name == "message") continue;
      if (name != "validate_only" && name != "validateOnly") return unknown(name, "");
      if (!value.is_boolean()) return wrong_type("validate_only", "TYPE_BOOL", value);
      out_.validate_only = value.get<bool>();
    }
    const auto message = root.find("message");
    if (message == root.end() || !message->is_object()) return missing_target();
    if (!read_message(*message)) return std::nullopt;
    return std::move(out_);
  }

 private:
  std::nullopt_t refuse(std::string_view message, std::string_view field = {}) {
    fault_ = google_error(400, message, field.empty() ? "INVALID_ARGUMENT" : "", field, message);
    return std::nullopt;
  }
  std::nullopt_t refuse_root(std::string_view body) {
    if (!ordered_json::accept(body)) return refuse("Invalid JSON payload received. Unexpected token.");
    const std::size_t first = body.find_first_not_of(" \t\r\n");
    const bool object = first != body.npos && body[first] == '{';
    return refuse(object ? "Invalid JSON payload received. Message too deep. Max recursion depth reached."
                         : "Invalid JSON payload received. Root element must be a message.");
  }
  std::nullopt_t unknown(std::string_view name, std::string_view at) {
    const std::string where = at.empty() ? "" : " at '" + std::string(at) + "'";
    return refuse("Invalid JSON payload received. Unknown name \"" + std::string(name) + "\"" + where + ": Cannot find field.",
                  at.empty() ? name : at);
  }
  std::nullopt_t wrong_type(std::string_view at, std::string_view type, const ordered_json& value) {
    return refuse("Invalid value at '" + std::string(at) + "' (" + std::string(type) + "), " + value.dump(-1, ' ', false, ordered_json::error_handler_t::replace).substr(0, 100), at);
  }
  std::nullopt_t missing_target() {
    return refuse("Recipient of the message is not set.");
  }

  /// Every member is one of `rows` and of its type. @param at where the object stands: "message.android".
  template <std::size_t N>
  bool check_fields(const ordered_json& object, const std::string& at, const field_row (&rows)[N]) {
    if (!object.is_object()) return wrong_type(at, "TYPE_MESSAGE", object), false;
    for (const auto& [name, value] : object.items()) {
      const auto* row = std::find_if(std::begin(rows), std::end(rows),
                                     [&, n = std::string_view(name)](const field_row& r) { return r.snake == n || (!r.camel.empty() && r.camel == n); });
      if (row == std::end(rows)) return unknown(name, at), false;
      if (!check_kind(value, at + '.' + std::string(row->snake), row->what)) return false;
    }
    return true;
  }
  bool check_kind(const ordered_json& value, const std::string& at, kind what) {
    switch (what) {
      case kind::any: return true;
      case kind::text: return value.is_string() || (wrong_type(at, "TYPE_STRING", value), false);
      case kind::boolean: return value.is_boolean() || (wrong_type(at, "TYPE_BOOL", value), false);
      case kind::number: return value.is_number_integer() || (wrong_type(at, "TYPE_INT32", value), false);
      case kind::message: return value.is_object() || (wrong_type(at, "TYPE_MESSAGE", value), false);
      case kind::list: return value.is_array() || (wrong_type(at, "TYPE_STRING", value), false);
      case kind::text_map: break;
    }
    if (!value.is_object()) return wrong_type(at, "TYPE_MESSAGE", value), false;
    std::size_t index = 0;
    for (const auto& [name, one] : value.items()) {
      if (!one.is_string()) return wrong_type(at + '[' + std::to_string(index) + "].value", "TYPE_STRING", one), false;
      ++index;
    }
    return true;
  }
  /// The member of either name, or nullptr.
  static const ordered_json* member(const ordered_json& object, const char* snake, const char* camel = nullptr) {
    auto found = object.find(snake);
    if (found == object.end() && camel) found = object.find(camel);
    return found == object.end() ? nullptr : &*found;
  }

  bool read_message(const ordered_json& message) {
    if (!check_fields(message, "message", message_fields)) return false;
    int targets = 0;
    const ordered_json* topic = member(message, "topic");
    const ordered_json* condition = member(message, "condition");
    if (const ordered_json* t = member(message, "token")) {
      out_.token = t->get<std::string>();
      ++targets;
    }
    targets += int{topic != nullptr} + int{condition != nullptr};
    if (const auto* d = member(message, "data"); d && !read_data(*d, "message.data")) return false;
    const ordered_json* shown = member(message, "notification");
    if (shown && !check_fields(*shown, "message.notification", notification_fields)) return false;
    out_.high_priority = shown != nullptr;
    if (const auto* a = member(message, "android"); a && !read_android(*a)) return false;
    if (const auto* a = member(message, "apns"); a && !check_fields(*a, "message.apns", apns_fields)) return false;
    if (const auto* w = member(message, "webpush"); w && !check_fields(*w, "message.webpush", webpush_fields)) return false;
    if (targets > 1) return refuse("The message must have exactly one target: token, topic or condition.", "message"), false;
    if (targets == 0) return missing_target(), false;
    if (topic && !is_topic(topic->get_ref<const std::string&>())) return refuse("Malformed topic name", "message.topic"), false;
    const bool to_many = topic || condition;
    if (data_octets_ > (to_many ? max_topic_message : max_message)) return refuse("Android message is too big"), false;
    if (!to_many && !is_registration_token(out_.token)) {
      return refuse("The registration token is not a valid FCM registration token"), false;
    }
    return true;
  }

  static bool is_topic(std::string_view name) {
    return !name.empty() && name.size() <= 900 && std::all_of(name.begin(), name.end(), [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || std::string_view("-_.~%").find(c) != std::string_view::npos;
    });
  }

  bool read_data(const ordered_json& data, const std::string& at) {
    if (!data.is_object()) return wrong_type(at, "TYPE_MESSAGE", data), false;
    std::size_t index = 0;
    data_octets_ = 0;
    for (const auto& [key, value] : data.items()) {
      if (!value.is_string()) return wrong_type(at + '[' + std::to_string(index) + "].value", "TYPE_STRING", value), false;
      // Google's schema and its error page differ (PROVIDERS 2.1); the wider set.
      if (key == "from" || key == "message_type" || key.starts_with("google") || key.starts_with("gcm")) {
        return refuse("Invalid data payload key: " + key), false;
      }
      data_octets_ += key.size() + value.get_ref<const std::string&>().size();
      ++index;
    }
    out_.data = data.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
    return true;
  }

  bool read_android(const ordered_json& android) {
    if (!check_fields(android, "message.android", android_fields)) return false;
    if (const auto* priority = member(android, "priority")) {
      const std::string text = priority->is_string() ? priority->get<std::string>() : std::string();
      if (text != "HIGH" && text != "NORMAL" && text != "high" && text != "normal") {
        return wrong_type("message.android.priority",
                          "type.googleapis.com/google.firebase.fcm.v1.AndroidConfig.AndroidMessagePriority", *priority), false;
      }
      out_.high_priority = text == "HIGH" || text == "high";
    }
    if (const auto* ttl = member(android, "ttl"); ttl && !read_ttl(*ttl)) return false;
    if (const auto* data = member(android, "data"); data && !read_data(*data, "message.android.data")) return false;
    if (const auto* key = member(android, "collapse_key", "collapseKey")) out_.collapse_key = key->get<std::string>();
    const auto* shown = member(android, "notification");
    return !shown || check_fields(*shown, "message.android.notification", android_notification_fields);
  }

  /// A duration: digits, perhaps a fraction of up to nine, and 's'.
  bool read_ttl(const ordered_json& value) {
    const std::string text = value.is_string() ? value.get<std::string>() : std::string();
    const char* begin = text.data();
    const char* end = begin + text.size();
    std::int64_t whole = 0;
    auto [at, code] = std::from_chars(begin, end, whole);
    bool good = code == std::errc{} && whole >= 0 && text.front() != '-';
    if (good && at != end && *at == '.') {
      const char* fraction = ++at;
      while (at != end && *at >= '0' && *at <= '9') ++at;
      good = at != fraction && at - fraction <= 9;
    }
    if (!good || at + 1 != end || *at != 's') {
      return wrong_type("message.android.ttl", "type.googleapis.com/google.protobuf.Duration", value), false;
    }
    if (whole > longest_ttl) return refuse("Invalid value for ttl: must be between 0 and 2419200 seconds"), false;
    out_.ttl = seconds(whole);
    return true;
  }

  provider_answer& fault_;
  fcm_message out_;
  std::size_t data_octets_ = 0;
};

std::string_view status_word(int status) {
  switch (status) {
    case 400: return "INVALID_ARGUMENT";
    case 401: return "UNAUTHENTICATED";
    case 403: return "PERMISSION_DENIED";
    case 404: return "NOT_FOUND";
    case 429: return "RESOURCE_EXHAUSTED";
    case 500: return "INTERNAL";
    case 503: return "UNAVAILABLE";
    default: return "UNKNOWN";
  }
}

}  // namespace

std::optional<fcm_message> read_fcm_message(std::string_view body, provider_answer& fault) {
  return reader(fault).read(body);
}

provider_answer google_error(int status, std::string_view message, std::string_view error_code, std::string_view field,
                             std::string_view description) {
  ordered_json details = ordered_json::array();
  if (!error_code.empty()) {
    details.push_back({{"@type", "type.googleapis.com/google.firebase.fcm.v1.FcmError"}, {"errorCode", error_code}});
  }
  if (!field.empty()) {
    details.push_back({{"@type", "type.googleapis.com/google.rpc.BadRequest"},
                       {"fieldViolations", {{{"field", field}, {"description", description}}}}});
  }
  ordered_json error = {{"code", status}, {"message", message}, {"status", status_word(status)}};
  if (!details.empty()) error["details"] = std::move(details);
  provider_answer a;
  a.status = status;
  a.reason = error_code.empty() ? status_word(status) : error_code;
  a.content_type = "application/json; charset=UTF-8";
  a.body = ordered_json{{"error", std::move(error)}}.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  return a;
}

provider_answer google_quota_error(std::string_view subject) {
  const std::string_view message = "Quota exceeded for quota metric 'Send messages' and limit 'Send messages per minute'.";
  provider_answer a = google_error(429, message, "QUOTA_EXCEEDED");
  ordered_json body = ordered_json::parse(a.body);
  body["error"]["details"].push_back({{"@type", "type.googleapis.com/google.rpc.QuotaFailure"},
                                      {"violations", {{{"subject", subject}, {"description", message}}}}});
  a.body = body.dump();
  return a;
}

bool is_registration_token(std::string_view token) {
  return token.size() >= 8 && token.size() <= 4096 && std::all_of(token.begin(), token.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_' ||
           c == ':' || c == '.';
  });
}

}  // namespace reveille::mock_providers
