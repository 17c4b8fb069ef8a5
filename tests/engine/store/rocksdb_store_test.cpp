#include "engine/store/rocksdb_store.hpp"

#include "core/random.hpp"
#include "engine/store/mutations.hpp"
#include "engine/store/record_codec.hpp"
#include "engine/store/rocksdb_files.hpp"
#include "tests/engine/store/store_inbox.hpp"

#include <gtest/gtest.h>
#include <malloc.h>

#include <atomic>
#include <fstream>
#include <thread>

namespace reveille {
namespace {

using namespace store_testing;
const aor ann("ann@example.com");
const aor bob("bob@example.com");

class RocksdbStore : public ::testing::TestWithParam<durability> {
 protected:
  RocksdbStore() { open(); }
  void open(std::int64_t now = 0) {
    store_.reset();
    rocksdb_options options;
    options.path = directory_.path() + "/store";
    options.promise = GetParam();
    options.linger = milliseconds(0);
    options.memtable_bytes = std::size_t{4} << 20;
    calendar_.today = at(now);
    auto opened = rocksdb_store::open(options, calendar_);
    ASSERT_TRUE(opened) << opened.error().what;
    store_ = std::move(*opened);
    store_->answer_to(here, answers_);
  }
  void write(const aor& of, store_mutation change) {
    ASSERT_TRUE(store_->try_write(here, key_of(of), of, std::move(change), {++submitted_}));
  }
  void load(const aor& of) { ASSERT_TRUE(store_->try_load(here, key_of(of), of, {++submitted_})); }
  std::optional<subscriber_record> loaded(const aor& of) {
    load(of);
    const auto answers = answers_.wait_for(submitted_);
    EXPECT_EQ(answers.size(), submitted_);
    EXPECT_TRUE(answers.back().ok);
    return answers.back().record;
  }
  rocksdb_options options_for_files() const {
    rocksdb_options options;
    options.path = directory_.path() + "/store";
    return options;
  }

