#include <nlohmann/json.hpp>

#include "mock_providers/fcm/fcm_message.hpp"
#include "mock_providers/fcm/fcm_mock.hpp"
#include "mock_providers/requests/json_check.hpp"

namespace reveille::mock_providers {
namespace {

using nlohmann::json;

constexpr std::size_t legacy_limit = 4096;
constexpr std::int64_t longest_legacy_ttl = 2'419'200;

std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

provider_answer legacy_text(int status, std::string_view text) {
  provider_answer a;
  a.status = status;
  a.reason = text;
  a.content_type = "text/plain; charset=UTF-8";
  a.body = text;
  return a;
}

provider_answer legacy_json(const json& body) {
  provider_answer a;
  a.content_type = "application/json; charset=UTF-8";
  a.body = dump(body);
  return a;
}

/// A fault that every message of the request shares.
provider_answer whole_fault(std::string_view error, std::size_t messages) {
  json results = json::array();
  for (std::size_t i = 0; i < messages; ++i) results.push_back({{"error", error}});
  provider_answer a = legacy_json({{"multicast_id", 216}, {"success", 0}, {"failure", messages}, {"canonical_ids", 0}, {"results", results}});
  a.reason = error;
  return a;
}

}  // namespace

struct fcm_mock::legacy_request {
  std::vector<std::string> tokens;
  bool topic = false;
  bool dry_run = false;
  bool low_priority = true;
  std::string payload;
  std::string collapse_key;
  std::optional<wall_time> expires;
};

/// @return the refusal of the whole, or an answer that is `accepted`.
provider_answer fcm_mock::read_legacy(const provider_request& request, const fcm_project_account&, const instant& now,
                                      legacy_request& out) const {
  if (request.truncated) return legacy_text(400, "JSON_PARSING_ERROR: the request is too long");
  // The check first: it bounds the depth of what is built.
  const json body = is_json_object(request.body) ? json::parse(request.body, nullptr, false) : json();
  if (!body.is_object()) return legacy_text(400, "JSON_PARSING_ERROR: Unexpected token");
  const json to = body.value("to", json()), ids = body.value("registration_ids", json()), condition = body.value("condition", json());
  const int targets = int{!to.is_null()} + int{!ids.is_null()} + int{!condition.is_null()};
  if (targets > 1) return legacy_text(400, "Must use either \"registration_ids\" field or \"to\", not both");
  if (targets == 0) return whole_fault("MissingRegistration", 1);
  if (!ids.is_null()) {
    if (!ids.is_array()) return legacy_text(400, "\"registration_ids\" field is not a JSON array");
    if (ids.empty()) return legacy_text(400, "\"registration_ids\" field cannot be empty");
    if (ids.size() > max_registration_ids) {
      return legacy_text(400, "Number of messages on bulk (" + std::to_string(ids.size()) + ") exceeds maximum allowed (1000)");
    }
    for (const json& id : ids) {
      if (!id.is_string()) return legacy_text(400, "\"registration_ids\" field has a value that is no string");
      out.tokens.push_back(id.get<std::string>());
    }
  } else if (!to.is_null()) {
    if (!to.is_string()) return legacy_text(400, "Field \"to\" must be a JSON string: " + dump(to).substr(0, 40));
    out.tokens.push_back(to.get<std::string>());
    out.topic = out.tokens.front().starts_with("/topics/");
    if (out.tokens.front().empty()) return whole_fault("MissingRegistration", 1);
  } else {
    if (!condition.is_string()) return legacy_text(400, "Field \"condition\" must be a JSON string: " + dump(condition).substr(0, 40));
    out.tokens.emplace_back();
    out.topic = true;
  }

  if (const auto dry = body.find("dry_run"); dry != body.end()) {
    if (!dry->is_boolean()) return legacy_text(400, "Field \"dry_run\" must be a JSON boolean: " + dump(*dry).substr(0, 40));
    out.dry_run = dry->get<bool>();
  }
  if (const auto key = body.find("collapse_key"); key != body.end()) {
    if (!key->is_string()) return legacy_text(400, "Field \"collapse_key\" must be a JSON string: " + dump(*key).substr(0, 40));
    out.collapse_key = key->get<std::string>();
  }
  // Documented are "high" and "normal"; senders in the field give Apple's numbers (PROVIDERS 3).
  const json priority = body.value("priority", json("normal"));
  const bool number = priority.is_number_integer();
  if (!number && priority != "high" && priority != "normal") return legacy_text(400, "Field \"priority\" is invalid: " + dump(priority).substr(0, 40));
  out.low_priority = number ? priority.get<std::int64_t>() <= 5 : priority == "normal";

  const json data = body.value("data", json::object());
  out.payload = dump(data);
  if (!data.is_object()) return legacy_text(400, "Field \"data\" must be a JSON array: " + out.payload.substr(0, 40));
  for (const auto& [key, value] : data.items()) {
    if (key == "from" || key == "message_type" || key.starts_with("google") || key.starts_with("gcm")) {
      return whole_fault("InvalidDataKey", out.tokens.size());
    }
  }
  if (out.payload.size() > legacy_limit) return whole_fault("MessageTooBig", out.tokens.size());
  if (const auto ttl = body.find("time_to_live"); ttl != body.end()) {
    if (!ttl->is_number_integer()) return legacy_text(400, "Field \"time_to_live\" must be a JSON number: " + dump(*ttl).substr(0, 40));
    const auto value = ttl->get<std::int64_t>();
    if (value < 0 || value > longest_legacy_ttl) return whole_fault("InvalidTtl", out.tokens.size());
    out.expires = now.wall + seconds(value);
  }
  provider_answer fine;
  fine.accepted = true;
  return fine;
}

std::string fcm_mock::judge_legacy(const fcm_project_account& project, const std::string& token, const instant& now,
                                   std::string& canonical) {
  if (token.empty()) return "MissingRegistration";
  if (!is_registration_token(token)) return "InvalidRegistration";
  if (over_quota(project, token, now)) return "DeviceMessageRateExceeded";
  const device* d = devices_.find(pns::provider::fcm, token);
  if (!devices_.is_known(pns::provider::fcm, token) || (d && d->unregistered_at)) return "NotRegistered";
  if (d && !d->app.empty() && d->app != project.project) return "MismatchSenderId";
  if (d) canonical = d->canonical;
  return {};
}

provider_answer fcm_mock::answer_legacy(const provider_request& request, const instant& now, std::vector<legacy_message>& out) {
  const bool open = std::any_of(projects_.begin(), projects_.end(), [](const auto& p) { return !p.legacy_key.empty(); });
  if (!open || request.method != "POST") return not_found_page();
  const std::string_view authorization = request.headers.value_of("authorization");
  const auto project = std::find_if(projects_.begin(), projects_.end(), [&](const fcm_project_account& p) {
    return !p.legacy_key.empty() && authorization.starts_with("key=") && authorization.substr(4) == p.legacy_key;
  });
  if (project == projects_.end()) return legacy_text(401, "INVALID_KEY");
  legacy_request asked;
  provider_answer refused = read_legacy(request, *project, now, asked);
  if (!refused.accepted) return refused;
  if (asked.topic) {  // accepted, delivered to nobody
    provider_answer a = legacy_json({{"message_id", random_.below(1'000'000'000'000'000)}});
    a.accepted = true;
    return a;
  }

  json results = json::array();
  std::size_t success = 0, canonical_ids = 0;
  for (const std::string& token : asked.tokens) {
    legacy_message m;
    m.what.provider = pns::provider::fcm;
    m.what.token = token;
    m.what.app = project->project;
    m.what.push_type = "data";
    m.what.payload = asked.payload;
    m.what.accepted_at = now.wall;
    m.what.expires = asked.expires;
    m.what.collapse_key = asked.collapse_key;
    m.what.low_priority = asked.low_priority;
    std::string canonical;
    m.error = judge_legacy(*project, token, now, canonical);
    if (m.error.empty()) {
      m.what.id = new_message_id(now);
      json one = {{"message_id", m.what.id}};
      if (!canonical.empty()) one["registration_id"] = canonical;
      canonical_ids += canonical.empty() ? 0U : 1U;
      ++success;
      results.push_back(std::move(one));
      if (asked.dry_run) m.what.token.clear();
    } else {
      results.push_back({{"error", m.error}});
    }
    out.push_back(std::move(m));
  }
  provider_answer a = legacy_json({{"multicast_id", random_.below(1'000'000'000'000'000)}, {"success", success},
                                   {"failure", asked.tokens.size() - success}, {"canonical_ids", canonical_ids}, {"results", results}});
  a.accepted = success > 0;
  if (!a.accepted) a.reason = out.front().error;
  a.id = out.front().what.id;
  return a;
}

}  // namespace reveille::mock_providers
