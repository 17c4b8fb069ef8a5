/// Port: what outlives a crash (SPEC 9). Embedded RocksDB, memory (tests), later a Redis cluster.
///
/// Threads: a store serves every shard; each call comes from a home shard's thread, answers go to that shard through
/// store_answers, in any order between AORs but in order of submission for one AOR.
/// Errors: a write that fails or a store that is gone answers ok = false; nothing throws.
/// Bound: `try_` operations refuse when the queue is full; the caller counts and degrades (ARCHITECTURE 3, "The store failing").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/ids.hpp"
#include "core/result.hpp"
#include "core/time.hpp"

namespace reveille {

/// Correlates an operation with its answer, within one AOR; 0 = no answer wanted.
struct store_token {
  std::uint64_t value = 0;
  auto operator<=>(const store_token&) const = default;
};

/// One call in a push bucket (SPEC 4.1).
struct bucket_entry {
  call_ref call;
  std::string remote_uri;      ///< number, user@host or "anonymous"
  std::string display_name;
  wall_time date;
  wall_time deadline;
  bool over = false;           ///< the call has had its final response (also true 5 s after the deadline, SPEC 4.3)
  bool operator==(const bucket_entry&) const = default;
};

/// A parked INVITE, so that it may be resumed after a restart while its deadline lasts (SPEC 9).
struct parked_invite {
  call_ref call;
  std::string invite;          ///< all octets
  std::string source;          ///< flow, serialised by whoever wrote it
  wall_time arrived;
  wall_time deadline;
  bool operator==(const parked_invite&) const = default;
};

/// All that is kept of one AOR.
struct subscriber_record {
  std::string bindings;                  ///< registration's own encoding, versioned by its first octet
  std::vector<bucket_entry> bucket;      ///< ascending date
  std::vector<parked_invite> parked;
};

/// `behind`: nobody waits for it, so the store may keep it for company (tens of milliseconds, less than the crash of a
/// soft state costs): a fleet's refreshes then make few large commits instead of many small ones.
enum class write_urgency : std::uint8_t { now, behind };

/// Changes, each atomic; one AOR's are applied in order.
struct put_bindings {
  std::string encoded;                                   ///< empty = remove
  write_urgency urgency = write_urgency::now;
};
struct add_bucket_entry { bucket_entry entry; std::optional<parked_invite> invite; };
struct update_bucket_entry { bucket_entry entry; };      ///< same call_ref; absent = no change
struct remove_bucket_entries { std::vector<call_ref> calls; };
struct remove_parked { call_ref call; };
using store_mutation = std::variant<put_bindings, add_bucket_entry, update_bucket_entry, remove_bucket_entries,
                                    remove_parked>;

/// What became of one write.
struct written_answer {
  aor_key key;
  aor of;
  store_token token;
  bool ok = false;
};

/// Where answers go: the home shard's inbox. Called on the store's threads.
class store_answers {
 public:
  virtual ~store_answers() = default;
  virtual void loaded(aor_key key, const aor& of, store_token token, result<std::optional<subscriber_record>> record) = 0;
  virtual void written(aor_key key, const aor& of, store_token token, bool ok) = 0;
  /// The same for all writes of a commit, in their order: one hand-over instead of hundreds.
  virtual void all_written(std::vector<written_answer>&& batch) {
    for (const written_answer& w : batch) written(w.key, w.of, w.token, w.ok);
  }
};

class store {
 public:
  virtual ~store() = default;
  /// At once, without asking the disk: true only when nothing of this AOR is stored and no write of it has been
  /// submitted by this thread. So its load would bring nothing. False says nothing at all.
  virtual bool surely_absent(const aor& of) const {
    static_cast<void>(of);
    return false;
  }
  /// AORs that it found on its disk, as far as it has counted since it was opened; what was written since is not in it.
  virtual std::uint64_t stored_at_start() const { return 0; }
  /// Sees every write of that AOR submitted before it. @return false when the queue is full: nothing will be answered.
  virtual bool try_load(shard_id from, aor_key key, const aor& of, store_token token) = 0;
  /// @return false when the queue is full: nothing is written and nothing will be answered.
  virtual bool try_write(shard_id from, aor_key key, const aor& of, store_mutation change, store_token token) = 0;
};

}  // namespace reveille
