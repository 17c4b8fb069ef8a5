/// Turns a body of a profile file into a program, or into faults with their places.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pns/payload_template.hpp"
#include "pns/placed_json.hpp"

namespace reveille::pns {

struct compile_input {
  const json_node& body;
  const payload_properties& properties;
  payload_wire wire;
  payload_kind kind;
};

/// Appends to `faults`; the program is good only if none was appended.
std::shared_ptr<const payload_template::program> compile_body(const compile_input& input,
                                                              std::vector<placed_fault>& faults);

}  // namespace reveille::pns
