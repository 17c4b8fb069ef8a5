/// The target of a control request, taken apart: path and what stands behind the question mark. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace reveille::mock_providers {

class control_query {
 public:
  static constexpr std::size_t max_parameters = 16;

  explicit control_query(std::string_view target);

  const std::string& path() const { return path_; }   ///< decoded, without a slash at the end; "/" = the root
  /// nullptr = it does not stand there.
  const std::string* find(std::string_view name) const;
  /// The first parameter that is none of `known`, or one that is doubled or too many; "" = all is well.
  std::string stranger(std::initializer_list<std::string_view> known) const;

 private:
  std::string path_;
  std::vector<std::pair<std::string, std::string>> parameters_;
  bool too_many_ = false;
};

/// A whole decimal number within bounds.
std::optional<std::uint64_t> whole_number(std::string_view text, std::uint64_t low, std::uint64_t high);

}  // namespace reveille::mock_providers
