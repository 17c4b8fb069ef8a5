/// Reads one rule of a fault script out of its JSON, and says what is wrong with which key. Pure.
#pragma once

#include <string_view>

#include "core/result.hpp"
#include "mock_providers/faults/fault_rule.hpp"
#include "mock_providers/faults/script_fault.hpp"

namespace reveille::mock_providers {

/// @param json a nlohmann::json, kept out of headers.
result<fault_rule, rule_fault> read_fault_rule(const void* json);

/// The code that comes with Google's own words (PROVIDERS 2.4); no_error with others.
http2::error_code usual_goaway_code(std::string_view reason);

}  // namespace reveille::mock_providers
