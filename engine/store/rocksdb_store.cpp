#include "engine/store/rocksdb_store.hpp"

#include "core/buckets.hpp"
#include "core/system_ports.hpp"
#include "engine/store/answer_inboxes.hpp"
#include "engine/store/bindings_page.hpp"
#include "engine/store/wake_signal.hpp"
#include "engine/store/known_aors.hpp"
#include "engine/store/log_syncer.hpp"
#include "engine/store/mutations.hpp"
#include "engine/store/operation_counters.hpp"
#include "engine/store/operation_ring.hpp"
#include "engine/store/queued_operation.hpp"
#include "engine/store/record_reader.hpp"
#include "engine/store/rocksdb_batch.hpp"
#include "engine/store/shared_files.hpp"
#include "engine/store/store_recovery.hpp"
#include "engine/store/store_watch.hpp"
#include "engine/store/store_words.hpp"

#include <array>
#include <atomic>
#include <thread>
#include <utility>

namespace reveille {
namespace {

constexpr std::size_t batch_limit = 1024;      ///< operations of one commit: more gain nothing and delay answers
constexpr std::size_t batch_bytes = std::size_t{4} << 20;  ///< the same in octets: RocksDB copies them twice
constexpr std::size_t enough_company = 64;     ///< waiting operations that make lingering pointless
constexpr std::size_t enough_behind = 512;     ///< the same of writes that nobody waits for
constexpr std::chrono::milliseconds first_retry{100};  ///< after the disk failed; doubled up to
constexpr std::chrono::seconds longest_retry{5};
constexpr std::size_t opening_steps = 4;       ///< of the list of known AORs: three empty families, or not empty at all
constexpr std::chrono::hours nothing_due{1};  ///< how long an idle thread sleeps unless it is rung

bool waits_behind(const store_mutation& change) {
  const auto* bindings = std::get_if<put_bindings>(&change);
  return bindings != nullptr && bindings->urgency == write_urgency::behind;
}

store_operation kind_of(const queued_operation& op) {
  if (op.is_load) return store_operation::load;
  if (const auto* bindings = std::get_if<put_bindings>(&op.change)) {
    return bindings->encoded.empty() ? store_operation::remove : store_operation::upsert;
  }
  if (std::holds_alternative<add_bucket_entry>(op.change) || std::holds_alternative<update_bucket_entry>(op.change)) {
    return store_operation::bucket_append;
  }
  return store_operation::bucket_drain;
}

/// Of this process; an adversary cannot guess it, so cannot choose AORs that look alike.
hash_key key_of_process() {
  system_random random;
  const std::uint64_t first = random.next();
  return {first, random.next()};
}

}  // namespace

class rocksdb_store::impl {
 public:
  impl(const rocksdb_options& options, const clock& time, std::unique_ptr<rocksdb_files> files, parked_scan scan)
      : options_(options),
        time_(time),
        ring_(options.queue_limit),
        known_(key_of_process()),
        files_(std::move(files)),
        words_(options.path, options.tell),
        resumable_(std::move(scan.living)),
        reader_(files_, time, inboxes_) {
    writing_.corrupt.add(scan.corrupt);
    note_loss();
    if (files_.mine()->read_only()) disk_failed(now(), files_.mine()->read_only_because());
  }

  /// Not in the constructor: should the system refuse a thread, the others are stopped by the destructor.
  void start_threads() {
    auto known = known_aors::progress::more;
    for (std::size_t i = 0; i < opening_steps && known == known_aors::progress::more; ++i) {
      known = known_.read_some(*files_.mine());
    }
    if (known == known_aors::progress::more) lister_ = std::thread([this] { list_aors(); });
    if (options_.promise == durability::process) {
      syncer_.emplace(files_, time_, options_.sync_every, failing_, [this] { wake_.ring(); });
    }
    writer_ = std::thread([this] { write_until_stopped(); });
    watch_.emplace(options_.look_every, [this](store_watch::look which) { look_around(which); });
  }

  ~impl() {
    watch_.reset();
    stopping_.store(true);
    if (lister_.joinable()) lister_.join();
    wake_.ring();
    linger_.ring();
    if (writer_.joinable()) writer_.join();
    reader_.stop();
    syncer_.reset();
    // Best effort: the kernel has it all in any case.
    rocksdb_files* files = files_.mine();
    if (files != nullptr && !failing()) files->sync_log(time_).PermitUncheckedError();
  }

  void answer_to(shard_id shard, store_answers& inbox) { inboxes_.name(shard, inbox); }

