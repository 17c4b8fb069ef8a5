/// A disk that is full, broken or slow to sync must not stop the store from answering (SPEC 9, ARCHITECTURE 3).
#include "engine/store/rocksdb_store.hpp"
#include "tests/engine/store/store_inbox.hpp"

#include <gtest/gtest.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <atomic>
#include <thread>

namespace reveille {
namespace {

using namespace store_testing;
using rocksdb::IOStatus;

enum class trouble : int { none, full, broken, cannot_sync };

class troubled_file final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  troubled_file(std::unique_ptr<rocksdb::FSWritableFile> file, const std::atomic<trouble>& state)
      : FSWritableFileOwnerWrapper(std::move(file)), state_(state) {}

  IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                  rocksdb::IODebugContext* context) override {
    // Half of it arrives, as a full disk does it.
    if (state_ == trouble::full) {
      FSWritableFileOwnerWrapper::Append(rocksdb::Slice(data.data(), data.size() / 2), options, context);
      return IOStatus::NoSpace("no space left on device");
    }
    if (state_ == trouble::broken) return IOStatus::IOError("input/output error");
    return FSWritableFileOwnerWrapper::Append(data, options, context);
  }
  IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options, const rocksdb::DataVerificationInfo&,
                  rocksdb::IODebugContext* context) override {
    return Append(data, options, context);
  }
  IOStatus Sync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* context) override {
    if (state_ != trouble::none) return IOStatus::IOError("sync failed");
    return FSWritableFileOwnerWrapper::Sync(options, context);
  }
  IOStatus Fsync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* context) override {
    return Sync(options, context);
  }

 private:
  const std::atomic<trouble>& state_;
};

class troubled_disk final : public rocksdb::FileSystemWrapper {
 public:
  troubled_disk() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "troubled"; }
  IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* out, rocksdb::IODebugContext* context) override {
    std::unique_ptr<rocksdb::FSWritableFile> file;
    const IOStatus made = FileSystemWrapper::NewWritableFile(path, options, &file, context);
    if (made.ok()) out->reset(new troubled_file(std::move(file), state));
    return made;
  }

  std::atomic<trouble> state{trouble::none};
};

class DiskFailure : public ::testing::TestWithParam<std::tuple<trouble, durability>> {
 protected:
  DiskFailure() : disk_(std::make_shared<troubled_disk>()), env_(rocksdb::NewCompositeEnv(disk_)) { open(); }
  void open() {
    store_.reset();
    rocksdb_options options;
    options.path = directory_.path();
    options.promise = std::get<1>(GetParam());
    options.linger = milliseconds(0);
    options.env = env_.get();
    auto opened = rocksdb_store::open(options, calendar_);
    ASSERT_TRUE(opened) << opened.error().what;
    store_ = std::move(*opened);
    store_->answer_to(here, answers_);
  }
  /// Writes and waits for the answer.
  bool write(const std::string& name) {
    const aor of(name);
    EXPECT_TRUE(store_->try_write(here, key_of(of), of, put_bindings{"bindings of " + name}, {++submitted_}));
    const auto answers = answers_.wait_for(submitted_);
    EXPECT_EQ(answers.size(), submitted_);
    return answers.back().ok;
  }
  bool is_there(const std::string& name) {
    const aor of(name);
    EXPECT_TRUE(store_->try_load(here, key_of(of), of, {++submitted_}));
    const auto answers = answers_.wait_for(submitted_);
    EXPECT_EQ(answers.size(), submitted_);
    return answers.back().ok && answers.back().record.has_value();
  }
  bool write_fails_within(int tries) {
    for (int i = 0; i < tries; ++i) {
      if (!write("bob@example.com")) return true;
      std::this_thread::yield();
    }
    return false;
  }

  scratch_directory directory_;
  calendar calendar_;
  inbox answers_;
  std::uint64_t submitted_ = 0;
  std::shared_ptr<troubled_disk> disk_;
  std::unique_ptr<rocksdb::Env> env_;
  std::unique_ptr<rocksdb_store> store_;
};
std::string name_of(const ::testing::TestParamInfo<DiskFailure::ParamType>& which) {
  constexpr const char* troubles[] = {"none", "full", "broken", "cannot_sync"};
  const auto [kind, promise] = which.param;
  return std::string(troubles[static_cast<int>(kind)]) + (promise == durability::disk ? "_disk" : "_process");
}
INSTANTIATE_TEST_SUITE_P(Trouble, DiskFailure,
                         ::testing::Combine(::testing::Values(trouble::full, trouble::broken, trouble::cannot_sync),
                                            ::testing::Values(durability::process, durability::disk)),
                         name_of);

TEST_P(DiskFailure, RefusesWritesGoesOnReadingAndRecoversByItself) {
  ASSERT_TRUE(write("ann@example.com"));

  disk_->state = std::get<0>(GetParam());
  EXPECT_TRUE(write_fails_within(10000)) << "a failed sync is noticed a few milliseconds later";
  EXPECT_TRUE(store_->failing());
  EXPECT_FALSE(write("carol@example.com"));
  EXPECT_TRUE(is_there("ann@example.com")) << "what was read from memory or an earlier file can still be read";

  disk_->state = trouble::none;
  bool recovered = false;
  for (int i = 0; i < 200000 && !recovered; ++i) recovered = write("dave@example.com");
  EXPECT_TRUE(recovered);
  EXPECT_FALSE(store_->failing());
  EXPECT_GE(store_->counters().recoveries, 1U);

  open();
  EXPECT_TRUE(is_there("ann@example.com"));
  EXPECT_TRUE(is_there("dave@example.com"));
}

}  // namespace
}  // namespace reveille
