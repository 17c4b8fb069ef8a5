/// Faults on a time line, by token, app, path, or every so often. A JSON text, so that a test, a file and the control port
/// share it; docs/mock-providers.md describes each key:
///
///   [{"provider": "apns", "from": 10, "until": 15, "answer": {"status": 503, "reason": "ServiceUnavailable"}},
///    {"token_prefix": "dead", "answer": {"status": 410, "reason": "Unregistered", "timestamp": 1623753691000}},
///    {"every": 10000, "goaway": "Shutdown"},
///    {"every": 500, "settings": [{"max_concurrent_streams": 1}, {"max_concurrent_streams": 1000}]},
///    {"share": 0.01, "silence": true}, {"share": 0.01, "reset": "refused_stream"},
///    {"from": 60, "delay": {"median_ms": 200, "p99_ms": 2000}}, {"every": 500, "close": true},
///    {"from": 30, "until": 60, "connections": {"read": "stopped", "accept": "silent"}}]
///
/// The first rule that decides the answer wins; `goaway`, `settings`, `close` and `delay` are done beside it. Rules with
/// `connections` befall connections, not requests. Pure. Threads: one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/random.hpp"
#include "core/result.hpp"
#include "core/time.hpp"
#include "mock_providers/faults/fault_rule.hpp"
#include "mock_providers/faults/script_fault.hpp"

namespace reveille::mock_providers {

/// The request that a script is asked about. Views live during the call.
struct fault_request {
  fault_target target = fault_target::apns;
  std::string_view app, token, path;
};

/// What a script does to one request. Empty = nothing. Pointers lead into the script.
struct fault_action {
  bool silence = false;
  std::optional<reset_kind> reset;
  const scripted_answer* answer = nullptr;
  const scripted_goaway* goaway = nullptr;  ///< after the answer
  bool close = false;                       ///< TCP reset, after the answer
  nanoseconds delay{0};
  settings_change settings;                 ///< after the answer
};

/// What a script remembers of one connection; to be emptied when the script is another.
struct fault_line {
  std::vector<std::uint64_t> seen;   ///< by rule
  std::vector<std::uint32_t> steps;  ///< by rule: settings changes made
};

class fault_script {
 public:
  static constexpr std::size_t max_rules = 256;
  static constexpr std::size_t max_text = 1024 * 1024;   ///< octets of JSON

  fault_script() = default;
  /// An array of rules, or one rule alone. Errors name the place: line and column where the JSON breaks, else those of the rule, its number and the key.
  static result<fault_script, script_fault> parse(std::string_view json);
  /// Adds rules behind those that are there; their clock starts `since_start` later than this script's.
  /// @return false = together they would be more than max_rules; nothing is added.
  bool append(fault_script more, nanoseconds since_start);

  bool empty() const { return rules_.empty(); }
  std::size_t size() const { return rules_.size(); }
  /// One rule for those who look: its JSON as it was given, when its clock started, and how often it has fired.
  struct view {
    std::string_view text;
    nanoseconds begins;
    std::uint64_t fired;
  };
  /// @pre index < size().
  view at(std::size_t index) const;
  fault_action next(const fault_request& request, nanoseconds since_start, fault_line& line, random_source& random);

  standing_faults standing(fault_target target, nanoseconds since_start) const;
  /// When standing() may change next; nullopt = never again.
  std::optional<nanoseconds> next_change(nanoseconds since_start) const;

 private:
  struct rule : fault_rule {
    std::uint64_t seen = 0;
    std::uint64_t fired = 0;
    nanoseconds begins{0};   ///< of its clock, after the script's; from and until are counted from the script's
    std::string text;
  };
  bool fires(std::size_t index, const fault_request& request, nanoseconds since_start, fault_line& line,
             random_source& random);

  std::vector<rule> rules_;
};

}  // namespace reveille::mock_providers
