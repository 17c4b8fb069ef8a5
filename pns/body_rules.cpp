#include "pns/body_rules.hpp"

#include <algorithm>
#include <array>

namespace reveille::pns {
namespace {

constexpr std::string_view integer_end = ":integer}";

bool is_integer_placeholder(const json_node& node) {
  return node.kind == json_node::kind::string && node.text.starts_with("${") && node.text.ends_with(integer_end);
}

bool is_number(const json_node& node) {
  if (is_integer_placeholder(node)) return true;
  return node.kind == json_node::kind::literal && !node.text.empty() &&
         node.text.find_first_not_of("0123456789") == std::string::npos;
}

/// A template value may be one of two: both must be right. The token's service decides the first level of `aps`.
template <class Each>
void for_each_arm(const json_node& node, Each&& each) {
  const json_node* then = node.find("$then");
  const json_node* otherwise = node.find("$else");
  if (node.find("$if") == nullptr || !then || !otherwise) return each(node);
  for_each_arm(*then, each);
  for_each_arm(*otherwise, each);
}

class checker {
 public:
  checker(const compile_input& input, std::vector<placed_fault>& faults) : in_(input), faults_(faults) {}

  void run() {
    switch (in_.wire) {
      case payload_wire::apns: return apns();
      case payload_wire::fcm_v1: return fcm_v1();
      case payload_wire::fcm_legacy: return fcm_legacy();
    }
  }

 private:
  void fault(json_place place, std::string what) { faults_.push_back({place, std::move(what)}); }
  const json_node* object(const json_node& in, std::string_view key, std::string_view wanted_by) {
    const json_node* found = in.find(key);
    if (found == nullptr || found->kind != json_node::kind::object) {
      fault(found ? found->place : in.place, std::string(wanted_by) + " wants an object \"" + std::string(key) + "\"");
      return nullptr;
    }
    return found;
  }

  void apns() {
    const json_node* aps = object(in_.body, "aps", "APNs");
    if (aps == nullptr) return;
    for_each_arm(*aps, [this](const json_node& arm) {
      if (arm.kind != json_node::kind::object) return fault(arm.place, "\"aps\" must be an object");
      if (const json_node* badge = arm.find("badge")) for_each_arm(*badge, [this](const json_node& b) { check_badge(b); });
    });
  }

  void check_badge(const json_node& badge) {
    if (in_.badge == badge_type::text) {
      if (badge.kind != json_node::kind::string || is_integer_placeholder(badge)) {
        fault(badge.place, "\"badge\" must be a text, as \"badge_type\" says");
      }
    } else if (!is_number(badge)) {
      fault(badge.place,
            "\"badge\" must be a number, such as 1 or \"${count:integer}\": iOS shows no other (an app that reads a text "
            "by itself wants \"badge_type\": \"text\" in the profile)");
    }
  }

  /// The token may stand nowhere else: it is what the service looks for.
  void check_token(const json_node& in, std::string_view key) {
    const json_node* token = in.find(key);
    if (token == nullptr || token->text != "${token}") {
      fault(token ? token->place : in.place,
            "no \"" + std::string(key) + "\": \"${token}\": the push would go to nobody");
    }
  }

  void fcm_v1() {
    static constexpr std::array<std::string_view, 2> outer = {"message", "validate_only"};
    static constexpr std::array<std::string_view, 7> inner = {"token",   "data", "notification", "android",
                                                              "apns", "webpush", "fcm_options"};
    refuse_unknown(in_.body, outer);
    const json_node* message = object(in_.body, "message", "FCM v1");
    if (message == nullptr) return;
    refuse_unknown(*message, inner);
    check_token(*message, "token");
    check_data(*message, data_values::texts);
    const json_node* android = message->find("android");
    if (android != nullptr && android->kind != json_node::kind::object) {
      return fault(android->place, "\"android\" must be an object");
    }
    check_priority(*message, android);
    const json_node* ttl = android ? android->find("ttl") : nullptr;
    if (ttl && (ttl->kind != json_node::kind::string || !ttl->text.ends_with('s'))) {
      fault(ttl->place, "\"ttl\" must be a text of seconds that ends in s: \"${ttl}s\"");
    }
  }

