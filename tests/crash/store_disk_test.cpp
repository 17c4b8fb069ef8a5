/// Real file systems that fill up, are taken away, or are full from the start: the store answers on, says what is wrong,
/// and writes again by itself (SPEC 9.1).
#include "engine/store/acknowledged_mark.hpp"
#include "engine/store/rocksdb_store.hpp"
#include "tests/crash/own_mounts.hpp"
#include "tests/engine/store/store_inbox.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <mutex>
#include <thread>

namespace reveille {
namespace {

using namespace store_testing;

constexpr std::size_t disk_bytes = std::size_t{6} << 20;

class notices {
 public:
  store_listener listener() {
    return [this](const store_notice& n) {
      const std::lock_guard lock(mutex_);
      if (of_ != nullptr) came_late_ = of_->failing();
      of_ = nullptr;
      all_ += n.text + "\n";
    };
  }
  /// Notes at its next notice whether the store was failing already.
  void watch(const rocksdb_store& of) {
    const std::lock_guard lock(mutex_);
    of_ = &of;
  }
  bool came_late() const {
    const std::lock_guard lock(mutex_);
    return came_late_;
  }
  std::string all() const {
    const std::lock_guard lock(mutex_);
    return all_;
  }
  bool say(const std::string& what) const { return all().find(what) != std::string::npos; }

 private:
  mutable std::mutex mutex_;
  std::string all_;
  const rocksdb_store* of_ = nullptr;
  bool came_late_ = false;
};

class StoreDisk : public ::testing::TestWithParam<durability> {
 protected:
  void SetUp() override {
    if (!may_mount()) GTEST_SKIP() << "NOT TESTED: this user may not mount file systems here";
    ASSERT_TRUE(mount_memory(disk_.path(), disk_bytes)) << std::strerror(errno);
    open();
  }
  void TearDown() override {
    store_.reset();
    while (take_away(disk_.path())) {
    }
  }

  rocksdb_options options() {
    rocksdb_options o;
    o.path = disk_.path() + "/store";
    o.promise = GetParam();
    o.linger = milliseconds(0);
    o.memtable_bytes = std::size_t{1} << 20;
    o.look_every = milliseconds(20);
    o.tell = said_.listener();
    return o;
  }
  void open() {
    store_.reset();
    auto opened = rocksdb_store::open(options(), calendar_);
    ASSERT_TRUE(opened) << opened.error().what;
    store_ = std::move(*opened);
    store_->answer_to(here, answers_);
  }
  bool write(const std::string& name, std::size_t bytes = 100) {
    const aor of(name);
    EXPECT_TRUE(store_->try_write(here, key_of(of), of, put_bindings{std::string(bytes, 'x')}, {++submitted_}));
    return answer().ok;
  }
  bool is_there(const std::string& name) {
    const aor of(name);
    EXPECT_TRUE(store_->try_load(here, key_of(of), of, {++submitted_}));
    const inbox::answer got = answer();
    return got.ok && got.record.has_value();
  }
  inbox::answer answer() {
    const auto answers = answers_.wait_for(submitted_);
    EXPECT_EQ(answers.size(), submitted_);
    return answers.empty() ? inbox::answer{} : answers.back();
  }
  /// Writes until it is refused, and keeps in `kept_` what was not.
  void write_until_refused() {
    for (int i = 0; i < 3000; ++i) {
      const std::string name = "u" + std::to_string(next_++) + "@example.com";
      if (!write(name, 1000)) return;
      kept_.push_back(name);
    }
    FAIL() << "the disk never refused";
  }
  bool writes_again() {
    const auto until = calendar_.now().steady + seconds(30);
    while (calendar_.now().steady < until) {
      if (write("again@example.com")) return true;
      std::this_thread::yield();
    }
    return false;
  }
  bool comes_to(bool failing) {
    const auto until = calendar_.now().steady + seconds(30);
    while (store_->failing() != failing && calendar_.now().steady < until) std::this_thread::yield();
    return store_->failing() == failing;
  }
  void expect_all_kept() {
    for (const std::string& name : kept_) ASSERT_TRUE(is_there(name)) << name << "\n" << said_.all();
  }