  scratch_directory directory_;
  calendar calendar_;
  inbox answers_;
  std::uint64_t submitted_ = 0;
  std::unique_ptr<rocksdb_store> store_;
};
INSTANTIATE_TEST_SUITE_P(Promise, RocksdbStore, ::testing::Values(durability::process, durability::disk),
                         [](const auto& which) { return which.param == durability::disk ? "disk" : "process"; });

TEST_P(RocksdbStore, KnowsNobodyAtFirst) {
  EXPECT_FALSE(loaded(ann));
}

TEST_P(RocksdbStore, ReadsBackAllParts) {
  write(ann, put_bindings{"ann's bindings"});
  write(ann, add_bucket_entry{entry_number(2), invite_number(2)});
  write(ann, add_bucket_entry{entry_number(1), std::nullopt});
  const auto record = loaded(ann);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->bindings, "ann's bindings");
  EXPECT_EQ(record->bucket, (std::vector{entry_number(1), entry_number(2)}));
  EXPECT_EQ(record->parked, std::vector{invite_number(2)});
}

TEST_P(RocksdbStore, GivesAllBindingsAPageAtATime) {
  for (int i = 0; i < 25; ++i) write(aor("user" + std::to_string(i) + "@example.com"), put_bindings{"b" + std::to_string(i)});
  write(ann, add_bucket_entry{entry_number(1), std::nullopt});  // no bindings: not among them
  answers_.wait_for(submitted_);
  std::map<std::string, std::string> seen;
  aor last;
  for (std::size_t size = 10; size == 10;) {
    const auto page = store_->bindings_after(last, 10);
    ASSERT_TRUE(page) << page.error().what;
    size = page->size();
    for (const auto& s : *page) EXPECT_TRUE(seen.emplace(s.of.str(), s.encoded).second) << s.of.str() << " twice";
    if (size > 0) last = page->back().of;
  }
  EXPECT_EQ(seen.size(), 25U);
  EXPECT_EQ(seen["user7@example.com"], "b7");
}

TEST_P(RocksdbStore, KeepsAorsApartWhoseNamesBeginAlike) {
  const aor shorter("ann@x"), longer("ann@x.example");
  write(shorter, add_bucket_entry{entry_number(1), std::nullopt});
  write(longer, add_bucket_entry{entry_number(2), std::nullopt});
  EXPECT_EQ(loaded(shorter)->bucket, std::vector{entry_number(1)});
  EXPECT_EQ(loaded(longer)->bucket, std::vector{entry_number(2)});
}

TEST_P(RocksdbStore, ShowsALoadEveryWriteBeforeIt) {
  for (int round = 0; round < 200; ++round) {
    write(ann, put_bindings{std::to_string(round)});
    load(ann);
  }
  const auto answers = answers_.wait_for(submitted_);
  ASSERT_EQ(answers.size(), submitted_);
  int round = 0;
  for (const auto& answer : answers) {
    if (!answer.was_load) continue;
    EXPECT_GE(std::stoi(answer.record->bindings), round++);
  }
}

TEST_P(RocksdbStore, AnswersOneAorInOrderOfSubmission) {
  for (int round = 0; round < 300; ++round) {
    load(ann);
    write(ann, put_bindings{"b"});
    write(bob, put_bindings{"b"});
  }
  const auto answers = answers_.wait_for(submitted_);
  ASSERT_EQ(answers.size(), submitted_);
  store_token last{};
  for (const auto& answer : answers) {
    if (answer.of != ann) continue;
    EXPECT_LT(last, answer.token);
    last = answer.token;
  }
}

TEST_P(RocksdbStore, KeepsEverythingOverAnOpening) {
  write(ann, put_bindings{"b"});
  write(ann, add_bucket_entry{entry_number(1), invite_number(1)});
  answers_.wait_for(submitted_);
  open();
  const auto record = loaded(ann);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->bindings, "b");
  EXPECT_EQ(record->bucket.size(), 1U);
}

TEST_P(RocksdbStore, CallsNobodySurelyAbsentOfWhomAnythingIsStoredOrQueued) {
  EXPECT_TRUE(store_->surely_absent(ann));
  write(ann, put_bindings{"phone"});
  EXPECT_FALSE(store_->surely_absent(ann));
  EXPECT_TRUE(store_->surely_absent(bob));
  write(bob, add_bucket_entry{entry_number(1), std::nullopt});
  answers_.wait_for(submitted_);

  open();
  while (!store_->counters().aors_listed) std::this_thread::yield();
  EXPECT_FALSE(store_->surely_absent(ann));
  EXPECT_FALSE(store_->surely_absent(bob));
  EXPECT_TRUE(store_->surely_absent(aor("carol@example.com")));
  EXPECT_EQ(store_->stored_at_start(), 1U) << "Bob has no registration";
}

TEST_P(RocksdbStore, ListsMoreAorsThanOneStepReads) {
  constexpr int many = 10000;
  for (int i = 0; i < many; ++i) {
    write(aor(std::to_string(i) + "@example.com"), put_bindings{"phone"});
    if (i % 1000 == 0) answers_.wait_for(submitted_);
  }
  answers_.wait_for(submitted_);
  open();
  while (!store_->counters().aors_listed) std::this_thread::yield();
  for (int i = 0; i < many; ++i) ASSERT_FALSE(store_->surely_absent(aor(std::to_string(i) + "@example.com"))) << i;
  EXPECT_EQ(store_->stored_at_start(), static_cast<std::uint64_t>(many)) << "none twice where one step ends";
}

TEST_P(RocksdbStore, PerformsWhatIsQueuedBeforeItCloses) {
  for (int i = 0; i < 500; ++i) write(aor("u" + std::to_string(i) + "@example.com"), put_bindings{"b"});
  open();
  EXPECT_EQ(answers_.count(), 500U);
  EXPECT_TRUE(loaded(aor("u499@example.com")));
}

