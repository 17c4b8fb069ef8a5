/// Port: what the users of the control port may ask for; the server does it. Threads: the server's.
#pragma once

#include <cstdint>
#include <vector>

#include "mock_providers/backend/connection_facts.hpp"
#include "mock_providers/delivery/counters.hpp"
#include "mock_providers/backend/provider_backend.hpp"

namespace reveille::mock_providers {

class controlled_mock {
 public:
  virtual ~controlled_mock() = default;
  virtual provider_backend& backend() = 0;
  virtual instant now() const = 0;
  virtual instant started() const = 0;
  virtual mock_counters present_counters() = 0;
  /// Replaces the script; its clock starts now.
  virtual void take_script(fault_script script) = 0;
  /// @return false = more than fault_script::max_rules together, nothing is added.
  virtual bool add_rules(fault_script more) = 0;
  /// The open ones, by their numbers.
  virtual std::vector<connection_facts> connections() const = 0;
  /// @return false = no such connection.
  virtual bool reset_connection(std::uint64_t id) = 0;
  virtual void reset_all_connections() = 0;
  enum class goodbye : std::uint8_t { said, no_such_connection, http1 };
  virtual goodbye say_goodbye(std::uint64_t id, const scripted_goaway& how) = 0;
};

}  // namespace reveille::mock_providers
