/// A store on a bad day: slow, failing, and cut off by crashes. What it acknowledged it keeps.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "actors/ports/store.hpp"
#include "simulator/world/schedule.hpp"

namespace reveille::world {

struct store_faults {
  nanoseconds fastest = std::chrono::microseconds(100);
  nanoseconds slowest = std::chrono::milliseconds(30);
  double slow = 0.01;                                    ///< then up to a second
  double write_fails = 0.0;
  double load_fails = 0.0;
  double queue_full = 0.0;
};

class faulty_store final : public store {
 public:
  using sink = std::function<store_answers*(shard_id)>;   ///< null while the engine is down

  faulty_store(schedule& when, const store_faults& faults, sink answers)
      : when_(when), faults_(faults), answers_(std::move(answers)) {}

  bool try_load(shard_id from, aor_key key, const aor& of, store_token token) override;
  bool try_write(shard_id from, aor_key key, const aor& of, store_mutation change, store_token token) override;
  bool surely_absent(const aor& of) const override { return !listed_.contains(of.str()); }

  void calm() { faults_.slow = faults_.write_fails = faults_.load_fails = faults_.queue_full = 0; }
  /// The process died: writes that were not yet applied may or may not have made it, nobody hears of them.
  void crash();
  /// Names of those with a parked INVITE whose deadline is not over: a fresh process takes them up.
  std::vector<std::string> resumable(wall_time now) const;
  /// Whether the bucket entry of that call is on disk. @param user user part of an AOR of example.com
  bool holds(const std::string& user, const call_ref& call) const;

 private:
  nanoseconds delay();
  void keep(const std::string& name, const store_mutation& change);

  schedule& when_;
  store_faults faults_;
  sink answers_;
  std::map<std::string, subscriber_record> records_;
  std::set<std::string> listed_;       ///< every AOR written, from the moment its first write is submitted
  std::uint64_t generation_ = 0;
};

}  // namespace reveille::world