TEST_P(RocksdbStore, ListsTheSubscribersWhoseParkedCallsStillLive) {
  write(ann, add_bucket_entry{entry_number(1), invite_number(1, 2000)});
  write(ann, add_bucket_entry{entry_number(2), invite_number(2, 2000)});
  write(bob, add_bucket_entry{entry_number(3), invite_number(3, 1000)});
  answers_.wait_for(submitted_);
  open(1500);
  EXPECT_EQ(store_->resumable(), std::vector{ann});
  const auto record = loaded(bob);
  ASSERT_TRUE(record);
  EXPECT_TRUE(record->parked.empty()) << "its deadline is over";
  EXPECT_EQ(record->bucket.size(), 1U) << "the missed call must still be told";
}

TEST_P(RocksdbStore, AnswersNobodyWhenNoAnswerIsWanted) {
  ASSERT_TRUE(store_->try_write(here, key_of(ann), ann, put_bindings{"b"}, {}));
  EXPECT_EQ(loaded(ann)->bindings, "b");
  EXPECT_EQ(answers_.count(), 1U);
}

TEST_P(RocksdbStore, RefusesAnAorThatIsTooLongWithoutHarmToOthers) {
  const aor giant(std::string(record_codec::aor_limit + 1, 'a'));
  write(giant, put_bindings{"b"});
  write(ann, put_bindings{"b"});
  load(giant);
  const auto answers = answers_.wait_for(3);
  ASSERT_EQ(answers.size(), 3U);
  EXPECT_FALSE(answers[0].ok);
  EXPECT_TRUE(answers[1].ok);
  EXPECT_FALSE(answers[2].record);
}

TEST_P(RocksdbStore, FailsTheLoadOfACorruptValueAndCountsIt) {
  write(ann, put_bindings{"b"});
  write(bob, add_bucket_entry{entry_number(1), std::nullopt});
  answers_.wait_for(submitted_);
  store_.reset();
  {
    auto files = rocksdb_files::open(options_for_files(), calendar_);
    ASSERT_TRUE(files);
    std::string bindings_key, entry_key;
    record_codec::append_key(bindings_key, ann.view());
    record_codec::append_key(entry_key, bob.view(), call_number(1));
    (*files)->db().Put({}, (*files)->bindings(), bindings_key, "\7not of this world");
    (*files)->db().Put({}, (*files)->bucket(), entry_key, "\1half");
  }
  open();
  load(ann);
  load(bob);
  load(aor("carol@example.com"));
  const auto answers = answers_.wait_for(submitted_);
  ASSERT_EQ(answers.size(), submitted_);
  EXPECT_FALSE(answers[submitted_ - 3].ok);
  EXPECT_FALSE(answers[submitted_ - 2].ok);
  EXPECT_TRUE(answers[submitted_ - 1].ok);
  EXPECT_EQ(store_->counters().corrupt_values, 2U);
}

TEST_P(RocksdbStore, DoesAsTheMemoryOfItDoes) {
  seeded_random random(7);
  std::map<aor, subscriber_record> model;
  const auto random_change = [&]() -> store_mutation {
    const auto n = static_cast<std::uint8_t>(random.below(6));
    bucket_entry entry = entry_number(n);
    entry.over = random.below(2) == 0;
    switch (random.below(5)) {
      case 0: return put_bindings{random.below(3) == 0 ? "" : std::to_string(random.next())};
      case 1: return add_bucket_entry{entry, random.below(2) == 0 ? std::optional(invite_number(n)) : std::nullopt};
      case 2: return update_bucket_entry{entry};
      case 3: return remove_bucket_entries{{call_number(n), call_number(static_cast<std::uint8_t>(n + 1))}};
      default: return remove_parked{call_number(n)};
    }
  };
  for (int step = 0; step < 3000; ++step) {
    const aor of("u" + std::to_string(random.below(20)) + "@example.com");
    const store_mutation change = random_change();
    apply(model[of], change);
    write(of, change);
    if (step % 1000 == 500) open();
  }
  for (const auto& [of, record] : model) {
    const subscriber_record found = loaded(of).value_or(subscriber_record{});
    EXPECT_EQ(found.bindings, record.bindings);
    EXPECT_EQ(found.bucket, record.bucket);
    EXPECT_EQ(found.parked, record.parked);
  }
}

