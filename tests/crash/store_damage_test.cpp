/// A log that was damaged, shortened or removed between two runs: what can be read is served, what is lost is said and
/// counted (SPEC 9.2).
#include "engine/store/acknowledged_mark.hpp"
#include "engine/store/rocksdb_store.hpp"
#include "tests/crash/child_process.hpp"
#include "tests/engine/store/store_inbox.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

namespace reveille {
namespace {

using namespace store_testing;

constexpr std::size_t subscribers = 300;
constexpr std::size_t value_bytes = 1000;  ///< several of RocksDB's blocks of 32 KiB, all together

aor name_of(std::size_t n) { return aor("u" + std::to_string(n) + "@example.com"); }

class StoreDamage : public ::testing::TestWithParam<durability> {
 protected:
  StoreDamage() {
    options_.path = directory_.path();
    options_.promise = GetParam();
    options_.linger = milliseconds(0);
    calendar_.today = at(1'700'000'000);
  }
  /// Has everything acknowledged and its log synced, and dies without closing.
  void write_and_die() {
    ASSERT_TRUE(holds_in_child([&] {
      auto store = rocksdb_store::open(options_, calendar_);
      ASSERT_TRUE(store) << store.error().what;
      inbox answers;
      (*store)->answer_to(here, answers);
      for (std::size_t n = 0; n < subscribers; ++n) {
        const aor of = name_of(n);
        ASSERT_TRUE((*store)->try_write(here, key_of(of), of, put_bindings{std::string(value_bytes, 'v')}, {n + 1}));
        ASSERT_EQ(answers.wait_for(n + 1).size(), n + 1);
      }
      const auto until = calendar_.now().steady + seconds(20);
      while (acknowledged_mark::read(options_.path)->sequence < subscribers && calendar_.now().steady < until) {
      }
      ::_exit(acknowledged_mark::read(options_.path)->sequence == subscribers ? 0 : 1);
    }));
  }
  std::filesystem::path log() const {
    std::filesystem::path found;
    for (const auto& file : std::filesystem::directory_iterator(options_.path)) {
      if (file.path().extension() == ".log" && file.file_size() != 0) found = file.path();
    }
    return found;
  }
  /// @param says what the notice holds @param most writes that may be missing, all of them counted
  void expect_loss(std::size_t least, std::size_t most, const std::string& says) {
    EXPECT_TRUE(holds_in_child([&] {
      std::string said;
      options_.tell = [&](const store_notice& n) { said += n.text + "\n"; };
      auto store = rocksdb_store::open(options_, calendar_);
      ASSERT_TRUE(store) << store.error().what;
      inbox answers;
      (*store)->answer_to(here, answers);
      for (std::size_t n = 0; n < subscribers; ++n) {
        const aor of = name_of(n);
        ASSERT_TRUE((*store)->try_load(here, key_of(of), of, {n + 1}));
      }
      std::size_t gone = 0;
      for (const inbox::answer& a : answers.wait_for(subscribers)) {
        if (!a.ok || !a.record) ++gone;
      }
      EXPECT_GE(gone, least);
      EXPECT_LE(gone, most);
      EXPECT_EQ((*store)->counters().lost_writes, gone);
      EXPECT_NE((*store)->lost().find(says), std::string::npos) << (*store)->lost();
      EXPECT_NE(said.find((*store)->lost()), std::string::npos) << said;
      store->reset();
      auto again = rocksdb_store::open(options_, calendar_);
      ASSERT_TRUE(again);
      EXPECT_EQ((*again)->lost(), "") << "it is told once";
    }));
  }

  scratch_directory directory_;
  calendar calendar_;
  rocksdb_options options_;
};
INSTANTIATE_TEST_SUITE_P(Promise, StoreDamage, ::testing::Values(durability::process, durability::disk),
                         [](const auto& which) { return which.param == durability::disk ? "disk" : "process"; });

TEST_P(StoreDamage, SaysNothingOfALogThatIsWhole) {
  write_and_die();
  expect_loss(0, 0, "");
}

TEST_P(StoreDamage, LosesAndCountsOnlyWhatADamagedPlaceHeld) {
  write_and_die();
  const std::filesystem::path file = log();
  std::fstream octets(file, std::ios::in | std::ios::out | std::ios::binary);
  octets.seekp(static_cast<std::streamoff>(std::filesystem::file_size(file) / 2));
  octets.put('?');
  octets.close();
  expect_loss(1, 40, "missing in the log, made between 2023-11-14T22:13:20Z and 2023-11-14T22:13:20Z");
}

TEST_P(StoreDamage, CountsEverythingOfALogThatWasRemoved) {
  write_and_die();
  std::filesystem::remove(log());
  expect_loss(subscribers, subscribers, "300 acknowledged writes are missing in the log, made between 2023-11-14");
}

TEST_P(StoreDamage, CountsWhatAShortenedLogLacks) {
  write_and_die();
  std::filesystem::resize_file(log(), std::filesystem::file_size(log()) / 2);
  expect_loss(subscribers / 2 - 40, subscribers / 2 + 40, "missing in the log");
}

TEST_P(StoreDamage, CountsALogThatWasOverwrittenFromItsStart) {
  write_and_die();
  std::fstream octets(log(), std::ios::in | std::ios::out | std::ios::binary);
  for (std::size_t i = 0; i < 8192; ++i) octets.put('\0');
  octets.close();
  expect_loss(1, 40, "missing in the log");
}

}  // namespace
}  // namespace reveille
