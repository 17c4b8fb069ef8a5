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
  std::string_view file;
  const json_node& body;
  const payload_properties& properties;
  payload_wire wire;
  payload_kind kind;
};

/// Appends a line per fault to `faults`; the program is good only if none was appended.
std::shared_ptr<const payload_template::program> compile_body(const compile_input& input,
                                                              std::vector<std::string>& faults);

}  // namespace reveille::pns
