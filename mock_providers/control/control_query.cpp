#include "mock_providers/control/control_query.hpp"

#include <algorithm>
#include <charconv>

namespace reveille::mock_providers {
namespace {

int hex_value(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/// RFC 3986 2.1. A per cent sign that begins no octet stands for itself, and so does '+': tokens and keys may hold it.
std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool octet = text[i] == '%' && text.size() - i > 2 && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0;
    out += octet ? static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2])) : text[i];
    if (octet) i += 2;
  }
  return out;
}

}  // namespace

control_query::control_query(std::string_view target) {
  const std::size_t mark = std::min(target.find('?'), target.size());
  path_ = decoded(target.substr(0, mark));
  while (path_.size() > 1 && path_.back() == '/') path_.pop_back();
  std::string_view rest = target.substr(std::min(mark + 1, target.size()));
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('&'), rest.size());
    const std::string_view one = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (one.empty()) continue;
    if (parameters_.size() == max_parameters) {
      too_many_ = true;
      return;
    }
    const std::size_t equals = std::min(one.find('='), one.size());
    parameters_.emplace_back(decoded(one.substr(0, equals)), decoded(one.substr(std::min(equals + 1, one.size()))));
  }
}

const std::string* control_query::find(std::string_view name) const {
  const auto found = std::find_if(parameters_.begin(), parameters_.end(), [&](const auto& p) { return p.first == name; });
  return found == parameters_.end() ? nullptr : &found->second;
}

std::string control_query::stranger(std::initializer_list<std::string_view> known) const {
  if (too_many_) return "?";
  for (auto p = parameters_.begin(); p != parameters_.end(); ++p) {
    const bool doubled = std::any_of(parameters_.begin(), p, [&](const auto& q) { return q.first == p->first; });
    if (doubled || std::find(known.begin(), known.end(), p->first) == known.end()) return p->first.empty() ? "=" : p->first;
  }
  return {};
}

std::optional<std::uint64_t> whole_number(std::string_view text, std::uint64_t low, std::uint64_t high) {
  std::uint64_t n = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (code != std::errc{} || end != text.data() + text.size() || n < low || n > high) return std::nullopt;
  return n;
}

}  // namespace reveille::mock_providers
