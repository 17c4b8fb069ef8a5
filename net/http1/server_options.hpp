/// The bounds of an HTTP/1.1 server.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/flow.hpp"
#include "core/time.hpp"

namespace reveille::http1 {

struct server_options {
  endpoint listen;                    ///< port 0: any free one
  std::size_t max_connections = 64;   ///< at once
  std::uint32_t header_bytes = 8192;  ///< more: 431
  std::uint64_t body_bytes = 65536;   ///< more: 413
  milliseconds head_timeout{3000};    ///< for a request's head to arrive, once it has begun or the connection is new
  milliseconds timeout{15000};        ///< for its body to arrive, for its answer to leave, for the next one to begin
  milliseconds accept_pause{100};     ///< when there was no descriptor or memory for a connection: asking again would spin
  std::vector<std::string> probe_paths = {"/livez", "/readyz"};  ///< whose answers are short

  bool operator==(const server_options&) const = default;
};

}  // namespace reveille::http1
