/// One rule of a fault script, as fault_reader.cpp reads it and fault_script follows it. Plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.hpp"
#include "mock_providers/delivery/delay_distribution.hpp"
#include "net/http2/header.hpp"

namespace reveille::mock_providers {

/// Whose requests: the three push services, and Google's token endpoint.
enum class fault_target : std::uint8_t { apns, apns_dev, fcm, oauth };
inline constexpr std::size_t fault_target_count = 4;

enum class reset_kind : std::uint8_t { refused_stream, internal_error, cancel };

/// What is said instead of "accepted"; the words around it are the provider's (fault_answer.hpp).
struct scripted_answer {
  int status = 503;
  std::string reason;
  std::string message;                     ///< Google's sentence
  std::optional<std::int64_t> timestamp;   ///< ms; APNs' 410
  std::string retry_after;                 ///< "" = none
  std::optional<std::string> body;         ///< instead of the provider's form
  std::string_view content_type;           ///< of `body`; static text, "" = the provider's
};

struct scripted_goaway {
  std::string reason;          ///< APNs: inside JSON with a timestamp; Google: as it stands
  http2::error_code code = http2::error_code::no_error;
  bool spares_open = true;     ///< false: streams that were not judged yet stand above the last id
};

struct settings_change {
  std::optional<std::uint32_t> max_streams;    ///< SETTINGS_MAX_CONCURRENT_STREAMS
  std::optional<std::uint32_t> stream_window;  ///< SETTINGS_INITIAL_WINDOW_SIZE
  bool operator==(const settings_change&) const = default;
};

enum class admission_kind : std::uint8_t { serve, silence, reset };

/// What befalls the connections of a front while a rule's window of time is open. Empty = nothing.
struct standing_faults {
  settings_change settings;
  bool hold_windows = false;                        ///< no WINDOW_UPDATE is sent
  bool stop_reading = false;                        ///< half-open: nothing is taken off the socket any more
  std::optional<std::uint32_t> octets_per_second;   ///< slow reading
  std::optional<admission_kind> admission;          ///< of new TCP connections
  std::optional<seconds> certificate_life;          ///< from the window's beginning; negative = expired already
  bool operator==(const standing_faults&) const = default;
};

struct fault_rule {
  // Conditions, joined by "and"; an empty list is no condition.
  std::uint8_t targets = 0b0111;     ///< bit per fault_target; the token endpoint only where it is named
  nanoseconds from{0};
  nanoseconds until = nanoseconds::max();
  std::vector<std::string> apps, tokens, token_prefixes;
  std::string path_prefix;
  std::uint64_t every = 1;
  std::uint64_t burst = 1;           ///< so many in a row, beginning with each `every`th
  std::uint64_t times = 0;           ///< fires so often at most; 0 = no bound
  double share = 1;
  bool per_connection = false;       ///< `every` counts the pushes of each connection for itself

  // Actions.
  bool silence = false;
  bool close = false;
  std::optional<reset_kind> reset;
  std::optional<scripted_answer> answer;
  std::optional<scripted_goaway> goaway;
  std::optional<delay_distribution> delay;
  std::vector<settings_change> settings;   ///< one after the other, round and round, on each connection for itself
  std::optional<standing_faults> standing; ///< then no other action, and no condition but targets and time

  bool concerns(fault_target t) const { return (targets >> static_cast<unsigned>(t) & 1U) != 0; }
};

}  // namespace reveille::mock_providers
