/// JSON that remembers where each value stood, so that a mistake in a template file has a line and a column.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace reveille::pns {

/// 1-based; the column counts octets.
struct json_place {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
};

struct json_member;

struct json_node {
  enum class kind : std::uint8_t { literal, string, array, object };  ///< literal: null, true, false, a number
  json_node::kind kind = kind::literal;
  json_place place;
  std::string text;                 ///< literal as written; string decoded
  std::vector<json_node> items;     ///< of an array
  std::vector<json_member> members; ///< of an object, in the file's order, keys unique

  const json_node* find(std::string_view key) const;
};

struct json_member {
  json_place place;
  std::string key;
  json_node value;
};

/// Strict RFC 8259, valid UTF-8, at most 1 MB and 32 deep.
/// @return an error `file:line:column: what`.
result<json_node> parse_placed_json(std::string_view file, std::string_view text);

/// "file:line:column: what"
std::string at_place(std::string_view file, json_place place, std::string_view what);

}  // namespace reveille::pns
