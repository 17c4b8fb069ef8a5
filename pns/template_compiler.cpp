#include "pns/template_compiler.hpp"

#include <algorithm>

#include "pns/body_rules.hpp"
#include "pns/json_text.hpp"
#include "pns/text_writer.hpp"

namespace reveille::pns {
namespace {

class compiler {
 public:
  compiler(const compile_input& input, std::vector<placed_fault>& faults)
      : in_(input), faults_(faults), program_(std::make_shared<payload_template::program>()) {}

  std::shared_ptr<const payload_template::program> run() {
    if (in_.body.kind != json_node::kind::object) {
      fault(in_.body.place, "a body must be an object");
      return program_;
    }
    value(in_.body, 0);
    flush_literal();
    program_->literals.append(literal_padding, '\0');
    check_body(in_, faults_);
    if (in_.wire == payload_wire::apns) program_->wakes_plain_token = wakes_plain_token(in_.body);
    return program_;
  }

 private:
  enum class part : std::uint8_t { literal, field };
  struct placeholder {
    std::string_view name;
    bool integer = false;
  };

  void fault(json_place place, std::string what) { faults_.push_back({place, std::move(what)}); }

  // Literals gather until something else must be written.
  void literal(std::string_view text, unsigned times) { append_json_text(program_->literals, text, times); }
  /// As a step of its own: where a jump lands behind it, and at the end.
  void flush_literal() {
    if (program_->literals.size() > literal_begin_) emit(payload_op::literal);
  }
  std::uint32_t here() const { return static_cast<std::uint32_t>(program_->steps.size()); }
  /// @return its index, for a jump to be filled in.
  std::uint32_t emit(payload_op op, payload_field field = payload_field::token, unsigned escapes = 0,
                     std::uint32_t target = 0) {
    const auto end = static_cast<std::uint32_t>(program_->literals.size());
    program_->steps.push_back({op, field, static_cast<std::uint8_t>(escapes), literal_begin_, end - literal_begin_, target});
    literal_begin_ = end;
    return here() - 1;
  }
  void land(std::uint32_t jump) {
    flush_literal();
    program_->steps[jump].target = here();
  }

  /// @param depth how many strings this value is in: 0, or 1 inside $text.
  void value(const json_node& node, unsigned depth) {
    switch (node.kind) {
      case json_node::kind::literal: literal(node.text, depth); break;
      case json_node::kind::string: string(node.text, node.place, depth); break;
      case json_node::kind::array: array(node, depth); break;
      case json_node::kind::object: object(node, depth); break;
    }
  }

  void array(const json_node& node, unsigned depth) {
    literal("[", depth);
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      if (i > 0) literal(",", depth);
      value(node.items[i], depth);
    }
    literal("]", depth);
  }

  void object(const json_node& node, unsigned depth) {
    if (!node.members.empty() && node.members.front().key.starts_with('$') &&
        !node.members.front().key.starts_with("${")) {
      return command(node, depth);
    }
    literal("{", depth);
    std::vector<std::string> keys;
    for (const json_member& m : node.members) {
      if (!keys.empty()) literal(",", depth);
      keys.push_back(resolved_key(m.key, in_.properties));
      if (std::find(keys.begin(), keys.end() - 1, keys.back()) != keys.end() - 1) {
        fault(m.place, "key \"" + keys.back() + "\" stands twice once the properties are put in");
      }
      key(m, depth);
      literal(":", depth);
      value(m.value, depth);
    }
    literal("}", depth);
  }

  /// Keys take properties only: a value from outside must never choose a key.
  void key(const json_member& m, unsigned depth) {
    literal("\"", depth);
    pieces(m.key, m.place, [&](std::string_view text) { literal(text, depth + 1); },
           [&](const placeholder& p) {
             const auto property = in_.properties.find(p.name);
             if (property == in_.properties.end()) {
               fault(m.place, "a key may hold properties only, and \"" + std::string(p.name) + "\" is none");
             } else {
               literal(property->second, depth + 1);
             }
           });
    literal("\"", depth);
  }

  void command(const json_node& node, unsigned depth) {
    const std::string& word = node.members.front().key;
    const json_node& first = node.members.front().value;
    if (word == "$if") return choice(node, depth);
    if (word == "$each") return each(node, depth);
    if (word == "$text") {
      if (node.members.size() != 1) return fault(node.place, "$text stands alone");
      if (depth > 0) return fault(node.place, "$text inside $text");
      literal("\"", depth);
      value(first, depth + 1);
      literal("\"", depth);
      return;
    }
    fault(node.members.front().place, "unknown command \"" + word + "\"; there are $if, $each and $text");
  }

