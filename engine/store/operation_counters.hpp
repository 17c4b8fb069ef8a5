/// What one thread of the store counts; summed at the scrape.
#pragma once

#include <array>
#include <chrono>

#include "core/buckets.hpp"
#include "engine/store/store_counters.hpp"

namespace reveille {

/// Threads: count() from one, add_to() from any.
struct operation_counters {
  std::array<slot, store_operation_count> ok;
  std::array<slot, store_operation_count> failed;
  std::array<histogram_slot, store_operation_count> durations{
      histogram_slot(buckets::fast), histogram_slot(buckets::fast), histogram_slot(buckets::fast),
      histogram_slot(buckets::fast), histogram_slot(buckets::fast)};
  slot corrupt;

  void count(store_operation kind, bool succeeded, nanoseconds took) {
    const auto i = static_cast<std::size_t>(kind);
    (succeeded ? ok : failed)[i].add();
    durations[i].observe(std::chrono::duration<double>(took).count());
  }
  void add_to(store_counters& sum) const {
    for (std::size_t i = 0; i < store_operation_count; ++i) {
      sum.ok[i] += ok[i].value();
      sum.failed[i] += failed[i].value();
      sum.durations[i] += durations[i].values();
    }
    sum.corrupt_values += corrupt.value();
  }
};

}  // namespace reveille