TEST_P(RocksdbStore, TellsASecondProcessThatItIsInUse) {
  const auto second = rocksdb_store::open(options_for_files(), calendar_);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().what.find(directory_.path()), std::string::npos);
}

TEST(RocksdbStoreQueue, RefusesWhatIsOverItsBoundsAndCounts) {
  scratch_directory directory;
  inbox answers;
  rocksdb_options options;
  options.path = directory.path();
  options.queue_bytes = 1000;
  const calendar time;
  auto store = rocksdb_store::open(options, time);
  ASSERT_TRUE(store);
  (*store)->answer_to(here, answers);
  EXPECT_FALSE((*store)->try_write(here, key_of(ann), ann, put_bindings{std::string(2000, 'x')}, {1}));
  EXPECT_EQ((*store)->counters().queue_full, 1U);
  EXPECT_TRUE((*store)->try_write(here, key_of(ann), ann, put_bindings{"x"}, {2}));
  EXPECT_EQ(answers.wait_for(1).size(), 1U);
}

/// A store that keeps what is written behind for `behind_linger`.
class RocksdbStoreBehind : public ::testing::Test {
 protected:
  void open(milliseconds behind_linger) {
    rocksdb_options options;
    options.path = directory_.path() + "/store";
    options.linger = milliseconds(0);
    options.behind_linger = behind_linger;
    auto opened = rocksdb_store::open(options, time_);
    ASSERT_TRUE(opened) << opened.error().what;
    store_ = std::move(*opened);
    store_->answer_to(here, answers_);
  }
  void write_behind(int n) {
    const aor of("user" + std::to_string(n) + "@example.com");
    ASSERT_TRUE(store_->try_write(here, key_of(of), of, put_bindings{"later", write_urgency::behind}, {1}));
  }
  scratch_directory directory_;
  calendar time_;
  inbox answers_;
  std::unique_ptr<rocksdb_store> store_;
};

TEST_F(RocksdbStoreBehind, WritesThemWithTheNextThatSomebodyWaitsFor) {
  open(std::chrono::hours(1));
  for (int i = 0; i < 20; ++i) write_behind(i);
  EXPECT_EQ(answers_.count(), 0U);
  EXPECT_EQ(store_->counters().commits, 0U);
  ASSERT_TRUE(store_->try_write(here, key_of(ann), ann, put_bindings{"now"}, {1}));
  EXPECT_EQ(answers_.wait_for(21).size(), 21U);
  EXPECT_EQ(store_->counters().commits, 1U);
}

TEST_F(RocksdbStoreBehind, ALoadSeesThem) {
  open(std::chrono::hours(1));
  write_behind(7);
  const aor of("user7@example.com");
  ASSERT_TRUE(store_->try_load(here, key_of(of), of, {2}));
  const auto answers = answers_.wait_for(2);
  ASSERT_EQ(answers.size(), 2U);
  ASSERT_TRUE(answers[1].record);
  EXPECT_EQ(answers[1].record->bindings, "later");
}

TEST_F(RocksdbStoreBehind, ManyDoNotWait) {
  open(std::chrono::hours(1));
  for (int i = 0; i < 600; ++i) write_behind(i);
  EXPECT_GE(answers_.wait_for(512).size(), 512U);
}