  void check_priority(const json_node& message, const json_node* android) {
    const json_node* priority = android ? android->find("priority") : nullptr;
    if (priority == nullptr) {
      if (in_.kind != payload_kind::invite) return;
      const json_place place = android ? android->place : message.place;
      return fault(place, "no \"android\": {\"priority\": \"HIGH\"}: a call would not wake a phone that dozes");
    }
    std::string word = priority->text;
    for (char& c : word) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    if (word != "HIGH" && word != "NORMAL") {
      fault(priority->place, "\"priority\" must be \"HIGH\" or \"NORMAL\"");
    } else if (word == "NORMAL" && in_.kind == payload_kind::invite) {
      fault(priority->place, "with priority NORMAL a call would not wake a phone that dozes");
    }
  }

  void fcm_legacy() {
    check_token(in_.body, "to");
    check_data(in_.body, data_values::any);
    if (const json_node* ttl = in_.body.find("time_to_live"); ttl && !is_number(*ttl)) {
      fault(ttl->place, "\"time_to_live\" must be a number: \"${ttl:integer}\"");
    }
  }

  enum class data_values : std::uint8_t { texts, any };
  void check_data(const json_node& in, data_values allowed) {
    const json_node* data = in.find("data");
    if (data == nullptr) return;
    if (data->kind != json_node::kind::object) return fault(data->place, "\"data\" must be an object");
    for (const json_member& m : data->members) {
      const std::string key = resolved_key(m.key, in_.properties);
      if (allowed == data_values::texts && !is_text(m.value)) {
        fault(m.value.place, "FCM v1 takes strings only in \"data\"; use \"$text\" for an object");
      }
      if (key == "from" || key == "message_type" || key.starts_with("google") || key.starts_with("gcm")) {
        fault(m.place, "FCM reserves the key \"" + key + "\"");
      }
    }
  }

  static bool is_text(const json_node& node) {
    bool all = true;
    for_each_arm(node, [&](const json_node& arm) {
      const bool text = arm.kind == json_node::kind::string && !is_integer_placeholder(arm);
      all = all && (text || arm.find("$text") != nullptr);
    });
    return all;
  }

  template <std::size_t Size>
  void refuse_unknown(const json_node& node, const std::array<std::string_view, Size>& known) {
    for (const json_member& m : node.members) {
      if (std::find(known.begin(), known.end(), m.key) == known.end()) {
        fault(m.place, "FCM v1 knows no \"" + m.key + "\" here, and would refuse the push");
      }
    }
  }

  const compile_input& in_;
  std::vector<placed_fault>& faults_;
};

}  // namespace

void check_body(const compile_input& input, std::vector<placed_fault>& faults) { checker(input, faults).run(); }

bool wakes_plain_token(const json_node& body) {
  const json_node* aps = body.find("aps");
  // With a choice by token it is the other arm that a plain token gets.
  while (aps && aps->find("$if") && aps->find("$if")->text == "voip") aps = aps->find("$else");
  return aps && (aps->find("alert") != nullptr || aps->find("content-available") != nullptr);
}

std::string resolved_key(std::string_view key, const payload_properties& properties) {
  std::string out;
  while (!key.empty()) {
    const std::size_t begin = key.find("${");
    const std::size_t end = begin == key.npos ? key.npos : key.find('}', begin);
    if (end == key.npos || (begin > 0 && key[begin - 1] == '$')) break;
    out += key.substr(0, begin);
    const auto property = properties.find(key.substr(begin + 2, end - begin - 2));
    if (property != properties.end()) out += property->second;
    key.remove_prefix(end + 1);
  }
  return out += key;
}

}  // namespace reveille::pns
