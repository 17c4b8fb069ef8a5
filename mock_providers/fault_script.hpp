/// Faults on a time line, by token, or every so often. A JSON text, so that a test, a file and the control port share it:
///
///   [{"provider": "apns", "from": 10, "until": 15, "answer": {"status": 503, "reason": "ServiceUnavailable"}},
///    {"token_prefix": "dead", "answer": {"status": 410, "reason": "Unregistered", "timestamp": 1623753691000}},
///    {"every": 10000, "goaway": "Shutdown"},
///    {"share": 0.01, "silence": true}, {"share": 0.01, "reset": "refused_stream"},
///    {"from": 60, "delay": {"median_ms": 200, "p99_ms": 2000}}, {"every": 500, "close": true}]
///
/// `from` and `until` are seconds since the start. Conditions are joined by "and"; the first rule that matches wins, but
/// `goaway`, `close` and `delay` are done beside the answer. Pure. Threads: one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/random.hpp"
#include "core/result.hpp"
#include "core/time.hpp"
#include "mock_providers/delay_distribution.hpp"
#include "mock_providers/provider_answer.hpp"
#include "pns/push_params.hpp"

namespace reveille::mock_providers {

enum class reset_kind : std::uint8_t { refused_stream, internal_error, cancel };

/// What a script does to one request. Empty = nothing.
struct fault_action {
  bool silence = false;
  std::optional<reset_kind> reset;
  std::optional<provider_answer> answer;
  std::optional<std::string> goaway;      ///< reason; after the answer
  bool close = false;                     ///< TCP reset, after the answer
  nanoseconds delay{0};
};

class fault_script {
 public:
  static constexpr std::size_t max_rules = 256;

  fault_script() = default;
  static result<fault_script> parse(std::string_view json);

  bool empty() const { return rules_.empty(); }
  fault_action next(pns::provider provider, std::string_view token, nanoseconds since_start, random_source& random);

 private:
  struct rule {
    std::optional<pns::provider> provider;
    nanoseconds from{0};
    nanoseconds until = nanoseconds::max();
    std::string token_prefix;
    std::uint64_t every = 1;
    std::uint64_t seen = 0;
    double share = 1;
    bool silence = false;
    std::optional<reset_kind> reset;
    std::optional<provider_answer> answer;
    std::optional<std::string> goaway;
    bool close = false;
    std::optional<delay_distribution> delay;
  };
  static result<rule> parse_rule(const void* json);
  std::vector<rule> rules_;
};

}  // namespace reveille::mock_providers
