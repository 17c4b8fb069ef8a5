/// All that a load run found out, as plain data: the table, the JSON and the HTML page are three views of it.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "simulator/report/histogram.hpp"

namespace reveille::report {

/// A contradiction between what the engine did and what the simulated phones and callers know to be true.
struct violation {
  std::string rule;      ///< closed set of short names, e.g. "told-twice"
  std::string call_id;   ///< "" when it belongs to no call
  std::string expected;
  std::string seen;
};

/// The stages of a woken call, each with a latency histogram.
enum class stage : std::uint8_t {
  register_response,   ///< REGISTER sent -> its 200
  push_sent,           ///< INVITE sent -> push at the provider
  wake_up,             ///< push at the provider -> the phone's first REGISTER
  register_to_invite,  ///< the phone's REGISTER sent -> INVITE there (the phone's clock)
  post_dial_delay,     ///< INVITE sent -> first 18x at the caller
  answer,              ///< 200 sent by the phone -> 200 at the caller
  cancel,              ///< CANCEL sent -> 487 at the caller
};
inline constexpr std::size_t stage_count = 7;
struct stage_name {
  std::string_view id;     ///< in JSON and thresholds
  std::string_view title;  ///< for people
};
inline constexpr std::array<stage_name, stage_count> stage_names{{
    {"register_response", "REGISTER to 200"},
    {"push_sent", "INVITE to push at provider"},
    {"wake_up", "push to REGISTER (the phone)"},
    {"register_to_invite", "REGISTER to INVITE"},
    {"post_dial_delay", "post-dial delay"},
    {"answer", "200 phone to caller"},
    {"cancel", "CANCEL to 487"},
}};
constexpr std::size_t index_of(stage s) { return static_cast<std::size_t>(s); }

/// Outcomes add up to `offered`.
struct call_counts {
  std::uint64_t offered = 0;
  std::uint64_t answered = 0;
  std::uint64_t cancelled = 0;   ///< the caller hung up: 487
  std::uint64_t not_woken = 0;   ///< 480, the phone did not come back in time
  std::uint64_t in_silence = 0;  ///< of these: no push came, the providers being made silent all the while
  std::uint64_t unanswered = 0;  ///< 480 or 408 after ringing: nobody answered
  std::uint64_t failed = 0;      ///< anything else, no final response at all included
};

struct missed_counts {
  std::uint64_t expected = 0;   ///< calls that must be told
  std::uint64_t told = 0;       ///< of these, told at least once
  std::uint64_t repeated = 0;   ///< told again by the repeat of a push whose first answer was lost
  std::uint64_t told_late = 0;  ///< told only after the phone had come back more than once
  std::uint64_t foreign = 0;    ///< told calls of other runs
};

struct push_counts {
  std::uint64_t invites = 0;
  std::uint64_t missed_calls = 0;
  std::uint64_t repeated = 0;   ///< the same push once more
  std::uint64_t unknown = 0;    ///< tokens or payloads that are none of this run's
};

struct registration_counts {
  std::uint64_t subscribers = 0;
  std::uint64_t registered = 0;
  std::uint64_t refused = 0;        ///< final responses other than 2xx, retried where the answer allows
  std::uint64_t timed_out = 0;      ///< 64*T1 without an answer
  std::uint64_t retransmitted = 0;  ///< datagrams of all transactions sent again
  double seconds = 0;               ///< length of the first phase
};

struct engine_usage {
  double cpu_seconds = 0;          ///< over the whole run, all threads
  double cpu_seconds_register = 0; ///< during the first phase
  std::uint64_t rss_bytes = 0;     ///< at the end
  std::uint64_t rss_bytes_before = 0;
  std::uint64_t rss_bytes_registered = 0;  ///< when all phones had registered
};

/// The engine's own histogram, between two scrapes: upper bound in seconds, values at or below it.
struct engine_histogram {
  std::vector<std::pair<double, double>> steps;
  double count = 0;
  /// Linear within a bucket, as Prometheus does it. nullopt when empty.
  std::optional<double> quantile_seconds(double q) const;
};

struct threshold_result {
  std::string text;
  std::string seen;
  bool passed = false;
};

struct run_report {
  static constexpr std::size_t kept_violations = 1000;  ///< the first ones in full, all of them counted

  std::string started;  ///< ISO 8601
  std::vector<std::pair<std::string, std::string>> options;
  double seconds = 0;
  registration_counts registrations;
  call_counts calls;
  missed_counts missed;
  push_counts pushes;
  std::uint64_t violation_count = 0;
  std::vector<violation> violations;
  std::array<histogram, stage_count> stages;
  std::optional<engine_usage> engine;
  std::optional<engine_histogram> engine_register_to_invite;
  std::vector<threshold_result> thresholds;
  std::vector<std::string> notes;  ///< what limits the meaning of this run, in sentences

  bool thresholds_passed() const;
  /// 0, or 99 when a threshold broke or a violation was found.
  int exit_code() const { return thresholds_passed() && violation_count == 0 ? 0 : 99; }
};

/// Plain text for a terminal. At most `shown_violations` of them in full.
std::string write_table(const run_report& report, std::size_t shown_violations = 20);
/// The machine's view; keys are stable.
std::string write_json(const run_report& report);
/// One self-contained page: static SVG, no script, nothing loaded from elsewhere.
std::string write_html(const run_report& report);

}  // namespace reveille::report
