#include <nlohmann/json.hpp>

#include "mock_providers/delivery/device_sink.hpp"
#include "pns/json_text.hpp"

namespace reveille::mock_providers {
namespace {

void member(std::string& out, std::string_view name, std::string_view value) {
  out.append("\"").append(name).append("\":\"");
  pns::append_json_text(out, value, 1);
  out.append("\",");
}

void member(std::string& out, std::string_view name, wall_time value) {
  out.append("\"").append(name).append("\":").append(std::to_string(value.time_since_epoch().count())).append(",");
}

/// A payload of several lines would end the line; JSON needs no newline anywhere.
std::string one_line(std::string_view json) {
  std::string out(json);
  for (char& c : out) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  return out;
}

}  // namespace

void append_delivery_line(std::string& out, const delivery& what) {
  out += '{';
  member(out, "provider", pns::name_of(what.provider));
  member(out, "token", what.token);
  member(out, "app", what.app);
  member(out, "push_type", what.push_type);
  member(out, "id", what.id);
  member(out, "accepted_at", what.accepted_at);
  member(out, "delivered_at", what.delivered_at);
  out += "\"payload\":";
  const bool flat = what.payload.find_first_of("\r\n") == std::string_view::npos;
  out += flat ? what.payload : std::string_view(one_line(what.payload));
  out += "}\n";
}

bool read_delivery_line(std::string_view line, device_sink& sink) {
  // The payload is last and goes on as it stands: whoever wants to look into it parses it once.
  constexpr std::string_view mark = ",\"payload\":";
  const std::size_t cut = line.find(mark);
  if (cut == std::string_view::npos || !line.ends_with('}')) return false;
  const std::string_view payload = line.substr(cut + mark.size(), line.size() - cut - mark.size() - 1);
  const nlohmann::json head = nlohmann::json::parse(std::string(line.substr(0, cut)) + "}", nullptr, false);
  if (!head.is_object() || payload.empty()) return false;
  const auto text = [&](const char* name) {
    const auto found = head.find(name);
    return found != head.end() && found->is_string() ? std::string_view(found->get_ref<const std::string&>())
                                                     : std::string_view();
  };
  const auto time = [&](const char* name) {
    const auto found = head.find(name);
    return wall_time(milliseconds(found != head.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0));
  };
  const auto provider = pns::provider_of(text("provider"));
  if (!provider || text("token").empty()) return false;
  sink.deliver({*provider, text("token"), text("app"), text("push_type"), text("id"), payload, time("accepted_at"),
                time("delivered_at")});
  return true;
}

}  // namespace reveille::mock_providers
