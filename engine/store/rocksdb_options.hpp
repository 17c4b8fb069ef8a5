/// What an operator may set of the store on disk, each default beside its reason; engine/config/schema.cpp bounds and
/// explains them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/time.hpp"
#include "engine/store/store_notice.hpp"

namespace rocksdb {
class Env;
}

namespace reveille {

enum class durability : std::uint8_t { process, disk };

struct rocksdb_settings {
  std::string path = "/var/lib/reveille";  ///< made if missing; one process at a time
  durability promise = durability::process;
  milliseconds sync_every{10};             ///< process: what a loss of power may take; 10 ms was free when measured
  milliseconds linger{1};                  ///< how long the first write of a batch waits for company: batches of
                                           ///< tens cost a third of single writes; 0 = not at all
  milliseconds behind_linger{50};          ///< the same of writes that nobody waits for (write_urgency::behind)
  std::size_t queue_limit = 16384;         ///< operations, rounded up to a power of two: 0.1 s of the peak rate
  std::size_t queue_bytes = std::size_t{64} << 20;     ///< of all that waits: parked INVITEs are up to 64 KiB each
  std::size_t memtable_bytes = std::size_t{32} << 20;  ///< small ones open fast after a crash (0.1 s at 16 MiB)
  std::size_t cache_bytes = std::size_t{64} << 20;     ///< of uncompressed blocks; residents are in memory anyway

  bool operator==(const rocksdb_settings&) const = default;
};

struct rocksdb_options : rocksdb_settings {
  milliseconds look_every{1000};   ///< at the files: are they still there
  store_listener tell;             ///< null: nobody
  rocksdb::Env* env = nullptr;     ///< tests: a disk that fails; null = the real one. Not owned
};

}  // namespace reveille
