#include "mock_providers/control/control_lines.hpp"

#include <nlohmann/json.hpp>

#include "mock_providers/requests/json_check.hpp"

namespace reveille::mock_providers {
namespace {

using nlohmann::json;

constexpr std::int64_t last_stamp = 253'402'300'799'000;   // of the year 9999, ms
constexpr std::size_t max_token = 4096;
constexpr std::size_t max_app = 255;

std::string refusal(std::string_view why) {
  return json{{"ok", false}, {"error", why}}.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

const std::string* text_of(const json& object, const char* name, std::size_t limit) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return nullptr;
  const auto& text = found->get_ref<const std::string&>();
  return text.size() <= limit ? &text : nullptr;
}

}  // namespace

rule_fault obey_device_command(const void* value, controlled_mock& mock) {
  const json& command = *static_cast<const json*>(value);
  const std::string* name = text_of(command, "provider", max_app);
  const auto provider = name ? pns::provider_of(*name) : std::nullopt;
  if (!provider) return {"provider", "is apns, apns.dev or fcm"};
  const std::string* token = text_of(command, "token", max_token);
  if (!token || token->empty()) return {"token", "wants a text of 1 to 4096 octets"};
  const json* said = nullptr;
  const char* key = "";
  for (const char* one : {"register", "reachable", "unregister", "expire", "canonical"}) {
    const auto found = command.find(one);
    if (found == command.end()) continue;
    if (said) return {one, std::string("does not go with \"") + key + '"'};
    said = &*found;
    key = one;
  }
  if (!said) return {"", "wants one of \"register\", \"reachable\", \"unregister\", \"expire\", \"canonical\""};
  provider_backend& backend = mock.backend();
  const std::string_view what = key;
  bool taken = false;
  if (what == "reachable") {
    if (!said->is_boolean()) return {key, "wants true or false"};
    taken = backend.set_reachable(*provider, *token, said->get<bool>(), mock.now());
  } else if (what == "unregister" || what == "expire") {
    const bool stamp = said->is_number_integer() && said->get<std::int64_t>() >= 0 && said->get<std::int64_t>() <= last_stamp;
    if (!stamp) return {key, "wants the time in ms since 1970"};
    const wall_time when{milliseconds(said->get<std::int64_t>())};
    taken = what == "expire" ? backend.expire_token(*provider, *token, when) : backend.unregister(*provider, *token, when);
  } else if (what == "register") {
    const std::string* app = text_of(command, key, max_app);
    if (!app) return {key, "wants a bundle id (with .voip for a voip token) or project, \"\" = any"};
    taken = backend.register_device(*provider, *token, *app, mock.now());
  } else {
    const std::string* canonical = text_of(command, key, max_token);
    if (!canonical || *provider != pns::provider::fcm) return {key, "wants a token of fcm, \"\" = no more"};
    taken = backend.set_canonical(*token, *canonical);
  }
  if (!taken) return {"token", "is one too many: " + std::to_string(device_table::max_devices) + " devices are known"};
  return {};
}

std::string obey_line(std::string_view line, controlled_mock& mock, bool& subscribe) {
  // The check first: it bounds the depth of what is built.
  const json command = is_json_object(line) ? json::parse(line, nullptr, false) : json();
  if (!command.is_object()) return refusal("a command is a JSON object on one line");
  if (command.contains("subscribe")) {
    subscribe = command["subscribe"] == true;
  } else if (command.contains("faults")) {
    auto script = fault_script::parse(command["faults"].dump(-1, ' ', false, json::error_handler_t::replace));
    if (!script) return refusal(script.error().what);
    mock.take_script(std::move(*script));
  } else if (command.contains("drop_connections")) {
    mock.reset_all_connections();
  } else if (command.contains("revoke_access_tokens")) {
    mock.backend().revoke_access_tokens();
  } else if (!command.contains("provider") && !command.contains("token")) {
    return refusal("unknown command");
  } else if (const rule_fault found = obey_device_command(&command, mock); !found.reason.empty()) {
    return refusal(found.field.empty() ? found.reason : "\"" + found.field + "\": " + found.reason);
  }
  return "{\"ok\":true}\n";
}

}  // namespace reveille::mock_providers
