/// How far the log has been written, kept outside the log: a file of 48 octets beside the database. At the next start a
/// log that ends earlier, or is gone, is noticed (SPEC 9.2).
///
/// It may lag behind the log (by one sync), never be ahead of it: it is written after the log was synced.
#pragma once

#include "core/time.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace reveille {

/// The last write that was acknowledged, by RocksDB's own count of writes, and when that was.
struct acknowledged {
  static constexpr std::uint64_t unknown = ~std::uint64_t{0};

  std::uint64_t sequence = 0;
  wall_time at{};
  wall_time opened{};            ///< everything before that is outside the log
  /// The log holds every write behind this one; unknown once a part of it went to tables.
  std::uint64_t from = unknown;
  bool operator==(const acknowledged&) const = default;
};

/// One thread at a time. Errors: a mark that cannot be written is an older one; it only makes losses less visible.
class acknowledged_mark {
 public:
  /// @return nullopt when there is none, or none that can be read
  static std::optional<acknowledged> read(const std::string& directory);

  acknowledged_mark() = default;
  /// Makes the file if it is missing. Its octets are overwritten in place, so a full disk does not refuse them.
  explicit acknowledged_mark(const std::string& directory);
  ~acknowledged_mark();
  acknowledged_mark(acknowledged_mark&& other) noexcept;
  acknowledged_mark& operator=(acknowledged_mark&& other) noexcept;

  bool write(const acknowledged& reached);

 private:
  int file_ = -1;
};

}  // namespace reveille
