/// What the store has to say to an operator. It knows no log of its own: whoever opens it is told (rocksdb_options).
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace reveille {

struct store_notice {
  enum class weight : std::uint8_t { info, warning, error };
  weight how = weight::info;
  std::string text;  ///< one line; no AOR, no token
  bool operator==(const store_notice&) const = default;
};

/// Called on any thread of the store, never concurrently with itself for one kind of notice; must not throw.
using store_listener = std::function<void(const store_notice&)>;

}  // namespace reveille
