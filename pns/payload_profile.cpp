#include <algorithm>
#include <tuple>

#include "pns/json_text.hpp"
#include "pns/payload.hpp"
#include "pns/placed_json.hpp"
#include "pns/template_compiler.hpp"

namespace reveille::pns {
namespace {

constexpr std::array<std::string_view, payload_wire_count> wire_names = {"apns", "fcm_v1", "fcm_legacy"};
constexpr std::array<std::string_view, payload_kind_count> kind_names = {"invite", "missed_calls"};

template <std::size_t N>
std::optional<std::size_t> index_of(const std::array<std::string_view, N>& names, std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<std::size_t>(found - names.begin());
}

payload_properties read_properties(const json_node* node, const payload_properties& overrides,
                                   std::vector<placed_fault>& faults) {
  payload_properties out;
  if (node) {
    for (const json_member& m : node->members) {
      if (m.value.kind != json_node::kind::string) {
        faults.push_back({m.value.place, "a property is a string"});
      }
      out[m.key] = m.value.text;
    }
  }
  for (const auto& [name, value] : overrides) {
    const auto found = out.find(name);
    if (found == out.end()) {
      faults.push_back({node ? node->place : json_place{}, "the profile has no property \"" + name + "\""});
    } else {
      found->second = value;
    }
  }
  return out;
}

constexpr wall_time sample_date(seconds(1'800'000'000));

/// An order of `calls` missed calls, to measure a template with.
push_order sample_list(std::size_t calls, std::size_t uri_octets, std::size_t name_octets) {
  push_order order;
  missed_calls_content content;
  content.date = sample_date;
  content.collapse_id = std::string(64, 'x');
  content.calls.assign(calls, missed_call{sample_date, std::string(uri_octets, 'u'), std::string(name_octets, 'n'), {}});
  order.expires = sample_date + seconds(120);
  order.content = std::move(content);
  return order;
}

push_order sample_call(std::string number, std::string call_id) {
  push_order order;
  order.content = invite_content{sample_date, std::move(number), "", std::move(call_id)};
  order.expires = sample_date + seconds(28);
  return order;
}

std::string rendered(const payload_template& body, const push_order& order, token_service service) {
  std::string out;
  body.render({order, "", sample_date, service}, SIZE_MAX / 2, out);
  return out;
}

/// What only a rendering shows: a body that is too large for any call, and a voip push that does not say which call.
void check_rendered(const payload_template& body, payload_wire wire, payload_kind kind, json_place place,
                    std::vector<placed_fault>& faults) {
  const bool invite = kind == payload_kind::invite;
  const push_order least = invite ? sample_call("1", "") : sample_list(1, 1, 0);
  for (const token_service service : {token_service::plain, token_service::voip}) {
    const bool voip = service == token_service::voip;
    if (voip && wire != payload_wire::apns) continue;
    const std::size_t limit = voip ? voip_payload_limit : payload_limit;
    const std::size_t size = rendered(body, least, service).size();
    if (size > limit) {
      faults.push_back({place, "takes " + std::to_string(size) + " octets before any name stands in it, and the limit is " +
                                   std::to_string(limit)});
    }
    if (!voip || !invite) continue;
    const push_order telling = sample_call("5550123456789", "identity@example.com");
    const std::string told = rendered(body, telling, service);
    const bool says_who = told.find("5550123456789") != std::string::npos;
    const bool says_which = told.find("identity@example.com") != std::string::npos ||
                            told.find("00000000000000000000000000000000") != std::string::npos;
    if (!says_who && !says_which) {
      faults.push_back({place, "a voip push must say which call it is, for CallKit: ${number}, ${caller}, ${call_id} or "
                               "${call_ref} stands nowhere"});
    }
  }
}

}  // namespace

bool is_profile_name(std::string_view name) {
  return !name.empty() && name.size() <= 32 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

result<payload_profile, std::vector<placed_fault>> payload_profile::compile(std::string_view text,
                                                                            const payload_properties& overrides) {
  std::vector<placed_fault> faults;
  const std::optional<json_node> root = parse_placed_json(text, faults);
  const auto fault = [&](json_place place, std::string what) { faults.push_back({place, std::move(what)}); };
  if (root && root->kind != json_node::kind::object) fault(root->place, "a profile is an object");
  if (!root || root->kind != json_node::kind::object) return tl::unexpected(std::move(faults));

  payload_profile out;
  const payload_properties properties = read_properties(root->find("properties"), overrides, faults);
  const json_node* badge_word = root->find("badge_type");
  const badge_type badge = badge_word && badge_word->text == "text" ? badge_type::text : badge_type::number;
  std::size_t bodies = 0;
  for (const json_member& m : root->members) {
    const auto wire = index_of(wire_names, m.key);
    if (m.key == "profile") {
      out.name_ = m.value.text;
      if (!is_profile_name(out.name_)) fault(m.value.place, "a profile's name is 1 to 32 of a-z, 0-9, '_' and '-'");
    } else if (m.key == "missed_calls_on_voip_token") {
      if (m.value.text != "send" && m.value.text != "skip") fault(m.value.place, "\"send\" or \"skip\"");
      out.on_voip_token_ =
          m.value.text == "send" ? missed_calls_on_voip_token::send : missed_calls_on_voip_token::skip;
    } else if (wire) {
      if (m.value.kind != json_node::kind::object) fault(m.value.place, "must be an object with \"invite\" and \"missed_calls\"");
      for (const std::string_view kind : kind_names) {
        if (m.value.kind == json_node::kind::object && m.value.find(kind) == nullptr) {
          fault(m.place, "\"" + m.key + "\" has no body \"" + std::string(kind) + "\"");
        }
      }
      for (const json_member& body : m.value.members) {
        const auto kind = index_of(kind_names, body.key);
        if (!kind) {
          fault(body.place, "a body is \"invite\" or \"missed_calls\"");
          continue;
        }
        ++bodies;
        const compile_input input{body.value, properties, static_cast<payload_wire>(*wire),
                                  static_cast<payload_kind>(*kind), badge};
        const std::size_t before = faults.size();
        const payload_template& made = out.bodies_[*wire][*kind].emplace(compile_body(input, faults));
        if (faults.size() == before) check_rendered(made, input.wire, input.kind, body.place, faults);
      }
    } else if (m.key == "badge_type") {
      if (m.value.text != "number" && m.value.text != "text") fault(m.value.place, "\"number\" or \"text\"");
    } else if (m.key != "properties") {
      fault(m.place, "unknown key \"" + m.key + "\"");
    }
  }
  if (out.name_.empty()) fault(root->place, "no \"profile\"");
  if (bodies == 0) fault(root->place, "no body for any service");
  if (faults.empty()) return out;
  std::stable_sort(faults.begin(), faults.end(), [](const placed_fault& a, const placed_fault& b) {
    return std::tie(a.place.line, a.place.column) < std::tie(b.place.line, b.place.column);
  });
  return tl::unexpected(std::move(faults));
}

const payload_template* payload_profile::find(payload_wire wire, payload_kind kind) const {
  const auto& body = bodies_[static_cast<std::size_t>(wire)][static_cast<std::size_t>(kind)];
  return body ? &*body : nullptr;
}

result<payload_profile> builtin_profile(std::string_view name, const payload_properties& overrides) {
  const std::string_view text = builtin_profile_text(name);
  if (text.empty()) return failure("no built-in profile \"" + std::string(name) + "\"");
  auto made = payload_profile::compile(text, overrides);
  if (made) return std::move(*made);
  return failure(made.error().front().text(std::string(name) + ".json"));
}

missed_calls_cost cost_of(const payload_profile& profile) {
  missed_calls_cost cost{payload_limit, 0, 0, 0, 0};
  for (std::size_t wire = 0; wire < payload_wire_count; ++wire) {
    const payload_template* body = profile.find(static_cast<payload_wire>(wire), payload_kind::missed_calls);
    if (!body) continue;
    const auto size = [&](std::size_t calls, std::size_t uri, std::size_t name) {
      return rendered(*body, sample_list(calls, uri, name), token_service::plain).size();
    };
    // Between 100 and 200 calls the ids have the three digits that they have at most. What grows with the first call
    // only (the last caller, for people to read) is cut when need be.
    const std::size_t each = (size(200, 0, 0) - size(100, 0, 0)) / 100 + 1;
    const std::size_t uris = (size(3, 1, 0) - size(3, 0, 0)) - (size(2, 1, 0) - size(2, 0, 0));
    const std::size_t names = (size(3, 1, 2) - size(3, 1, 1)) - (size(2, 1, 2) - size(2, 1, 1));
    cost = worst_of(cost, {payload_limit, size(0, 0, 0), each, uris, names});
  }
  return cost;
}

missed_calls_cost worst_of(const missed_calls_cost& a, const missed_calls_cost& b) {
  return {std::min(a.limit, b.limit), std::max(a.fixed, b.fixed), std::max(a.each, b.each), std::max(a.uris, b.uris),
          std::max(a.names, b.names)};
}

std::size_t missed_calls_that_fit(std::span<const missed_call> calls, const missed_calls_cost& cost) {
  std::size_t size = cost.fixed;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    // Escaped twice is the dearest that any service asks for (FCM v1's data).
    size += cost.each + cost.uris * json_text_length(cut_utf8(calls[i].remote_uri, rendered_uri_limit), 2) +
            cost.names * json_text_length(cut_utf8(calls[i].display_name, listed_name_room), 2);
    if (size > cost.limit) return std::max<std::size_t>(i, 1);
  }
  return calls.size();
}

}  // namespace reveille::pns
