/// kill -9 at a random instant while two shards write: what was acknowledged is there after reopening (SPEC 9).
#include "core/random.hpp"
#include "engine/store/rocksdb_store.hpp"
#include "tests/crash/child_process.hpp"
#include "tests/engine/store/store_inbox.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

namespace reveille {
namespace {

using namespace store_testing;

constexpr std::size_t subscribers = 512;  ///< of each shard
constexpr std::uint16_t shards = 2;
constexpr int rounds = 8;

/// What the child has been promised, in memory that outlives it: per subscriber the last acknowledged version.
struct promises {
  std::atomic<std::uint64_t> bindings[shards][subscribers];
  std::atomic<std::uint64_t> entries[shards][subscribers];
  std::atomic<std::uint64_t> total;
};

aor name_of(std::uint16_t shard, std::size_t n) {
  return aor("u" + std::to_string(n) + "@s" + std::to_string(shard) + ".example");
}
/// The call of one version: so that a later version's entry cannot stand in for an earlier one's.
call_ref call_of(std::uint64_t version) {
  call_ref c;
  std::memcpy(c.bytes.data(), &version, sizeof version);
  return c;
}

class promise_keeper final : public store_answers {
 public:
  promise_keeper(promises& kept, std::uint16_t shard) : kept_(kept), shard_(shard) {}
  void loaded(aor_key, const aor&, store_token, result<std::optional<subscriber_record>>) override {}
  /// The token says which subscriber, what, and which version.
  void written(aor_key, const aor&, store_token token, bool ok) override {
    waiting.fetch_sub(1);
    if (!ok) return;
    const std::size_t subscriber = token.value % subscribers;
    const std::uint64_t version = token.value / (2 * subscribers);
    const bool entry = (token.value / subscribers) % 2 == 1;
    (entry ? kept_.entries : kept_.bindings)[shard_][subscriber].store(version);
    kept_.total.fetch_add(1);
  }
  std::atomic<int> waiting{0};

