#include "engine/store/log_continuity.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "engine/store/log_replay.hpp"
#include "tests/engine/store/store_inbox.hpp"

namespace reveille {
namespace {

using store_testing::at;

acknowledged mark_of(std::uint64_t sequence, std::uint64_t from = acknowledged::unknown) {
  return {sequence, at(900), at(100), from};
}

TEST(LogContinuity, FindsNothingInALogThatIsWhole) {
  log_continuity log(mark_of(12, 9));
  log.record(10, 2, at(200));
  log.record(12, 1, at(201));
  EXPECT_EQ(log.end(12).writes, 0U);
  EXPECT_EQ(log.end(15).writes, 0U) << "the mark lags behind the log";
}

TEST(LogContinuity, CountsWhatIsMissingBetweenTwoRecordsAndWhen) {
  log_continuity log(mark_of(30));
  log.record(10, 2, at(200));
  log.record(20, 11, at(300));
  const log_loss loss = log.end(30);
  EXPECT_EQ(loss.writes, 8U);
  EXPECT_EQ(loss.after, at(200));
  EXPECT_EQ(loss.until, at(300));
  EXPECT_EQ(loss.text(),
            "8 acknowledged writes are missing in the log, made between 1970-01-01T00:03:20Z and 1970-01-01T00:05:00Z");
}

TEST(LogContinuity, CountsWhatIsMissingBehindTheLastRecord) {
  log_continuity log(mark_of(30));
  log.record(10, 2, at(200));
  const log_loss loss = log.end(11);
  EXPECT_EQ(loss.writes, 19U);
  EXPECT_EQ(loss.after, at(200));
  EXPECT_EQ(loss.until, at(900));
}

TEST(LogContinuity, CountsWhatIsMissingBeforeTheFirstRecordWhenTheLogBeganWithTheStore) {
  log_continuity log(mark_of(30, 9));
  log.record(20, 11, at(300));
  const log_loss loss = log.end(30);
  EXPECT_EQ(loss.writes, 10U);
  EXPECT_EQ(loss.after, at(100));
  EXPECT_EQ(loss.until, at(300));
}

TEST(LogContinuity, AccusesNobodyOfWhatWentToTables) {
  log_continuity log(mark_of(30));
  log.record(20, 11, at(300));
  EXPECT_EQ(log.end(30).writes, 0U);
}

TEST(LogContinuity, CountsALogThatIsGone) {
  const log_loss loss = log_continuity(mark_of(60, 0)).end(0);
  EXPECT_EQ(loss.writes, 60U);
  EXPECT_EQ(loss.after, at(100));
  EXPECT_EQ(log_continuity(std::nullopt).end(0).writes, 0U) << "without a mark nobody knows";
}

TEST(AcknowledgedMark, ReadsWhatWasWrittenAndNothingElse) {
  const store_testing::scratch_directory directory;
  EXPECT_FALSE(acknowledged_mark::read(directory.path()));
  {
    acknowledged_mark mark(directory.path());
    EXPECT_TRUE(mark.write(mark_of(1)));
    EXPECT_TRUE(mark.write(mark_of(77, 5)));
  }
  EXPECT_EQ(acknowledged_mark::read(directory.path()), mark_of(77, 5));
  for (const auto& file : std::filesystem::directory_iterator(directory.path())) {
    std::fstream octets(file.path(), std::ios::in | std::ios::out | std::ios::binary);
    octets.seekp(9);
    octets.put('?');
  }
  EXPECT_FALSE(acknowledged_mark::read(directory.path())) << "half a mark is none";
  EXPECT_FALSE(acknowledged_mark().write(mark_of(1))) << "no file, no mark";
}

TEST(LogReplay, ReadsTheTimeOfARecord) {
  rocksdb::WriteBatch batch;
  stamp(batch, at(200));
  batch.Put("key", "value");
  EXPECT_EQ(batch.Count(), 1U) << "the stamp is no write";
  log_replay replay(mark_of(1));
  bool changed = false;
  replay.LogRecordFound(1, "", batch, nullptr, &changed);  // its number is 0 until it is written: the mark's is behind
  EXPECT_FALSE(changed);
  EXPECT_EQ(replay.found().end(0).after, at(200));
}

}  // namespace
}  // namespace reveille
