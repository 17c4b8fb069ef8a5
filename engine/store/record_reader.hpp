/// Loads records, many with one read, on a thread of its own; and answers those writes that must not overtake a load of
/// the same AOR.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/store/answer_inboxes.hpp"
#include "engine/store/operation_counters.hpp"
#include "engine/store/shared_files.hpp"

namespace reveille {

/// What the reader does, in order.
struct reader_task {
  bool is_load = true;  ///< false: the answer to a write
  bool ok = true;
  shard_id from;
  aor_key key;
  aor of;
  store_token token;
  steady_time submitted;
};

/// Threads: add_ and hand_over from the writing thread, counters from any.
class record_reader {
 public:
  record_reader(const shared_files& files, const clock& time, const answer_inboxes& inboxes);
  ~record_reader() { stop(); }
  record_reader(const record_reader&) = delete;
  record_reader& operator=(const record_reader&) = delete;

  /// For the next hand_over(), behind which the load sees every write before it.
  void add_load(reader_task&& load);
  /// The answer to a write, if a load of its AOR is not answered yet: it goes the same way, behind it.
  /// @return false when there is no such load, and nothing was added
  template <class Answer>
  bool add_answer_behind_load(aor_key key, Answer&& answer) {
    if (open_.load(std::memory_order_acquire) == 0 || !one_more_of(key)) return false;
    collected_.push_back(std::forward<Answer>(answer)());
    return true;
  }
  void hand_over();

  /// Performs what was handed over, and ends.
  void stop();

  /// Loads, and writes behind them, that are not answered yet. Any thread.
  std::size_t waiting() const { return open_.load(std::memory_order_relaxed); }

  void add_to(store_counters& sum) const { counters_.add_to(sum); }

 private:
  bool one_more_of(aor_key key);
  void run();
  void perform(const std::vector<reader_task>& tasks);
  void answer(const reader_task& task, std::vector<result<std::optional<subscriber_record>>>::iterator& record,
              steady_time at);
  void forget(aor_key key);

  const shared_files& files_;
  const clock& time_;
  const answer_inboxes& inboxes_;
  std::vector<reader_task> collected_;  ///< the writing thread's
  std::mutex mutex_;
  std::condition_variable ready_;
  std::vector<reader_task> tasks_;
  std::unordered_map<std::uint64_t, std::uint32_t> open_of_;  ///< tasks per AOR that are not answered
  std::atomic<std::size_t> open_{0};                          ///< of all AORs
  bool stops_ = false;
  operation_counters counters_;
  std::thread thread_;  ///< last: it uses all above
};

}  // namespace reveille