 private:
  promises& kept_;
  const std::uint16_t shard_;
};

/// Version `version` of a subscriber: its bindings say the number, and the bucket has got one more entry.
void write_version(rocksdb_store& store, promise_keeper& inbox, std::uint16_t shard, std::size_t n,
                   std::uint64_t version) {
  const aor of = name_of(shard, n);
  const std::uint64_t base = version * 2 * subscribers + n;
  bucket_entry entry = entry_number(1);
  entry.call = call_of(version);
  const std::string encoded = std::to_string(version) + std::string(n % 700, '.');
  inbox.waiting.fetch_add(1);
  if (!store.try_write(shard_id{shard}, key_of(of), of, put_bindings{encoded}, {base})) inbox.waiting.fetch_sub(1);
  inbox.waiting.fetch_add(1);
  if (!store.try_write(shard_id{shard}, key_of(of), of, add_bucket_entry{entry, std::nullopt}, {base + subscribers})) {
    inbox.waiting.fetch_sub(1);
  }
}

/// The child: writes until it is killed, at most 2000 writes ahead of what was acknowledged.
[[noreturn]] void write_for_ever(const rocksdb_options& options, promises& kept, std::uint64_t first_version) {
  const calendar time;
  auto store = rocksdb_store::open(options, time);
  if (!store) ::_exit(1);
  promise_keeper inboxes[shards] = {{kept, 0}, {kept, 1}};
  for (std::uint16_t s = 0; s < shards; ++s) (*store)->answer_to(shard_id{s}, inboxes[s]);
  const auto run = [&](std::uint16_t shard) {
    for (std::uint64_t version = first_version;; ++version) {
      for (std::size_t n = 0; n < subscribers; ++n) {
        while (inboxes[shard].waiting.load() > 2000) std::this_thread::yield();
        write_version(**store, inboxes[shard], shard, n, version);
      }
    }
  };
  std::thread other(run, std::uint16_t{1});
  run(0);
  ::_exit(2);
}

class StoreCrash : public ::testing::TestWithParam<durability> {
 protected:
  StoreCrash() {
    void* const memory = ::mmap(nullptr, sizeof(promises), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    kept_ = new (memory) promises{};
    options_.path = directory_.path();
    options_.promise = GetParam();
    options_.memtable_bytes = std::size_t{1} << 20;  // flushes and compactions in every round
    options_.linger = milliseconds(0);
  }
  ~StoreCrash() override { ::munmap(kept_, sizeof(promises)); }

  void check() {
    const calendar time;
    auto store = rocksdb_store::open(options_, time);
    ASSERT_TRUE(store) << store.error().what;
    EXPECT_EQ((*store)->lost(), "") << "a death is no damage";
    inbox answers;
    (*store)->answer_to(here, answers);
    std::size_t asked = 0;
    for (std::uint16_t s = 0; s < shards; ++s) {
      for (std::size_t n = 0; n < subscribers; ++n) {
        const aor of = name_of(s, n);
        ASSERT_TRUE((*store)->try_load(here, key_of(of), of, {asked++}));
      }
    }
    const auto loaded = answers.wait_for(asked);
    ASSERT_EQ(loaded.size(), asked);
    for (const auto& answer : loaded) {
      const auto shard = static_cast<std::uint16_t>(answer.token.value / subscribers);
      const std::size_t n = answer.token.value % subscribers;
      ASSERT_TRUE(answer.ok) << "a torn record must not make a subscriber unreadable";
      const std::uint64_t bindings = kept_->bindings[shard][n].load();
      const std::uint64_t entry = kept_->entries[shard][n].load();
      if (bindings == 0 && entry == 0) continue;
      ASSERT_TRUE(answer.record) << answer.of.str() << " was acknowledged and is gone";
      const std::string& found = answer.record->bindings;
      EXPECT_TRUE(bindings == 0 || std::stoull(found) >= bindings) << answer.of.str() << " went back to " << found;
      const bool there = std::any_of(answer.record->bucket.begin(), answer.record->bucket.end(),
                                     [&](const bucket_entry& e) { return e.call == call_of(entry); });
      EXPECT_TRUE(entry == 0 || there) << answer.of.str() << " lost the entry of version " << entry;
    }
  }

  scratch_directory directory_;
  rocksdb_options options_;
  promises* kept_ = nullptr;
};
INSTANTIATE_TEST_SUITE_P(Promise, StoreCrash, ::testing::Values(durability::process, durability::disk),
                         [](const auto& which) { return which.param == durability::disk ? "disk" : "process"; });

TEST_P(StoreCrash, KeepsWhatWasAcknowledgedWheneverItIsKilled) {
  seeded_random random(11);
  for (int round = 0; round < rounds; ++round) {
    const std::uint64_t before = kept_->total.load();
    // Somewhere after the first acknowledgements: in a write, a flush, a compaction, a sync.
    const std::uint64_t until = before + 1 + random.below(20000);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) write_for_ever(options_, *kept_, static_cast<std::uint64_t>(round) * 100000 + 1);
    while (kept_->total.load() < until && ::waitpid(child, nullptr, WNOHANG) == 0) std::this_thread::yield();
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    EXPECT_GT(kept_->total.load(), before) << "the child never wrote";
    ASSERT_TRUE(holds_in_child([this] { check(); })) << "after kill " << round;
  }
}

TEST_P(StoreCrash, OpensWithAHalfWrittenLastRecord) {
  const calendar time;
  const aor ann("ann@example.com"), bob("bob@example.com");
  // A child that dies without closing leaves its log as the only copy.
  ASSERT_TRUE(holds_in_child([&] {
    auto store = rocksdb_store::open(options_, time);
    ASSERT_TRUE(store) << store.error().what;
    inbox answers;
    (*store)->answer_to(here, answers);
    (*store)->try_write(here, key_of(ann), ann, put_bindings{"first"}, {1});
    answers.wait_for(1);
    (*store)->try_write(here, key_of(bob), bob, put_bindings{std::string(500, 'b')}, {2});
    answers.wait_for(2);
    ::_exit(0);
  }));
  std::filesystem::path newest;
  for (const auto& file : std::filesystem::directory_iterator(options_.path)) {
    if (file.path().extension() == ".log" && file.file_size() != 0) newest = file.path();
  }
  ASSERT_FALSE(newest.empty());
  std::filesystem::resize_file(newest, std::filesystem::file_size(newest) - 100);
  EXPECT_TRUE(holds_in_child([&] {
    auto store = rocksdb_store::open(options_, time);
    ASSERT_TRUE(store) << store.error().what;
    inbox answers;
    (*store)->answer_to(here, answers);
    (*store)->try_load(here, key_of(ann), ann, {1});
    (*store)->try_load(here, key_of(bob), bob, {2});
    const auto loaded = answers.wait_for(2);
    ASSERT_EQ(loaded.size(), 2U);
    ASSERT_TRUE(loaded[0].record);
    EXPECT_EQ(loaded[0].record->bindings, "first");
    EXPECT_FALSE(loaded[1].record) << "half a record is none";
  }));
}

}  // namespace
}  // namespace reveille
