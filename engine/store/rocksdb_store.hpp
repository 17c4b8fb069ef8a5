/// The embedded store: RocksDB, one writing thread that commits whatever is queued as one batch, one reading thread
/// that loads in batches, one thread that syncs the log (SPEC 9, ARCHITECTURE 3 "Durable first").
///
/// What `ok` promises: with durability::process that the write survives kill -9 of this process at any instant (the
/// kernel has it) and, `sync_every` later, a loss of power; with durability::disk that it survives both.
///
/// Threads: try_ operations from any shard's thread, without a lock; answers on the store's threads.
/// Errors: a disk that fails or is full makes writes answer ok = false at once until it recovers, which is tried
/// again and again with growing pauses; loads go on as long as the disk can be read (SPEC 9.1). The database is not
/// closed meanwhile: it holds in memory what could not be written.
#pragma once

#include "actors/ports/store.hpp"
#include "core/result.hpp"
#include "core/time.hpp"
#include "engine/store/rocksdb_options.hpp"
#include "engine/store/store_counters.hpp"
#include "engine/store/store_notice.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace reveille {

class rocksdb_store final : public store {
 public:
  /// Opens or makes the database; one whose disk takes no write is opened for reading, and failing() until it does.
  /// @param time outlives the store; its wall time tells which parked INVITEs still live, the others are removed.
  static result<std::unique_ptr<rocksdb_store>> open(const rocksdb_options& options, const clock& time);
  /// Performs and answers what is queued, syncs, closes. The inboxes must still be there.
  ~rocksdb_store() override;
  rocksdb_store(const rocksdb_store&) = delete;
  rocksdb_store& operator=(const rocksdb_store&) = delete;

  /// Names the inbox of a shard. Before that shard's first operation; not owned, must outlive the store.
  void answer_to(shard_id shard, store_answers& inbox);

  /// The AORs that had parked INVITEs whose deadline was not over when the store was opened, each once.
  const std::vector<aor>& resumable() const;

  /// By a filter in memory, 2 octets an AOR; false of everybody until what the database held when it was opened has
  /// been listed (a second per million AORs).
  bool surely_absent(const aor& of) const override;
  std::uint64_t stored_at_start() const override;
  bool try_load(shard_id from, aor_key key, const aor& of, store_token token) override;
  bool try_write(shard_id from, aor_key key, const aor& of, store_mutation change, store_token token) override;

  struct stored_bindings {
    aor of;
    std::string encoded;   ///< registration's own encoding
  };
  /// Up to `most` AORs behind `after` ("" = from the start) in the database's order; fewer are the last. Any thread.
  result<std::vector<stored_bindings>> bindings_after(const aor& after, std::size_t most) const;

  store_counters counters() const;  ///< any thread
  bool failing() const;             ///< any thread; true while writes are refused
  std::string trouble() const;      ///< any thread; why they are, "" when they are not
  std::string lost() const;         ///< any thread; what the log lacked when it was read, "" when nothing

 private:
  class impl;
  explicit rocksdb_store(std::unique_ptr<impl> made);
  std::unique_ptr<impl> impl_;
};

}  // namespace reveille