  template <class Fill>
  bool submit(std::size_t bytes, write_urgency urgency, Fill&& fill) {
    if (queued_bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes > options_.queue_bytes ||
        !ring_.try_push(std::forward<Fill>(fill))) {
      queued_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
      queue_full_.fetch_add(1, std::memory_order_relaxed);
      return false;
    }
    if (urgency == write_urgency::now) {
      urgent_.fetch_add(1, std::memory_order_release);
      wake_.ring();
    } else if (!behind_known_.exchange(true, std::memory_order_acq_rel) || ring_.size() >= enough_behind) {
      wake_.ring();  // the first of a batch, so that its time is known; the last, so that it begins
    }
    return true;
  }

  const std::vector<aor>& resumable() const { return resumable_; }
  known_aors& known() { return known_; }
  result<std::vector<rocksdb_store::stored_bindings>> bindings_after(std::string_view after, std::size_t most) {
    return files_.with([&](rocksdb_files* files) -> result<std::vector<rocksdb_store::stored_bindings>> {
      if (files == nullptr) return failure("the database is closed");
      return read_bindings_page(*files, after, most);
    });
  }
  bool failing() const { return failing_.load(std::memory_order_relaxed); }
  const store_words& words() const { return words_; }
  bool reads_are_late() const { return reader_.waiting() >= options_.queue_limit; }
  void refuse_one() { queue_full_.fetch_add(1, std::memory_order_relaxed); }
  steady_time now() const { return time_.now().steady; }
  store_counters counters() const;

 private:
  // --- the writing thread
  void write_until_stopped();
  bool may_wait(steady_time at);
  void commit(std::size_t count);
  rocksdb::Status write_batch();
  void answer(std::size_t count, bool committed);
  void disk_failed(steady_time at, const std::string& error);
  void look_for_trouble(steady_time at);
  void try_to_recover(steady_time at);
  bool sync_failed() const { return syncer_ && syncer_->failed(); }
  // --- the listing thread
  void list_aors();
  // --- the watching thread
  void look_around(store_watch::look which);
  // --- any
  void note_loss();

  const rocksdb_options options_;
  const clock& time_;
  answer_inboxes inboxes_;

  operation_ring<queued_operation> ring_;
  wake_signal wake_;
  wake_signal linger_;  ///< rung only to stop
  std::atomic<std::size_t> queued_bytes_{0};
  std::atomic<std::uint64_t> queue_full_{0};
  std::atomic<bool> stopping_{false};
  std::atomic<std::size_t> urgent_{0};     ///< operations submitted so far that somebody waits for
  std::atomic<bool> behind_known_{false};  ///< the writer knows that there is one which nobody waits for

  known_aors known_;
  shared_files files_;  ///< reopened by the writing thread alone

  // The writing thread's.
  std::size_t urgent_done_ = 0;                ///< ahead of urgent_ while a producer has yet to count
  std::optional<steady_time> behind_since_;    ///< only such operations wait, since then
  commit_batch batch_;
  std::array<bool, batch_limit> accepted_{};
  std::vector<std::vector<written_answer>> answers_;  ///< of this commit, by shard
  steady_time retry_at_{};
  nanoseconds retry_pause_{first_retry};
  operation_counters writing_;
  slot commits_, write_failures_, missing_files_, recoveries_, lost_writes_;
  histogram_slot batch_items_{buckets::batch};
  std::atomic<bool> failing_{false};

  store_words words_;
  std::atomic<bool> missing_{false};  ///< the watching thread has found that files are

