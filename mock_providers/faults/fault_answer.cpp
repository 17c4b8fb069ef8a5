#include "mock_providers/faults/fault_answer.hpp"

#include <nlohmann/json.hpp>

#include "mock_providers/fcm/fcm_message.hpp"

namespace reveille::mock_providers {
namespace {

using nlohmann::json;

std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

provider_answer apple(const scripted_answer& what, std::string_view id) {
  provider_answer a;
  a.content_type = "application/json";
  json body = {{"reason", what.reason}};
  if (what.timestamp) body["timestamp"] = *what.timestamp;
  a.body = dump(body);
  a.headers.emplace_back("apns-id", id);
  return a;
}

/// 200 is how the legacy API tells of one message's fault (PROVIDERS 3).
provider_answer legacy(const scripted_answer& what) {
  provider_answer a;
  a.content_type = what.status == 200 ? "application/json; charset=UTF-8" : "text/plain; charset=UTF-8";
  a.body = what.status != 200 ? what.reason
                              : dump({{"multicast_id", 216}, {"success", 0}, {"failure", 1}, {"canonical_ids", 0},
                                      {"results", {{{"error", what.reason}}}}});
  return a;
}

provider_answer oauth(const scripted_answer& what) {
  provider_answer a;
  a.content_type = "application/json; charset=utf-8";
  a.body = dump({{"error", what.reason}, {"error_description", what.message}});
  return a;
}

}  // namespace

provider_answer render(const scripted_answer& what, fault_target target, std::string_view path, std::string_view id) {
  provider_answer a;
  switch (target) {
    case fault_target::apns:
    case fault_target::apns_dev: a = apple(what, id); break;
    case fault_target::fcm: a = path == "/fcm/send" ? legacy(what) : google_error(what.status, what.message, what.reason); break;
    case fault_target::oauth: a = oauth(what); break;
  }
  a.status = what.status;
  a.reason = what.reason;
  a.id = id;
  if (what.body) {
    a.body = *what.body;
    if (!what.content_type.empty()) a.content_type = what.content_type;
  }
  if (!what.retry_after.empty()) a.headers.emplace(a.headers.begin(), "retry-after", what.retry_after);
  return a;
}

}  // namespace reveille::mock_providers
