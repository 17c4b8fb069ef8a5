#include "engine/store/record_reader.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "engine/store/rocksdb_batch.hpp"

namespace reveille {

namespace {
constexpr std::size_t load_batch_limit = 128;  ///< AORs of one MultiGet
}  // namespace

record_reader::record_reader(const shared_files& files, const clock& time, const answer_inboxes& inboxes)
    : files_(files), time_(time), inboxes_(inboxes), thread_([this] { run(); }) {}

void record_reader::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stops_ = true;
  }
  ready_.notify_one();
  thread_.join();
}

void record_reader::add_load(reader_task&& load) {
  {
    const std::lock_guard lock(mutex_);
    ++open_of_[load.key.value];
    open_.fetch_add(1, std::memory_order_release);
  }
  collected_.push_back(std::move(load));
}

bool record_reader::one_more_of(aor_key key) {
  const std::lock_guard lock(mutex_);
  const auto found = open_of_.find(key.value);
  if (found == open_of_.end()) return false;
  ++found->second;
  open_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

void record_reader::hand_over() {
  if (collected_.empty()) return;
  const std::lock_guard lock(mutex_);
  std::move(collected_.begin(), collected_.end(), std::back_inserter(tasks_));
  collected_.clear();
  ready_.notify_one();
}

void record_reader::run() {
  std::vector<reader_task> tasks;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      ready_.wait(lock, [this] { return !tasks_.empty() || stops_; });
      if (tasks_.empty()) return;
      tasks.swap(tasks_);
    }
    perform(tasks);
    tasks.clear();
  }
}

void record_reader::perform(const std::vector<reader_task>& tasks) {
  std::vector<const aor*> wanted;
  for (std::size_t done = 0; done < tasks.size();) {
    const std::size_t end = std::min(tasks.size(), done + load_batch_limit);
    wanted.clear();
    for (std::size_t i = done; i < end; ++i) {
      if (tasks[i].is_load) wanted.push_back(&tasks[i].of);
    }
    load_outcome read = files_.with([&](rocksdb_files* files) {
      return files != nullptr && !wanted.empty() ? load_records(*files, wanted) : load_outcome{};
    });
    counters_.corrupt.add(read.corrupt);
    read.records.resize(wanted.size(), failure("the store is not open"));
    const steady_time at = time_.now().steady;
    for (auto record = read.records.begin(); done < end; ++done) answer(tasks[done], record, at);
  }
}

void record_reader::answer(const reader_task& task,
                           std::vector<result<std::optional<subscriber_record>>>::iterator& record, steady_time at) {
  store_answers& to = inboxes_.of(task.from);
  if (task.is_load) {
    counters_.count(store_operation::load, record->has_value(), at - task.submitted);
    to.loaded(task.key, task.of, task.token, std::move(*record++));
  } else {
    to.written(task.key, task.of, task.token, task.ok);
  }
  forget(task.key);
}

void record_reader::forget(aor_key key) {
  const std::lock_guard lock(mutex_);
  const auto found = open_of_.find(key.value);
  if (--found->second == 0) open_of_.erase(found);
  open_.fetch_sub(1, std::memory_order_release);
}

}  // namespace reveille