  const std::vector<aor> resumable_;
  record_reader reader_;
  std::optional<log_syncer> syncer_;  ///< durability::process
  std::thread writer_;
  std::thread lister_;  ///< ends by itself
  std::optional<store_watch> watch_;
};

void rocksdb_store::impl::write_until_stopped() {
  for (;;) {
    const bool failing = failing_.load(std::memory_order_relaxed);
    const steady_time until = failing ? retry_at_ : now() + nothing_due;
    wake_.sleep_until(behind_since_ ? std::min(until, *behind_since_ + options_.behind_linger) : until, [this] {
      return (ring_.peek(0) != nullptr && !(behind_since_ && may_wait(now()))) || stopping_.load() ||
             ((sync_failed() || missing_.load()) && !failing_.load());
    });
    const steady_time at = now();
    look_for_trouble(at);
    if (failing_.load(std::memory_order_relaxed) && at >= retry_at_) try_to_recover(at);
    if (ring_.peek(0) == nullptr) {
      if (stopping_.load()) return;
      continue;
    }
    if (!behind_since_) behind_since_ = at;
    if (may_wait(at)) continue;
    behind_since_.reset();
    if (ring_.size() < enough_company && options_.linger.count() > 0 && !stopping_.load()) {
      linger_.sleep_until(now() + options_.linger, [this] { return stopping_.load(); });
    }
    std::size_t count = 0;
    for (std::size_t bytes = 0; count < batch_limit && bytes < batch_bytes && ring_.peek(count) != nullptr; ++count) {
      bytes += ring_.peek(count)->bytes;
    }
    commit(count);
    behind_known_.exchange(false, std::memory_order_acq_rel);  // before the next look into the ring
  }
}

/// All that waits is written behind, is not yet much, and has not waited long.
bool rocksdb_store::impl::may_wait(steady_time at) {
  const auto uncounted = static_cast<std::intptr_t>(urgent_.load(std::memory_order_acquire) - urgent_done_);
  return uncounted <= 0 && ring_.size() < enough_behind && at < *behind_since_ + options_.behind_linger &&
         !stopping_.load();
}

/// Writes in one batch, then answers, in the order of submission. Loads go to the reader after the commit, so that
/// they see every write before them.
void rocksdb_store::impl::commit(std::size_t count) {
  const bool usable = !failing_.load(std::memory_order_relaxed);
  std::size_t writes = 0;
  if (usable) batch_.clear(*files_.mine(), time_.now().wall);
  for (std::size_t i = 0; i < count; ++i) {
    const queued_operation& op = *ring_.peek(i);
    if (op.is_load || !waits_behind(op.change)) ++urgent_done_;
    if (op.is_load) continue;
    ++writes;
    accepted_[i] = usable && batch_.add(op.of.view(), op.change);
  }
  bool committed = usable;
  if (usable && writes != 0) {
    const rocksdb::Status status = write_batch();
    committed = status.ok();
    if (!committed) {
      write_failures_.add();
      disk_failed(now(), status.ToString());
    }
    commits_.add();
    batch_items_.observe(static_cast<double>(writes));
  }
  answer(count, committed);
  ring_.release(count);
}

/// One hand-over a shard, then one to the reader: what a load follows in its AOR's order is answered before it.
void rocksdb_store::impl::answer(std::size_t count, bool committed) {
  const steady_time at = now();
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < count; ++i) {
    queued_operation& op = *ring_.peek(i);
    bytes += op.bytes;
    if (op.is_load) {
      reader_.add_load({true, true, op.from, op.key, std::move(op.of), op.token, op.submitted});
      continue;
    }
    const bool ok = committed && accepted_[i];
    writing_.count(kind_of(op), ok, at - op.submitted);
    if (op.token.value == 0) {
      op.forget();
      continue;
    }
    const bool behind_a_load = reader_.add_answer_behind_load(op.key, [&] {
      return reader_task{false, ok, op.from, op.key, std::move(op.of), op.token, op.submitted};
    });
    if (!behind_a_load) {
      if (answers_.size() <= op.from.value) answers_.resize(op.from.value + std::size_t{1});
      answers_[op.from.value].push_back({op.key, std::move(op.of), op.token, ok});
    }
    op.forget();
  }
  queued_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  for (std::size_t shard = 0; shard < answers_.size(); ++shard) {
    if (answers_[shard].empty()) continue;
    inboxes_.of({static_cast<std::uint16_t>(shard)}).all_written(std::exchange(answers_[shard], {}));
  }
  reader_.hand_over();
}

rocksdb::Status rocksdb_store::impl::write_batch() {
  rocksdb::WriteOptions how;
  how.sync = options_.promise == durability::disk;
  rocksdb_files& files = *files_.mine();
  rocksdb::Status status = files.db().Write(how, &batch_.batch());
  if (!status.ok()) return status;
  files.committed();
  if (syncer_) {
    syncer_->wanted();
  } else {
    files.mark(time_);
  }
  return status;
}

void rocksdb_store::impl::disk_failed(steady_time at, const std::string& error) {
  if (!failing_.load()) retry_pause_ = first_retry;
  retry_at_ = at + retry_pause_;
  words_.refused(error, at);
  failing_.store(true);  // last: whoever sees it can read why
}

/// What other threads have noticed.
void rocksdb_store::impl::look_for_trouble(steady_time at) {
  if (failing()) return;
  if (sync_failed()) {
    disk_failed(at, syncer_->error());
  } else if (missing_.exchange(false)) {
    const auto still = files_.mine()->missing(true);  // a recovery may have come between
    if (!still) return;
    missing_files_.add();
    disk_failed(at, still->text);
  }
}

void rocksdb_store::impl::try_to_recover(steady_time at) {
  const rocksdb_files* before = files_.mine();
  const std::optional<std::string> refused = recover(files_, options_, time_);
  const rocksdb_files* after = files_.mine();
  if (after != nullptr && after != before) note_loss();
  if (refused) {
    retry_pause_ = std::min<nanoseconds>(retry_pause_ * 2, longest_retry);
    disk_failed(at, *refused);
    return;
  }
  if (syncer_) syncer_->forget_failure();
  missing_.store(false);
  words_.recovered(now());
  failing_.store(false);
  recoveries_.add();
}