  void choice(const json_node& node, unsigned depth) {
    const json_node* then = node.find("$then");
    const json_node* otherwise = node.find("$else");
    const json_node& condition = node.members.front().value;
    if (node.members.size() != 3 || !then || !otherwise || condition.kind != json_node::kind::string) {
      return fault(node.place, "$if wants a field's name, \"$then\" and \"$else\"");
    }
    const field_traits* field = usable_field(condition.text, condition.place);
    if (!field) return;
    if (field->numeric) fault(condition.place, "field \"" + condition.text + "\" is a number, and never empty");
    const std::uint32_t skip = emit(payload_op::unless, field->field);
    value(*then, depth);
    const std::uint32_t leave = emit(payload_op::jump);
    land(skip);
    value(*otherwise, depth);
    land(leave);
  }

  void each(const json_node& node, unsigned depth) {
    const json_node* item = node.find("$item");
    const json_node& over = node.members.front().value;
    if (node.members.size() != 2 || !item || over.text != "calls") {
      return fault(node.place, "$each wants \"calls\" and \"$item\"");
    }
    if (in_.kind != payload_kind::missed_calls) return fault(node.place, "only missed_calls has calls");
    if (in_each_) return fault(node.place, "$each inside $each");
    in_each_ = true;
    literal("[", depth);
    const std::uint32_t loop = emit(payload_op::each);
    const std::uint32_t begin = here();
    value(*item, depth);
    emit(payload_op::next, payload_field::token, 0, begin);
    land(loop);
    literal("]", depth);
    in_each_ = false;
  }

  void string(std::string_view text, json_place place, unsigned depth) {
    if (lone_integer(text, place, depth)) return;
    literal("\"", depth);
    pieces(text, place, [&](std::string_view t) { literal(t, depth + 1); },
           [&](const placeholder& p) {
             if (p.integer) return fault(place, "${" + std::string(p.name) + ":integer} must be the whole string");
             if (const auto property = in_.properties.find(p.name); property != in_.properties.end()) {
               return literal(property->second, depth + 1);
             }
             if (const field_traits* field = usable_field(p.name, place)) {
                emit(payload_op::text, field->field, depth + 1);
             }
           });
    literal("\"", depth);
  }

  /// True when `text` is nothing but one `${name:integer}`, which stands without quotes.
  bool lone_integer(std::string_view text, json_place place, unsigned depth) {
    if (!text.starts_with("${") || text.find('}') + 1 != text.size() || !text.ends_with(":integer}")) return false;
    const std::string_view name = text.substr(2, text.size() - 2 - std::string_view(":integer}").size());
    if (const auto property = in_.properties.find(name); property != in_.properties.end()) {
      const std::string& digits = property->second;
      const bool number = !digits.empty() && digits.size() <= 15 && (digits.size() == 1 || digits.front() != '0') &&
                          std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
      if (!number) fault(place, "property \"" + std::string(name) + "\" is no integer");
      literal(digits, depth);
    } else if (const field_traits* field = usable_field(name, place)) {
      if (!field->numeric) fault(place, "field \"" + std::string(name) + "\" is text, no integer");
      emit(payload_op::integer, field->field);
    }
    return true;
  }

  const field_traits* usable_field(std::string_view name, json_place place) {
    const field_traits* field = find_field(name);
    if (!field) {
      fault(place, "unknown field or property \"" + std::string(name) + "\"");
      return nullptr;
    }
    const bool here = field->scope == field_scope::both ||
                      (field->scope == field_scope::invite && in_.kind == payload_kind::invite) ||
                      (field->scope == field_scope::missed_calls && in_.kind == payload_kind::missed_calls) ||
                      (field->scope == field_scope::item && in_each_);
    if (!here) fault(place, "field \"" + std::string(name) + "\" has no value here");
    return here ? field : nullptr;
  }

  /// Splits a string at its placeholders.
  template <class OnText, class OnPlaceholder>
  void pieces(std::string_view text, json_place place, OnText&& on_text, OnPlaceholder&& on_placeholder) {
    while (!text.empty()) {
      const std::size_t dollar = text.find('$');
      on_text(text.substr(0, dollar));
      if (dollar == std::string_view::npos) return;
      text.remove_prefix(dollar);
      if (text.starts_with("$${")) {
        on_text("${");
        text.remove_prefix(3);
      } else if (text.starts_with("${")) {
        const std::size_t end = text.find('}');
        if (end == std::string_view::npos) return fault(place, "\"${\" without \"}\"");
        placeholder p{text.substr(2, end - 2), false};
        if (const std::size_t colon = p.name.find(':'); colon != std::string_view::npos) {
          if (p.name.substr(colon) != ":integer") fault(place, "unknown type \"" + std::string(p.name.substr(colon)) + "\"");
          p = {p.name.substr(0, colon), true};
        }
        on_placeholder(p);
        text.remove_prefix(end + 1);
      } else {
        on_text("$");
        text.remove_prefix(1);
      }
    }
  }

  const compile_input& in_;
  std::vector<placed_fault>& faults_;
  std::shared_ptr<payload_template::program> program_;
  std::uint32_t literal_begin_ = 0;
  bool in_each_ = false;
};

}  // namespace

std::shared_ptr<const payload_template::program> compile_body(const compile_input& input,
                                                              std::vector<placed_fault>& faults) {
  return compiler(input, faults).run();
}

}  // namespace reveille::pns
