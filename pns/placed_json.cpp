#include "pns/placed_json.hpp"

#include <algorithm>
#include <optional>

#include "pns/json_text.hpp"

namespace reveille::pns {
namespace {

constexpr std::size_t max_octets = 1 << 20;
constexpr int max_depth = 32;

class reader {
 public:
  reader(std::string_view text, std::vector<placed_fault>& faults) : text_(text), faults_(faults) {}

  bool document(json_node& root) {
    if (text_.size() > max_octets) return fail("the file is longer than 1 MB");
    if (!is_utf8()) return fail("the file is not UTF-8 from here on");
    if (!value(root, 0)) return false;
    skip_blanks();
    return at_ == text_.size() || fail("more text after the end of the JSON value");
  }

 private:
  bool fail(std::string what) {
    faults_.push_back({place_, std::move(what)});
    return false;
  }
  /// Leaves the place where it ceases to be.
  bool is_utf8() {
    std::string repaired;
    append_json_text(repaired, text_, 0);
    if (repaired == text_) return true;
    const auto differ = std::mismatch(text_.begin(), text_.end(), repaired.begin(), repaired.end());
    for (auto left = differ.first - text_.begin(); left > 0; --left) step();
    return false;
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void step() {
    if (text_[at_] == '\n') {
      ++place_.line;
      place_.column = 1;
    } else {
      ++place_.column;
    }
    ++at_;
  }
  void skip_blanks() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) step();
  }
  bool take(char wanted) {
    if (at_ == text_.size() || text_[at_] != wanted) return false;
    step();
    return true;
  }

  bool value(json_node& out, int depth) {
    skip_blanks();
    if (depth > max_depth) return fail("nested too deeply");
    out.place = place_;
    switch (peek()) {
      case '{': return object(out, depth);
      case '[': return array(out, depth);
      case '"': out.kind = json_node::kind::string; return string(out.text);
      default: return literal(out);
    }
  }

  bool object(json_node& out, int depth) {
    out.kind = json_node::kind::object;
    step();
    skip_blanks();
    if (take('}')) return true;
    for (;;) {
      skip_blanks();
      json_member member{place_, {}, {}};
      if (peek() != '"') return fail("expected a key in quotes");
      if (!string(member.key)) return false;
      const bool twice = out.find(member.key) != nullptr;
      if (twice) faults_.push_back({member.place, "key \"" + member.key + "\" stands twice"});
      skip_blanks();
      if (!take(':')) return fail("expected ':'");
      if (!value(member.value, depth + 1)) return false;
      if (!twice) out.members.push_back(std::move(member));
      skip_blanks();
      if (take('}')) return true;
      if (!take(',')) return fail("expected ',' or '}'");
    }
  }

  bool array(json_node& out, int depth) {
    out.kind = json_node::kind::array;
    step();
    skip_blanks();
    if (take(']')) return true;
    for (;;) {
      if (!value(out.items.emplace_back(), depth + 1)) return false;
      skip_blanks();
      if (take(']')) return true;
      if (!take(',')) return fail("expected ',' or ']'");
    }
  }

  bool literal(json_node& out) {
    const std::size_t begin = at_;
    while (at_ < text_.size() && std::string_view(" \t\r\n,]}:{[\"").find(text_[at_]) == std::string_view::npos) step();
    out.text = text_.substr(begin, at_ - begin);
    if (out.text == "null" || out.text == "true" || out.text == "false" || is_number(out.text)) return true;
    place_ = out.place;
    return fail(out.text.empty() ? "expected a value" : "expected a value, not \"" + out.text.substr(0, 20) + "\"");
  }

