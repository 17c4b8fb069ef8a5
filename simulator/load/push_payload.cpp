#include "simulator/load/push_payload.hpp"

#include <nlohmann/json.hpp>

namespace reveille::load {

namespace {

using nlohmann::json;

std::string text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

/// The object that carries `type`: the payload itself (FCM's data), or a member of it (APNs' custom key).
const json* content_of(const json& payload) {
  if (!payload.is_object()) return nullptr;
  if (!text_of(payload, "type").empty()) return &payload;
  for (const auto& [key, value] : payload.items()) {
    if (key != "aps" && value.is_object() && !text_of(value, "type").empty()) return &value;
  }
  return nullptr;
}

push_payload missed_calls_in(const json& content) {
  const auto found = content.find("calls");
  if (found == content.end()) return unknown_payload{};
  // FCM takes strings only: the list travels as JSON text.
  const json calls = found->is_string() ? json::parse(found->get_ref<const std::string&>(), nullptr, false) : *found;
  if (!calls.is_array()) return unknown_payload{};
  missed_calls_payload out;
  for (const json& call : calls) {
    if (!call.is_object()) return unknown_payload{};
    out.callers.push_back(text_of(call, "remote_uri"));
  }
  return out;
}

}  // namespace

push_payload read_push_payload(std::string_view text) {
  const json payload = json::parse(text.begin(), text.end(), nullptr, false);
  if (payload.is_discarded()) return unknown_payload{};
  const json* content = content_of(payload);
  if (content == nullptr) return unknown_payload{};
  const std::string type = text_of(*content, "type");
  if (type == "missed_calls") return missed_calls_in(*content);
  if (type != "invite") return unknown_payload{};
  return invite_payload{text_of(*content, "number")};
}

}  // namespace reveille::load
