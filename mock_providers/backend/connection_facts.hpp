/// What can be told of one open connection, for those who ask over the control port. Plain data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/time.hpp"
#include "mock_providers/backend/decision.hpp"

namespace reveille::mock_providers {

struct connection_facts {
  std::uint64_t id = 0;                ///< counted from 1, never used again
  front service = front::apns;
  std::string peer;                    ///< "address:port"
  std::string_view protocol;           ///< "h2", "http/1.1"; static text
  steady_time since;
  std::uint64_t requests = 0;
  std::uint64_t pings = 0;
  std::size_t open_streams = 0;        ///< HTTP/1.1: 1 while an answer is awaited
  std::uint32_t latest_stream = 0;
  std::uint32_t max_streams = 0;       ///< SETTINGS_MAX_CONCURRENT_STREAMS as last sent; 0 with HTTP/1.1
  std::uint32_t stream_window = 0;     ///< SETTINGS_INITIAL_WINDOW_SIZE as last sent
  bool going_away = false;             ///< a GOAWAY was sent
  bool certificate = false;            ///< the client showed one
  std::string team_id, key_id;         ///< of the bearer token that the connection has bound itself to, "" = none yet
  bool token_expired = false;          ///< nothing on it is accepted any more
};

}  // namespace reveille::mock_providers
