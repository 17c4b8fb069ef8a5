#include "mock_providers/fault_script.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace reveille::mock_providers {
namespace {

using nlohmann::json;

bool is_one_of(const std::vector<std::string>& all, std::string_view text) {
  return all.empty() || std::find(all.begin(), all.end(), text) != all.end();
}

bool begins_with_one_of(const std::vector<std::string>& all, std::string_view text) {
  return all.empty() || std::any_of(all.begin(), all.end(), [&](const std::string& p) { return text.starts_with(p); });
}

/// "line 3, column 7: ..." out of nlohmann's sentence.
std::string syntax_fault(const json::parse_error& e) {
  const std::string_view what = e.what();
  const std::size_t at = what.find("at line ");
  const std::size_t colon = what.find(": ", at == what.npos ? 0 : at);
  if (at == what.npos || colon == what.npos) return "no JSON";
  return std::string(what.substr(at + 3, colon - at - 3)) + ": no JSON: " + std::string(what.substr(colon + 2, 200));
}

}  // namespace

result<fault_script> fault_script::parse(std::string_view text) {
  if (text.size() > max_text) return failure("a fault script of more than 1 MB");
  json root;
  try {
    root = json::parse(text);
  } catch (const json::parse_error& e) {
    return failure(syntax_fault(e));
  }
  if (!root.is_array()) return failure("a fault script is a JSON array of rules");
  if (root.size() > max_rules) return failure("more than 256 rules");
  fault_script out;
  for (std::size_t i = 0; i < root.size(); ++i) {
    auto read = read_fault_rule(&root[i]);
    if (!read) return failure("rule " + std::to_string(i + 1) + ": " + read.error().what);
    out.rules_.push_back({std::move(*read), 0, 0});
  }
  return out;
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
