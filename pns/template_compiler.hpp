/// Turns a body of a profile file into a program, or into faults with their places.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pns/payload_template.hpp"
#include "pns/placed_json.hpp"

namespace reveille::pns {

/// What `aps.badge` is: Apple's number, or the text that ECSS-10's apps read by themselves.
enum class badge_type : std::uint8_t { number, text };

struct compile_input {
  const json_node& body;
  const payload_properties& properties;
  payload_wire wire;
  payload_kind kind;
  badge_type badge = badge_type::number;
};

/// Appends to `faults`; the program is good only if none was appended.
std::shared_ptr<const payload_template::program> compile_body(const compile_input& input,
                                                              std::vector<placed_fault>& faults);

}  // namespace reveille::pns
