#include "mock_providers/fcm_message.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

namespace reveille::mock_providers {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t max_message = 4096;
constexpr std::size_t max_topic_message = 2048;
constexpr std::int64_t longest_ttl = 4 * 7 * 86400;

constexpr std::string_view message_fields[] = {"name", "data",  "notification", "android",   "webpush",
                                               "apns", "token", "topic",        "condition", "fcm_options", "fcmOptions"};
constexpr std::string_view android_fields[] = {
    "collapse_key", "collapseKey", "priority", "ttl", "restricted_package_name", "restrictedPackageName", "data",
    "notification", "fcm_options", "fcmOptions", "direct_boot_ok", "directBootOk", "bandwidth_constrained_ok",
    "bandwidthConstrainedOk", "restricted_satellite_ok", "restrictedSatelliteOk"};

/// Collects the first fault; afterwards nothing is read any more.
class reader {
 public:
  explicit reader(provider_answer& fault) : fault_(fault) {}

  std::optional<fcm_message> read(std::string_view body) {
    const ordered_json root = ordered_json::parse(body, nullptr, false);
    if (root.is_discarded()) return refuse("Invalid JSON payload received. Unexpected token.");
    if (!root.is_object()) return refuse("Invalid JSON payload received. Root element must be a message.");
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

  template <std::size_t N>
  static bool is_one_of(const std::string_view (&names)[N], std::string_view name) {
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
  }

  bool read_message(const ordered_json& message) {
    int targets = 0;
    bool topic = false;
    for (const auto& [name, value] : message.items()) {
      if (!is_one_of(message_fields, name)) return unknown(name, "message"), false;
      if (name == "token" || name == "topic" || name == "condition") {
        if (!value.is_string()) return wrong_type("message." + name, "TYPE_STRING", value), false;
        ++targets;
        topic = name != "token";
        if (!topic) out_.token = value.get<std::string>();
      } else if (name == "data") {
        if (!read_data(value, "message.data")) return false;
      } else if (name == "android") {
        if (!read_android(value)) return false;
      } else if (!value.is_object() && name != "name") {
        return wrong_type("message." + name, "TYPE_MESSAGE", value), false;
      }
    }
    if (targets > 1) return refuse("The message must have exactly one target: token, topic or condition.", "message"), false;
    if (targets == 0) return missing_target(), false;
    if (data_octets_ > (topic ? max_topic_message : max_message)) return refuse("Android message is too big"), false;
    if (!topic && !is_registration_token(out_.token)) {
      return refuse("The registration token is not a valid FCM registration token"), false;
    }
    return true;
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
    if (!android.is_object()) return wrong_type("message.android", "TYPE_MESSAGE", android), false;
    for (const auto& [name, value] : android.items()) {
      if (!is_one_of(android_fields, name)) return unknown(name, "message.android"), false;
      if (name == "priority") {
        const std::string text = value.is_string() ? value.get<std::string>() : std::string();
        if (text != "HIGH" && text != "NORMAL" && text != "high" && text != "normal") {
          return wrong_type("message.android.priority",
                            "type.googleapis.com/google.firebase.fcm.v1.AndroidConfig.AndroidMessagePriority", value), false;
        }
      } else if (name == "ttl") {
        if (!read_ttl(value)) return false;
      } else if (name == "data") {
        if (!read_data(value, "message.android.data")) return false;
      } else if ((name == "collapse_key" || name == "collapseKey") && !value.is_string()) {
        return wrong_type("message.android.collapse_key", "TYPE_STRING", value), false;
      }
    }
    return true;
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

bool is_registration_token(std::string_view token) {
  return token.size() >= 8 && token.size() <= 4096 && std::all_of(token.begin(), token.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_' ||
           c == ':' || c == '.';
  });
}

}  // namespace reveille::mock_providers
