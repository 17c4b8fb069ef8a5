/// The control port's commands, each a JSON object on a line. Pure.
#pragma once

#include <string>
#include <string_view>

#include "mock_providers/control/controlled_mock.hpp"

namespace reveille::mock_providers {

/// @return the answering line: {"ok":true}, or {"ok":false,"error":"…"}.
/// @param subscribe set by {"subscribe":…}: deliveries are wanted as lines.
std::string obey_line(std::string_view line, controlled_mock& mock, bool& subscribe);

/// What is said of one device: {"provider","token"} and one of "register", "reachable", "unregister", "expire", "canonical".
/// @return what is wrong with it, field and reason; an empty reason = done.
rule_fault obey_device_command(const void* json, controlled_mock& mock);

}  // namespace reveille::mock_providers
