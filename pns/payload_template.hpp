/// The compiled form of a body: a flat program of steps over one text of literals. Written by template_compiler, run
/// by payload_template::render.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pns/payload.hpp"

namespace reveille::pns {

enum class payload_field : std::uint8_t {
  token, date, ttl, lifetime, collapse_id, voip,    // both kinds
  number, display_name, caller, call_id, call_ref,  // invite
  count, last_caller,                               // missed_calls
  item_id, item_remote_uri, item_display_name, item_caller, item_date, item_ref,  // inside $each
};

enum class field_scope : std::uint8_t { both, invite, missed_calls, item };
struct field_traits {
  std::string_view name;
  payload_field field;
  field_scope scope;
  bool numeric;
};
/// By the name that templates use; nullptr when unknown.
const field_traits* find_field(std::string_view name);
std::span<const field_traits> all_fields();

/// What a step does after it has appended its literal.
enum class payload_op : std::uint8_t {
  literal,   ///< nothing more
  text,      ///< append the field, escaped `escapes` times
  integer,   ///< append the field's decimal digits
  unless,    ///< jump when the field is empty
  jump,
  each,      ///< the first call, or jump when there is none
  next,      ///< the next call: append ',' and jump; past the last go on
};

/// Half as many steps as if literals had their own: a list of calls is hundreds of them.
struct payload_step {
  payload_op op;
  payload_field field = payload_field::token;
  std::uint8_t escapes = 0;
  std::uint32_t literal = 0;   ///< literals[literal, literal + size) stands before what the step does
  std::uint32_t size = 0;
  std::uint32_t target = 0;    ///< of its jump
};

struct payload_template::program {
  std::string literals;   ///< literal_padding octets follow the last
  std::vector<payload_step> steps;
  bool wakes_plain_token = false;
};

}  // namespace reveille::pns
