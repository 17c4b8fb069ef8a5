/// What a store has done, as plain numbers for the scrape.
#pragma once

#include "core/slots.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace reveille {

/// The operations that are told apart: put_bindings with and without content, loads, additions to and removals from
/// the bucket (updates of an entry count as additions, a parked INVITE's removal as a removal).
enum class store_operation : std::uint8_t { upsert, remove, load, bucket_append, bucket_drain };
inline constexpr std::size_t store_operation_count = 5;

struct store_counters {
  std::array<std::uint64_t, store_operation_count> ok{};
  std::array<std::uint64_t, store_operation_count> failed{};
  std::array<histogram_values, store_operation_count> durations;  ///< seconds from submission to answer
  histogram_values batch_items;                                   ///< operations of one commit
  std::uint64_t commits = 0;
  std::uint64_t queue_full = 0;      ///< operations refused at the door: 503, or a push without its bucket write
  std::uint64_t corrupt_values = 0;  ///< values on disk that could not be decoded; their loads failed
  std::uint64_t write_failures = 0;  ///< commits that the disk refused
  std::uint64_t sync_failures = 0;
  std::uint64_t missing_files = 0;  ///< times that files were found gone under the open database
  std::uint64_t recoveries = 0;  ///< returns from a failed disk to normal work
  std::uint64_t lost_writes = 0;  ///< acknowledged, and not in the log when it was read
  std::size_t queue_length = 0;  ///< operations that wait for their commit
  std::size_t queue_bytes = 0;   ///< the octets they hold
  bool aors_listed = false;          ///< unknown AORs are told without a look into the database
  std::size_t aor_filter_bytes = 0;  ///< what that costs
  bool failing = false;          ///< writes are refused at this moment; recovery is tried
};

}  // namespace reveille
