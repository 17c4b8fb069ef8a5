/// One operation in the store's queue. Its cell is used again and again: what it held must not stay there.
#pragma once

#include "actors/ports/store.hpp"

#include <cstddef>
#include <utility>

namespace reveille {

struct queued_operation {
  bool is_load = false;
  shard_id from;
  aor_key key;
  aor of;
  store_mutation change;
  std::size_t bytes = 0;
  store_token token;
  steady_time submitted;

  /// Gives its octets back. An assignment would not: a string that is assigned an empty one keeps its memory.
  void forget() {
    change.emplace<put_bindings>();
    const aor gone(std::move(of));
  }
};

}  // namespace reveille
