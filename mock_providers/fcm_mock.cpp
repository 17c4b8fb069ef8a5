#include "mock_providers/fcm_mock.hpp"

#include <nlohmann/json.hpp>

#include "mock_providers/fcm_message.hpp"

namespace reveille::mock_providers {
namespace {

using nlohmann::json;

constexpr std::size_t legacy_limit = 4096;
constexpr std::int64_t longest_legacy_ttl = 2'419'200;

/// What Google's front end says to paths and methods that nobody serves: HTML, no JSON.
provider_answer not_found() {
  provider_answer a;
  a.status = 404;
  a.reason = "html";
  a.content_type = "text/html; charset=UTF-8";
  a.body = "<!DOCTYPE html><html lang=en><title>Error 404 (Not Found)!!1</title><p><b>404.</b> That's an error.</html>\n";
  return a;
}

provider_answer legacy_result(const json& result, std::string id) {
  const bool good = !result.contains("error");
  provider_answer a;
  a.accepted = good;
  a.reason = good ? "" : result["error"].get<std::string>();
  a.id = std::move(id);
  a.content_type = "application/json; charset=UTF-8";
  a.body = json{{"multicast_id", 216}, {"success", good ? 1 : 0}, {"failure", good ? 0 : 1}, {"canonical_ids", 0},
                {"results", json::array({result})}}.dump();
  return a;
}

provider_answer legacy_text(int status, std::string_view text) {
  provider_answer a;
  a.status = status;
  a.reason = text;
  a.content_type = "text/plain; charset=UTF-8";
  a.body = text;
  return a;
}

}  // namespace

fcm_mock::fcm_mock(fcm_mock_config config, const oauth_mock& tokens, const device_table& devices, random_source& random)
    : config_(std::move(config)), tokens_(tokens), devices_(devices), random_(random) {}

bool fcm_mock::over_quota(const instant& now) {
  if (config_.per_minute == 0) return false;
  if (in_minute_ == 0 || now.steady - minute_ >= seconds(60)) {
    minute_ = now.steady;
    in_minute_ = 0;
  }
  return ++in_minute_ > config_.per_minute;
}

std::string fcm_mock::new_message_id(const instant& now) {
  return "0:" + std::to_string(now.wall.time_since_epoch().count()) + "%" + std::to_string(random_.next());
}

provider_answer fcm_mock::answer(const provider_request& request, const instant& now, notification& out) {
  out.provider = pns::provider::fcm;
  out.push_type = "data";
  out.accepted_at = now.wall;
  constexpr std::string_view prefix = "/v1/projects/";
  constexpr std::string_view suffix = "/messages:send";
  if (request.method != "POST" || !request.path.starts_with(prefix) || !request.path.ends_with(suffix) ||
      request.path.size() < prefix.size() + suffix.size()) {
    return not_found();
  }
  const std::string_view project = request.path.substr(prefix.size(), request.path.size() - prefix.size() - suffix.size());
  out.app = project;

  const std::string_view authorization = request.headers.value_of("authorization");
  if (authorization.empty()) {
    return google_error(401,
                        "Request is missing required authentication credential. Expected OAuth 2 access token, login "
                        "cookie or other valid authentication credential. See "
                        "https://developers.google.com/identity/sign-in/web/devconsole-project.");
  }
  if (!tokens_.is_good(authorization, now)) {
    return google_error(401,
                        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or "
                        "other valid authentication credential. See "
                        "https://developers.google.com/identity/sign-in/web/devconsole-project.");
  }
  if (project != config_.project) {
    return google_error(403, "Permission 'cloudmessaging.messages.create' denied on resource "
                             "'//cloudresourcemanager.googleapis.com/projects/" +
                                 std::string(project.substr(0, 100)) + "' (or it may not exist).");
  }
  if (request.truncated) return google_error(400, "Request payload size exceeds the limit.", "INVALID_ARGUMENT");
  provider_answer fault;
  std::optional<fcm_message> message = read_fcm_message(request.body, fault);
  if (!message) {
    out.payload = request.body;
    return fault;
  }
  out.token = message->token;
  out.payload = message->data.empty() ? "{}" : message->data;
  if (over_quota(now)) {
    provider_answer a = google_error(429, "Quota exceeded for quota metric 'Send messages' and limit 'Send messages per minute'.",
                                     "QUOTA_EXCEEDED");
    a.headers.emplace_back("retry-after", std::to_string(60 - std::chrono::floor<seconds>(now.steady - minute_).count()));
    return a;
  }
  if (!message->token.empty()) {
    const device* d = devices_.find(pns::provider::fcm, message->token);
    if (!devices_.is_known(pns::provider::fcm, message->token) || (d && d->unregistered_at)) {
      return google_error(404, "Requested entity was not found.", "UNREGISTERED");
    }
    if (d && !d->app.empty() && d->app != project) return google_error(403, "SenderId mismatch", "SENDER_ID_MISMATCH");
  }
  if (message->ttl) out.expires = now.wall + *message->ttl;
  out.id = new_message_id(now);
  provider_answer a;
  a.accepted = true;
  a.id = out.id;
  a.content_type = "application/json; charset=UTF-8";
  a.body = "{\n  \"name\": \"projects/" + config_.project + "/messages/" + out.id + "\"\n}\n";
  if (message->validate_only) out.token.clear();
  return a;
}

provider_answer fcm_mock::answer_legacy(const provider_request& request, const instant& now, notification& out) {
  out.provider = pns::provider::fcm;
  out.push_type = "data";
  out.app = config_.project;
  out.accepted_at = now.wall;
  if (config_.legacy_key.empty() || request.method != "POST") return not_found();
  if (request.headers.value_of("authorization") != "key=" + config_.legacy_key) return legacy_text(401, "INVALID_KEY");
  const json body = json::parse(request.body, nullptr, false);
  if (!body.is_object()) return legacy_text(400, "JSON_PARSING_ERROR: Unexpected token");
  const json to = body.value("to", json());
  if (!to.is_string() || to.get_ref<const std::string&>().empty()) {
    return body.contains("registration_ids") ? legacy_text(400, "\"registration_ids\" is not served by this mock")
                                             : legacy_result({{"error", "MissingRegistration"}}, "");
  }
  out.token = to.get<std::string>();
  const json data = body.value("data", json::object());
  out.payload = data.dump(-1, ' ', false, json::error_handler_t::replace);
  if (!data.is_object()) return legacy_text(400, "Field \"data\" must be a JSON array: " + out.payload.substr(0, 40));
  for (const auto& [key, value] : data.items()) {
    if (key == "from" || key.starts_with("google") || key.starts_with("gcm")) {
      return legacy_result({{"error", "InvalidDataKey"}}, "");
    }
  }
  if (out.payload.size() > legacy_limit) return legacy_result({{"error", "MessageTooBig"}}, "");
  if (const auto ttl = body.find("time_to_live"); ttl != body.end()) {
    if (!ttl->is_number_integer()) return legacy_text(400, "Field \"time_to_live\" must be a JSON number");
    const auto value = ttl->get<std::int64_t>();
    if (value < 0 || value > longest_legacy_ttl) return legacy_result({{"error", "InvalidTtl"}}, "");
    out.expires = now.wall + seconds(value);
  }
  if (!is_registration_token(out.token)) return legacy_result({{"error", "InvalidRegistration"}}, "");
  if (over_quota(now)) return legacy_result({{"error", "DeviceMessageRateExceeded"}}, "");
  const device* d = devices_.find(pns::provider::fcm, out.token);
  if (!devices_.is_known(pns::provider::fcm, out.token) || (d && d->unregistered_at)) {
    return legacy_result({{"error", "NotRegistered"}}, "");
  }
  if (d && !d->app.empty() && d->app != config_.project) return legacy_result({{"error", "MismatchSenderId"}}, "");
  out.id = new_message_id(now);
  return legacy_result({{"message_id", out.id}}, out.id);
}

}  // namespace reveille::mock_providers