  /// RFC 8259 6.
  static bool is_number(std::string_view text) {
    const auto digits = [&] {
      std::size_t n = 0;
      while (n < text.size() && text[n] >= '0' && text[n] <= '9') ++n;
      text.remove_prefix(n);
      return n;
    };
    if (text.starts_with('-')) text.remove_prefix(1);
    const bool zero = text.starts_with('0');
    const std::size_t whole = digits();
    if (whole == 0 || (zero && whole > 1)) return false;
    if (text.starts_with('.')) {
      text.remove_prefix(1);
      if (digits() == 0) return false;
    }
    if (text.starts_with('e') || text.starts_with('E')) {
      text.remove_prefix(1);
      if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
      if (digits() == 0) return false;
    }
    return text.empty();
  }

  bool string(std::string& out) {
    step();
    for (;;) {
      if (at_ == text_.size()) return fail("string without end");
      const char c = peek();
      if (static_cast<unsigned char>(c) < 0x20) return fail("control character in a string");
      step();
      if (c == '"') return true;
      if (c != '\\') {
        out += c;
        continue;
      }
      const char kind = peek();
      static constexpr std::string_view letters = "\"\\/bfnrt";
      static constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
      if (const std::size_t i = letters.find(kind); kind != '\0' && i != std::string_view::npos) {
        out += meanings[i];
        step();
      } else if (kind == 'u') {
        step();
        if (!unicode_escape(out)) return false;
      } else {
        return fail("unknown escape in a string");
      }
    }
  }

  std::optional<std::uint32_t> four_digits() {
    std::uint32_t code = 0;
    for (int i = 0; i < 4; ++i) {
      const std::size_t digit = std::string_view("0123456789abcdefABCDEF").find(peek());
      if (at_ == text_.size() || digit == std::string_view::npos) return std::nullopt;
      code = code * 16 + static_cast<std::uint32_t>(digit < 16 ? digit : digit - 6);
      step();
    }
    return code;
  }

  bool unicode_escape(std::string& out) {
    std::optional<std::uint32_t> code = four_digits();
    if (!code) return fail("\\u wants four hexadecimal digits");
    if (*code >= 0xD800 && *code <= 0xDBFF) {
      if (!take('\\') || !take('u')) return fail("half of a surrogate pair");
      const std::optional<std::uint32_t> low = four_digits();
      if (!low || *low < 0xDC00 || *low > 0xDFFF) return fail("half of a surrogate pair");
      code = 0x10000 + ((*code - 0xD800) << 10) + (*low - 0xDC00);
    } else if (*code >= 0xDC00 && *code <= 0xDFFF) {
      return fail("half of a surrogate pair");
    }
    append_utf8(out, *code);
    return true;
  }

  static void append_utf8(std::string& out, std::uint32_t code) {
    const auto tail = [&](int shift) { out += static_cast<char>(0x80 | ((code >> shift) & 0x3F)); };
    if (code < 0x80) {
      out += static_cast<char>(code);
    } else if (code < 0x800) {
      out += static_cast<char>(0xC0 | (code >> 6));
      tail(0);
    } else if (code < 0x10000) {
      out += static_cast<char>(0xE0 | (code >> 12));
      tail(6);
      tail(0);
    } else {
      out += static_cast<char>(0xF0 | (code >> 18));
      tail(12);
      tail(6);
      tail(0);
    }
  }

  std::string_view text_;
  std::vector<placed_fault>& faults_;
  std::size_t at_ = 0;
  json_place place_;
};

}  // namespace

const json_node* json_node::find(std::string_view key) const {
  const auto found = std::find_if(members.begin(), members.end(), [&](const json_member& m) { return m.key == key; });
  return found == members.end() ? nullptr : &found->value;
}

std::string placed_fault::text(std::string_view file) const {
  return std::string(file) + ':' + std::to_string(place.line) + ':' + std::to_string(place.column) + ": " + what;
}

std::optional<json_node> parse_placed_json(std::string_view text, std::vector<placed_fault>& faults) {
  json_node root;
  if (!reader(text, faults).document(root)) return std::nullopt;
  return root;
}

}  // namespace reveille::pns