TEST_F(RocksdbStoreBehind, OneWaitsNoLongerThanItMay) {
  open(milliseconds(1));
  for (int i = 0; i < 3; ++i) {
    write_behind(i);
    EXPECT_EQ(answers_.wait_for(static_cast<std::size_t>(i) + 1).size(), static_cast<std::size_t>(i) + 1);
  }
}

TEST_F(RocksdbStoreBehind, WritesWhatWaitsBeforeItCloses) {
  open(std::chrono::hours(1));
  write_behind(1);
  store_.reset();
  EXPECT_EQ(answers_.count(), 1U);
  EXPECT_TRUE(answers_.wait_for(1)[0].ok);
}

TEST(RocksdbStoreOpening, SaysWhyADirectoryCannotBeUsed) {
  scratch_directory directory;
  std::ofstream(directory.path() + "/file") << "in the way";
  rocksdb_options options;
  options.path = directory.path() + "/file/store";
  const calendar time;
  const auto store = rocksdb_store::open(options, time);
  ASSERT_FALSE(store);
  EXPECT_NE(store.error().what.find(options.path), std::string::npos);
}

/// Takes its first answer only when it is let go.
class slow_inbox final : public store_answers {
 public:
  void loaded(aor_key, const aor&, store_token, result<std::optional<subscriber_record>>) override {
    gone.wait(false);
    answered.fetch_add(1);
  }
  void written(aor_key, const aor&, store_token, bool) override {}
  std::atomic<bool> gone{false};
  std::atomic<std::size_t> answered{0};
};

TEST(RocksdbStoreMemory, RefusesLoadsThatTheReaderCannotKeepUpWith) {
  constexpr std::size_t limit = 8;
  const scratch_directory directory;
  const calendar time;
  slow_inbox slow;
  rocksdb_options options;
  options.path = directory.path();
  options.queue_limit = limit;
  options.linger = milliseconds(0);
  auto store = rocksdb_store::open(options, time);
  ASSERT_TRUE(store) << store.error().what;
  (*store)->answer_to(here, slow);
  std::size_t taken = 0;
  const auto until = time.now().steady + milliseconds(300);  // the queue itself is emptied in microseconds
  while (time.now().steady < until) {
    if ((*store)->try_load(here, key_of(ann), ann, {taken + 1})) ++taken;
  }
  EXPECT_LE(taken, 3 * limit) << "as many as wait for the reader, and as many as are on their way there";
  EXPECT_GT((*store)->counters().queue_full, 0U);
  slow.gone.store(true);
  slow.gone.notify_all();
  store->reset();
  EXPECT_EQ(slow.answered.load(), taken) << "none that was taken is forgotten";
}

/// Each cell of the queue once held a large operation; none of them may keep it.
TEST(RocksdbStoreMemory, GivesBackWhatAFloodOfLargeWritesHasTaken) {
  constexpr std::size_t cells = 1024, octets = 60000;
  const scratch_directory directory;
  const calendar time;
  inbox answers;
  rocksdb_options options;
  options.path = directory.path();
  options.queue_limit = cells;
  options.memtable_bytes = std::size_t{1} << 20;
  auto store = rocksdb_store::open(options, time);
  ASSERT_TRUE(store) << store.error().what;
  (*store)->answer_to(here, answers);
  const std::size_t before = ::mallinfo2().uordblks + ::mallinfo2().hblkhd;
  for (std::size_t n = 1; n <= cells; ++n) {
    ASSERT_TRUE((*store)->try_write(here, key_of(ann), ann, put_bindings{std::string(octets, 'x')}, {n}));
    if (n % 16 != 0) continue;
    ASSERT_EQ(answers.wait_for(n).size(), n);
  }
  EXPECT_EQ((*store)->counters().queue_bytes, 0U);
  const std::size_t after = ::mallinfo2().uordblks + ::mallinfo2().hblkhd;
  EXPECT_LT(after, before + cells * octets / 2) << "the cells keep " << (after - before) / cells << " octets each";
}

}  // namespace
}  // namespace reveille
