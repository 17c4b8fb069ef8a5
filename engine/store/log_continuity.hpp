/// Whether the log, as it was read when the store opened, holds every write that it should: RocksDB counts its writes,
/// so what is missing between two records, or behind the last one, has a number (SPEC 9.2). Pure.
#pragma once

#include "core/time.hpp"
#include "engine/store/acknowledged_mark.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace reveille {

struct log_loss {
  std::uint64_t writes = 0;        ///< acknowledged and not found
  std::optional<wall_time> after;  ///< between these two; nullopt: the log does not tell
  std::optional<wall_time> until;
  /// For a person: how many, since when.
  std::string text() const;
};

class log_continuity {
 public:
  /// @param mark what should be there; nullopt: nobody knows
  explicit log_continuity(std::optional<acknowledged> mark) : mark_(std::move(mark)) {}

  /// A record of the log, in its order. @param written when, if the record says it
  void record(std::uint64_t first, std::uint64_t count, std::optional<wall_time> written);
  /// All has been read. @param last the last write that the database knows
  log_loss end(std::uint64_t last) const;

 private:
  std::optional<acknowledged> mark_;
  std::optional<std::uint64_t> next_;
  std::optional<wall_time> last_time_;
  log_loss found_;
};

}  // namespace reveille
