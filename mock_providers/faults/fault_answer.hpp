/// A scripted answer in the form that the asked service would give it. Pure.
#pragma once

#include <string_view>

#include "mock_providers/faults/fault_rule.hpp"
#include "mock_providers/requests/provider_answer.hpp"

namespace reveille::mock_providers {

/// @param path of the request: FCM's legacy endpoint answers otherwise than v1.
/// @param id what the answer would have carried (`apns-id`).
provider_answer render(const scripted_answer& what, fault_target target, std::string_view path, std::string_view id);

}  // namespace reveille::mock_providers