void rocksdb_store::impl::look_around(store_watch::look which) {
  words_.queue(queue_full_.load(std::memory_order_relaxed), now());
  if (failing()) return;  // the attempts to recover look too
  const bool missing = files_.with([&](const rocksdb_files* files) {
    return files != nullptr && files->missing(which == store_watch::look::thorough).has_value();
  });
  if (!missing) return;
  missing_.store(true);
  wake_.ring();
}

void rocksdb_store::impl::note_loss() {
  const log_loss& loss = files_.mine()->loss();
  if (words_.lost(loss)) lost_writes_.add(loss.writes);
}

/// When it cannot be read to its end, nobody is surely absent until the next start: everybody is looked for in the
/// database, which says what is wrong.
void rocksdb_store::impl::list_aors() {
  let_others_go_first();  // calls
  auto known = known_aors::progress::more;
  while (known == known_aors::progress::more && !stopping_.load(std::memory_order_relaxed)) {
    known = files_.with([this](rocksdb_files* files) {
      return files != nullptr ? known_.read_some(*files) : known_aors::progress::unreadable;
    });
  }
}

store_counters rocksdb_store::impl::counters() const {
  store_counters sum;
  writing_.add_to(sum);
  reader_.add_to(sum);
  sum.batch_items = batch_items_.values();
  sum.commits = commits_.value();
  sum.queue_full = queue_full_.load(std::memory_order_relaxed);
  sum.write_failures = write_failures_.value();
  sum.sync_failures = syncer_ ? syncer_->failures() : 0;
  sum.missing_files = missing_files_.value();
  sum.recoveries = recoveries_.value();
  sum.lost_writes = lost_writes_.value();
  sum.queue_length = ring_.size();
  sum.queue_bytes = queued_bytes_.load(std::memory_order_relaxed);
  sum.failing = failing();
  sum.aors_listed = known_.complete();
  sum.aor_filter_bytes = known_.bytes();
  return sum;
}

rocksdb_store::rocksdb_store(std::unique_ptr<impl> made) : impl_(std::move(made)) {}
rocksdb_store::~rocksdb_store() = default;

result<std::unique_ptr<rocksdb_store>> rocksdb_store::open(const rocksdb_options& options, const clock& time) {
  auto files = rocksdb_files::open(options, time);
  if (!files) return tl::unexpected(files.error());
  auto scan = scan_parked(**files, time.now().wall);
  if (!scan) return tl::unexpected(scan.error());
  auto made = std::make_unique<impl>(options, time, std::move(*files), std::move(*scan));
  made->start_threads();
  return std::unique_ptr<rocksdb_store>(new rocksdb_store(std::move(made)));
}

void rocksdb_store::answer_to(shard_id shard, store_answers& inbox) {
  impl_->answer_to(shard, inbox);
}
result<std::vector<rocksdb_store::stored_bindings>> rocksdb_store::bindings_after(const aor& after, std::size_t most) const {
  return impl_->bindings_after(after.view(), most);
}

const std::vector<aor>& rocksdb_store::resumable() const {
  return impl_->resumable();
}
store_counters rocksdb_store::counters() const {
  return impl_->counters();
}
bool rocksdb_store::failing() const {
  return impl_->failing();
}
std::string rocksdb_store::trouble() const {
  return impl_->words().trouble();
}
std::string rocksdb_store::lost() const {
  return impl_->words().lost();
}

bool rocksdb_store::surely_absent(const aor& of) const {
  return impl_->known().surely_absent(of.view());
}

std::uint64_t rocksdb_store::stored_at_start() const {
  return impl_->known().found();
}

bool rocksdb_store::try_load(shard_id from, aor_key key, const aor& of, store_token token) {
  if (impl_->reads_are_late()) {  // the queue's own bound ends where the reader's begins
    impl_->refuse_one();
    return false;
  }
  return impl_->submit(of.view().size(), write_urgency::now, [&](queued_operation& op) noexcept {
    op.is_load = true;
    op.from = from;
    op.key = key;
    op.of = of;
    op.bytes = of.view().size();
    op.token = token;
    op.submitted = impl_->now();
  });
}

bool rocksdb_store::try_write(shard_id from, aor_key key, const aor& of, store_mutation change, store_token token) {
  const std::size_t bytes = of.view().size() + bytes_of(change);
  const write_urgency urgency = waits_behind(change) ? write_urgency::behind : write_urgency::now;
  impl_->known().add(of.view());
  return impl_->submit(bytes, urgency, [&](queued_operation& op) noexcept {
    op.is_load = false;
    op.from = from;
    op.key = key;
    op.of = of;
    op.change = std::move(change);
    op.bytes = bytes;
    op.token = token;
    op.submitted = impl_->now();
  });
}

}  // namespace reveille