  scratch_directory disk_;
  calendar calendar_;
  inbox answers_;
  notices said_;
  std::uint64_t submitted_ = 0;
  int next_ = 0;
  std::vector<std::string> kept_;
  std::unique_ptr<rocksdb_store> store_;
};
INSTANTIATE_TEST_SUITE_P(Promise, StoreDisk, ::testing::Values(durability::process, durability::disk),
                         [](const auto& which) { return which.param == durability::disk ? "disk" : "process"; });

TEST_P(StoreDisk, AnswersOnWhenTheDiskIsFullAndWritesWhenThereIsRoom) {
  ASSERT_TRUE(write("ann@example.com"));
  kept_.push_back("ann@example.com");
  {
    ballast everything(disk_.path() + "/ballast");
    write_until_refused();
    ASSERT_TRUE(store_->failing());
    for (int i = 0; i < 200; ++i) EXPECT_FALSE(write("late@example.com"));
    // Every attempt to recover must leave it standing: several pass while the retry pause is still short.
    const auto until = calendar_.now().steady + seconds(4);
    while (calendar_.now().steady < until) {
      everything.fill();
      EXPECT_TRUE(is_there("ann@example.com"));
    }
    expect_all_kept();
    EXPECT_TRUE(said_.say("No space left on device")) << said_.all();
    EXPECT_NE(store_->trouble(), "");
  }
  EXPECT_TRUE(writes_again()) << said_.all();
  EXPECT_TRUE(said_.say("takes writes again")) << said_.all();
  EXPECT_EQ(store_->trouble(), "");
  expect_all_kept();
  open();
  EXPECT_FALSE(store_->failing());
  EXPECT_EQ(store_->lost(), "");
  expect_all_kept();
}

TEST_P(StoreDisk, ServesWhatIsStoredWhenItIsOpenedOnAFullDisk) {
  for (int i = 0; i < 300; ++i) {
    kept_.push_back("u" + std::to_string(i) + "@example.com");
    ASSERT_TRUE(write(kept_.back(), 1000));
  }
  store_.reset();
  {
    const ballast everything(disk_.path() + "/ballast");
    open();
    ASSERT_NE(store_, nullptr);
    EXPECT_TRUE(store_->failing());
    EXPECT_TRUE(said_.say("No space left on device")) << said_.all();
    expect_all_kept();
    EXPECT_FALSE(write("late@example.com"));
  }
  EXPECT_TRUE(writes_again()) << said_.all();
  expect_all_kept();
  open();
  expect_all_kept();
  EXPECT_TRUE(is_there("again@example.com"));
}

TEST_P(StoreDisk, RefusesToStartWhereThereIsNeitherRoomNorADatabase) {
  store_.reset();
  std::filesystem::remove_all(options().path);
  const ballast everything(disk_.path() + "/ballast");
  const auto opened = rocksdb_store::open(options(), calendar_);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().what.find("No space left on device"), std::string::npos) << opened.error().what;
}

TEST_P(StoreDisk, RefusesWritesWhileItsFileSystemIsUnmounted) {
  ASSERT_TRUE(write("ann@example.com"));
  const std::string elsewhere = disk_.path() + "-elsewhere";
  std::filesystem::create_directory(elsewhere);
  ASSERT_EQ(::mount(disk_.path().c_str(), elsewhere.c_str(), nullptr, MS_BIND, nullptr), 0);
  ASSERT_TRUE(take_away(disk_.path()));
  EXPECT_TRUE(comes_to(true));
  EXPECT_FALSE(write("bob@example.com"));
  EXPECT_TRUE(is_there("ann@example.com")) << "open files can be read";
  EXPECT_TRUE(said_.say("the directory of the store is missing")) << said_.all();

  // An empty directory in its place is not the store's: nothing is made there.
  std::filesystem::create_directory(options().path);
  EXPECT_FALSE(write("bob@example.com"));
  EXPECT_TRUE(std::filesystem::is_empty(options().path));
  std::filesystem::remove(options().path);

  ASSERT_EQ(::mount(elsewhere.c_str(), disk_.path().c_str(), nullptr, MS_BIND, nullptr), 0);
  EXPECT_TRUE(writes_again()) << said_.all();
  open();
  EXPECT_TRUE(is_there("ann@example.com"));
  EXPECT_TRUE(is_there("again@example.com"));
  store_.reset();
  take_away(elsewhere);
  std::filesystem::remove(elsewhere);
}

TEST_P(StoreDisk, ServesWhatIsStoredWhileItsFileSystemIsReadOnly) {
  store_.reset();
  while (take_away(disk_.path())) {
  }
  const scratch_directory images;
  ext4_disk disk(images.path() + "/image", disk_.path(), std::size_t{16} << 20);
  if (!disk.mounted()) GTEST_SKIP() << "NOT TESTED: no ext4 can be mounted here";
  open();
  ASSERT_TRUE(write("ann@example.com"));
  const auto synced = [&] {
    const auto mark = acknowledged_mark::read(options().path);
    return mark && mark->sequence >= 1;
  };
  const auto patience = calendar_.now().steady + seconds(30);
  while (!synced() && calendar_.now().steady < patience) std::this_thread::yield();
  ASSERT_TRUE(synced()) << "durability::process promises no more of a disk that dies";
  if (!disk.break_it()) {
    store_.reset();
    GTEST_SKIP() << "NOT TESTED: this kernel makes no ext4 read-only on demand";
  }
  for (int i = 0; i < 2000 && !store_->failing(); ++i) write("bob@example.com");
  ASSERT_TRUE(comes_to(true));
  EXPECT_FALSE(write("late@example.com"));
  EXPECT_TRUE(is_there("ann@example.com"));
  const auto until = calendar_.now().steady + seconds(2);
  while (calendar_.now().steady < until) EXPECT_TRUE(is_there("ann@example.com")) << "at every attempt to recover";
  EXPECT_NE(store_->trouble().find("Read-only file system"), std::string::npos) << store_->trouble();

  open();  // a restart on it
  EXPECT_TRUE(store_->failing());
  EXPECT_TRUE(is_there("ann@example.com")) << said_.all();
  EXPECT_FALSE(write("late@example.com"));

  store_.reset();
  ASSERT_TRUE(disk.check_and_mount());
  open();
  EXPECT_FALSE(store_->failing());
  EXPECT_TRUE(is_there("ann@example.com"));
  EXPECT_TRUE(write("late@example.com"));
  store_.reset();
}

TEST_P(StoreDisk, AnswersOnWhenARealFileSystemIsFull) {
  store_.reset();
  while (take_away(disk_.path())) {
  }
  const scratch_directory images;
  ext4_disk disk(images.path() + "/image", disk_.path(), std::size_t{16} << 20);
  if (!disk.mounted()) GTEST_SKIP() << "NOT TESTED: no ext4 can be mounted here";
  open();
  {
    const ballast everything(disk_.path() + "/ballast");
    write_until_refused();
    expect_all_kept();
  }
  EXPECT_TRUE(writes_again()) << said_.all();
  open();
  expect_all_kept();
  EXPECT_EQ(store_->lost(), "");
  store_.reset();
}

TEST_P(StoreDisk, WritesItsLogAnewWhenSomebodyRemovesIt) {
  ASSERT_TRUE(write("ann@example.com"));
  for (const auto& file : std::filesystem::directory_iterator(options().path)) {
    if (file.path().extension() == ".log") std::filesystem::remove(file.path());
  }
  const auto until = calendar_.now().steady + seconds(30);
  while (store_->counters().recoveries == 0 && calendar_.now().steady < until) std::this_thread::yield();
  EXPECT_EQ(store_->counters().missing_files, 1U);
  EXPECT_TRUE(said_.say("the log of the store is missing")) << said_.all();
  EXPECT_TRUE(write("bob@example.com"));
  open();
  EXPECT_TRUE(is_there("ann@example.com"));
  EXPECT_TRUE(is_there("bob@example.com"));
  EXPECT_EQ(store_->lost(), "");
}

TEST_P(StoreDisk, RefusesToPromiseMoreWhenItsTablesWereRemoved) {
  ASSERT_TRUE(write("ann@example.com"));
  open();  // writes a table
  ASSERT_TRUE(is_there("ann@example.com"));
  said_.watch(*store_);
  for (const auto& file : std::filesystem::directory_iterator(options().path)) {
    if (file.path().extension() == ".sst") std::filesystem::remove(file.path());
  }
  EXPECT_TRUE(comes_to(true));
  EXPECT_TRUE(said_.say("files of the store are missing")) << said_.all();
  EXPECT_FALSE(said_.came_late()) << "whoever sees that it fails must be able to read why";
  EXPECT_FALSE(write("bob@example.com"));
  EXPECT_EQ(store_->counters().missing_files, 1U);
}

}  // namespace
}  // namespace reveille
