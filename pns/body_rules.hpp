/// What a push service would refuse, or would do nothing with, on every push: a mistake of the template, found when it is
/// compiled (PROVIDERS 1.7, 2.1, 3).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pns/template_compiler.hpp"

namespace reveille::pns {

/// Appends to `faults`. @pre the body is an object.
void check_body(const compile_input& input, std::vector<placed_fault>& faults);

/// Whether an APNs body for a plain token holds an alert or content-available.
bool wakes_plain_token(const json_node& body);

/// A key with the properties put in.
std::string resolved_key(std::string_view key, const payload_properties& properties);

}  // namespace reveille::pns
