/// JSON that remembers where each value stood, so that a mistake in a template file has a line and a column.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reveille::pns {

/// 1-based; the column counts octets.
struct json_place {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
  bool operator==(const json_place&) const = default;
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

/// A mistake in a file, and where.
struct placed_fault {
  json_place place;
  std::string what;
  std::string text(std::string_view file) const;   ///< "file:line:column: what"
  bool operator==(const placed_fault&) const = default;
};

/// Strict RFC 8259, valid UTF-8, at most 1 MB and 32 deep. A key that stands twice is a fault, and the first one is
/// read on, so that other mistakes are found as well.
/// @return nullopt when it is no JSON at all; the last fault then says why.
std::optional<json_node> parse_placed_json(std::string_view text, std::vector<placed_fault>& faults);

}  // namespace reveille::pns
