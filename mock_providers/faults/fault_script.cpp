#include "mock_providers/faults/fault_script.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "mock_providers/faults/fault_reader.hpp"

namespace reveille::mock_providers {
namespace {

using nlohmann::json;

bool is_one_of(const std::vector<std::string>& all, std::string_view text) {
  return all.empty() || std::find(all.begin(), all.end(), text) != all.end();
}

bool begins_with_one_of(const std::vector<std::string>& all, std::string_view text) {
  return all.empty() || std::any_of(all.begin(), all.end(), [&](const std::string& p) { return text.starts_with(p); });
}

struct place {
  std::size_t line = 1, column = 1;
};

place place_of(std::string_view text, std::size_t offset) {
  place out;
  for (const char c : text.substr(0, offset)) {
    if (c == '\n') {
      ++out.line;
      out.column = 1;
    } else {
      ++out.column;
    }
  }
  return out;
}

/// Where the n-th member (from 0) of a text that is a JSON array begins; of one rule alone, where that does.
std::size_t member_offset(std::string_view array, std::size_t n) {
  const std::size_t start = array.find_first_not_of(" \t\r\n");
  if (start == array.npos || array[start] != '[') return start == array.npos ? 0 : start;
  std::size_t depth = 0, members = 0;
  bool in_text = false, awaited = false;
  for (std::size_t i = 0; i < array.size(); ++i) {
    const char c = array[i];
    if (in_text) {
      if (c == '\\') ++i;
      else if (c == '"') in_text = false;
      continue;
    }
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') continue;
    if (awaited && c != ']') {
      awaited = false;
      if (members++ == n) return i;
    }
    if (c == '"') in_text = true;
    if (c == '[' || c == '{') awaited = ++depth == 1;
    if (c == ']' || c == '}') --depth;
    if (c == ',' && depth == 1) awaited = true;
  }
  return 0;
}

std::string at_place(const place& p) { return "line " + std::to_string(p.line) + ", column " + std::to_string(p.column); }

script_fault whole_fault(const char* reason) { return {reason, 0, 0, 0, "", reason}; }

script_fault syntax_fault(std::string_view text, const json::parse_error& e) {
  // nlohmann counts the octet that it stumbled over from 1; at the end of the text it stands behind it.
  const place p = place_of(text, std::min(e.byte > 0 ? e.byte - 1 : 0, text.size()));
  const std::string_view said = e.what();
  const std::size_t at = said.find("at line "), colon = said.find(": ", at == said.npos ? 0 : at);
  std::string reason = "no JSON";
  if (colon != said.npos) reason.append(": ").append(said.substr(colon + 2, 200));
  return {at_place(p) + ": " + reason, p.line, p.column, 0, "", reason};
}

/// JSON by its form, but with a number that no double holds; the library names it, not its place.
script_fault number_fault(std::string_view text, const json::out_of_range& e) {
  const std::string_view said = e.what();
  const std::size_t open = said.find('\''), close = said.rfind('\'');
  const std::string_view number = open < close && close != said.npos ? said.substr(open + 1, close - open - 1) : std::string_view();
  const place p = place_of(text, std::min(text.find(number), text.size()));
  const std::string reason = "a number that is too great: " + std::string(number.substr(0, 60));
  return {at_place(p) + ": " + reason, p.line, p.column, 0, "", reason};
}

script_fault fault_of_rule(std::string_view text, std::size_t index, rule_fault found) {
  const place p = place_of(text, member_offset(text, index));
  std::string what = at_place(p) + ", rule " + std::to_string(index + 1) + ": ";
  if (!found.field.empty()) what.append("\"").append(found.field).append("\": ");
  what += found.reason;
  return {std::move(what), p.line, p.column, index + 1, std::move(found.field), std::move(found.reason)};
}

}  // namespace

result<fault_script, script_fault> fault_script::parse(std::string_view text) {
  if (text.size() > max_text) return tl::unexpected(whole_fault("a fault script of more than 1 MB"));
  json root;
  try {
    root = json::parse(text);
  } catch (const json::parse_error& e) {
    return tl::unexpected(syntax_fault(text, e));
  } catch (const json::out_of_range& e) {
    return tl::unexpected(number_fault(text, e));
  }
  if (root.is_object()) root = json::array({std::move(root)});
  if (!root.is_array()) return tl::unexpected(whole_fault("a fault script is a JSON array of rules, or one rule"));
  if (root.size() > max_rules) return tl::unexpected(whole_fault("more than 256 rules"));
  fault_script out;
  for (std::size_t i = 0; i < root.size(); ++i) {
    auto read = read_fault_rule(&root[i]);
    if (!read) return tl::unexpected(fault_of_rule(text, i, std::move(read.error())));
    out.rules_.push_back({std::move(*read), 0, 0, {}, root[i].dump()});
  }
  return out;
}

bool fault_script::append(fault_script more, nanoseconds since_start) {
  if (rules_.size() + more.rules_.size() > max_rules) return false;
  for (rule& r : more.rules_) {
    r.begins = since_start;
    r.from += since_start;
    if (r.until < nanoseconds::max() - since_start) r.until += since_start;
    rules_.push_back(std::move(r));
  }
  return true;
}

fault_script::view fault_script::at(std::size_t index) const {
  const rule& r = rules_[index];
  return {r.text, r.begins, r.fired};
}

bool fault_script::fires(std::size_t index, const fault_request& request, nanoseconds since_start, fault_line& line,
                         random_source& random) {
  rule& r = rules_[index];
  if (r.standing || !r.concerns(request.target) || since_start < r.from || since_start >= r.until) return false;
  if (!is_one_of(r.apps, request.app) || !is_one_of(r.tokens, request.token) ||
      !begins_with_one_of(r.token_prefixes, request.token) || !request.path.starts_with(r.path_prefix)) {
    return false;
  }
  const std::uint64_t seen = r.per_connection ? ++line.seen[index] : ++r.seen;
  if (seen < r.every || (seen - r.every) % r.every >= r.burst) return false;
  if (r.share < 1 && random.unit() >= r.share) return false;
  return r.times == 0 || r.fired < r.times;
}

fault_action fault_script::next(const fault_request& request, nanoseconds since_start, fault_line& line,
                                random_source& random) {
  line.seen.resize(rules_.size());
  line.steps.resize(rules_.size());
  fault_action out;
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    if (!fires(i, request, since_start, line, random)) continue;
    rule& r = rules_[i];
    const bool decided = out.silence || out.reset || out.answer;
    const bool decides = !decided && (r.silence || r.reset || r.answer);
    if (decides || r.goaway || r.close || r.delay || !r.settings.empty()) ++r.fired;
    if (r.goaway) out.goaway = &*r.goaway;
    if (r.close) out.close = true;
    if (r.delay) out.delay += r.delay->draw(random);
    if (!r.settings.empty()) {
      const settings_change& step = r.settings[line.steps[i]++ % r.settings.size()];
      if (step.max_streams) out.settings.max_streams = step.max_streams;
      if (step.stream_window) out.settings.stream_window = step.stream_window;
    }
    if (decides) {
      out.silence = r.silence;
      out.reset = r.reset;
      out.answer = r.answer ? &*r.answer : nullptr;
    }
  }
  return out;
}

standing_faults fault_script::standing(fault_target target, nanoseconds since_start) const {
  standing_faults out;
  for (const rule& r : rules_) {
    if (!r.standing || !r.concerns(target) || since_start < r.from || since_start >= r.until) continue;
    const standing_faults& s = *r.standing;
    if (s.settings.max_streams) out.settings.max_streams = s.settings.max_streams;
    if (s.settings.stream_window) out.settings.stream_window = s.settings.stream_window;
    out.hold_windows |= s.hold_windows;
    out.stop_reading |= s.stop_reading;
    if (s.octets_per_second) out.octets_per_second = s.octets_per_second;
    if (s.admission) out.admission = s.admission;
    if (s.certificate_life) out.certificate_life = s.certificate_life;
  }
  return out;
}

std::optional<nanoseconds> fault_script::next_change(nanoseconds since_start) const {
  std::optional<nanoseconds> out;
  for (const rule& r : rules_) {
    if (!r.standing) continue;
    for (const nanoseconds t : {r.from, r.until}) {
      if (t > since_start && t < nanoseconds::max() && (!out || t < *out)) out = t;
    }
  }
  return out;
}

}  // namespace reveille::mock_providers
