/// What the backend decides of one request, and what it remembers of the connection that brought it. Plain data.
#pragma once

#include <cstdint>
#include <optional>

#include "core/time.hpp"
#include "mock_providers/apns/apns_mock.hpp"
#include "mock_providers/faults/fault_script.hpp"
#include "mock_providers/requests/provider_answer.hpp"

namespace reveille::mock_providers {

enum class front : std::uint8_t { apns, apns_dev, google };

/// What the backend remembers of one connection.
struct connection_state {
  mock_providers::front front = front::apns;
  apns_connection apns;
  bool opened = false;    ///< one push was accepted
  std::uint64_t script = 0;  ///< the one that `faults` is about
  fault_line faults{};
};

/// What is to be done with one request.
struct decision {
  provider_answer answer;
  bool silence = false;
  std::optional<reset_kind> reset;
  std::optional<scripted_goaway> goaway;      ///< after the answer
  bool close = false;
  std::optional<std::uint32_t> max_streams;   ///< new limit, told after the answer
  std::optional<std::uint32_t> stream_window; ///< new SETTINGS_INITIAL_WINDOW_SIZE, told after the answer
  nanoseconds delay{0};
};

}  // namespace reveille::mock_providers
