#include "mock_providers/fcm/fcm_mock.hpp"

#include <algorithm>

#include "mock_providers/fcm/fcm_message.hpp"

namespace reveille::mock_providers {

provider_answer not_found_page() {
  provider_answer a;
  a.status = 404;
  a.reason = "html";
  a.content_type = "text/html; charset=UTF-8";
  a.body = "<!DOCTYPE html><html lang=en><title>Error 404 (Not Found)!!1</title><p><b>404.</b> That's an error.</html>\n";
  return a;
}

fcm_mock::fcm_mock(const fcm_mock_config& config, const oauth_mock& tokens, const device_table& devices, random_source& random)
    : tokens_(tokens),
      devices_(devices),
      random_(random),
      project_limits_(config.per_minute),
      device_limits_(config.per_device_per_minute) {}

const fcm_project_account* fcm_mock::project_of(std::string_view name_or_number) const {
  const auto found = std::find_if(projects_.begin(), projects_.end(), [&](const fcm_project_account& p) {
    return p.project == name_or_number || (!p.number.empty() && p.number == name_or_number);
  });
  return found == projects_.end() ? nullptr : &*found;
}

std::optional<provider_answer> fcm_mock::over_quota(const fcm_project_account& project, std::string_view token,
                                                    const instant& now) {
  std::string subject = "project:" + project.project;
  std::int64_t wait = project_limits_.add(project.project, now);
  if (wait == 0 && !token.empty()) {
    wait = device_limits_.add(token, now);
    subject = "device";
  }
  if (wait == 0) return std::nullopt;
  provider_answer a = google_quota_error(subject);
  a.headers.emplace_back("retry-after", std::to_string(wait));
  return a;
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
    return not_found_page();
  }
  const std::string_view asked = request.path.substr(prefix.size(), request.path.size() - prefix.size() - suffix.size());
  const fcm_project_account* project = project_of(asked);
  out.app = project ? project->project : std::string(asked);

  const std::string_view authorization = request.headers.value_of("authorization");
  const std::string* owner = authorization.empty() ? nullptr : tokens_.project_of(authorization, now);
  if (!owner) {
    return google_error(401, std::string(authorization.empty() ? "Request is missing required authentication credential. "
                                                               : "Request had invalid authentication credentials. ") +
                                 "Expected OAuth 2 access token, login cookie or other valid authentication credential. "
                                 "See https://developers.google.com/identity/sign-in/web/devconsole-project.");
  }
  if (!project || *owner != project->project) {
    return google_error(403, "Permission 'cloudmessaging.messages.create' denied on resource "
                             "'//cloudresourcemanager.googleapis.com/projects/" +
                                 std::string(asked.substr(0, 100)) + "' (or it may not exist).");
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
  out.collapse_key = message->collapse_key;
  out.low_priority = !message->high_priority;
  if (auto a = over_quota(*project, message->token, now)) return std::move(*a);
  if (!message->token.empty()) {
    const device* d = devices_.find(pns::provider::fcm, message->token);
    if (!devices_.is_known(pns::provider::fcm, message->token) || (d && d->unregistered_at)) {
      return google_error(404, "Requested entity was not found.", "UNREGISTERED");
    }
    if (d && !d->app.empty() && d->app != project->project) return google_error(403, "SenderId mismatch", "SENDER_ID_MISMATCH");
  }
  if (message->ttl) out.expires = now.wall + *message->ttl;
  out.id = new_message_id(now);
  provider_answer a;
  a.accepted = true;
  a.id = out.id;
  a.content_type = "application/json; charset=UTF-8";
  a.body = "{\n  \"name\": \"projects/" + project->project + "/messages/" + out.id + "\"\n}\n";
  if (message->validate_only) {
    out.token.clear();
    a.body = "{\n  \"name\": \"projects/" + project->project + "/messages/fake_message_id\"\n}\n";
  }
  return a;
}

}  // namespace reveille::mock_providers
