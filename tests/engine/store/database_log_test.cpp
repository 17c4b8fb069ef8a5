#include "engine/store/database_log.hpp"

#include <gtest/gtest.h>

#include "engine/store/queued_operation.hpp"

namespace reveille {
namespace {

class stopped_clock final : public clock {
 public:
  instant now() const override { return at; }
  instant at{};
};

class DatabaseLog : public ::testing::Test {
 protected:
  stopped_clock time_;
  std::vector<store_notice> said_;
  database_log log_{[this](const store_notice& n) { said_.push_back(n); }, time_};
};

TEST_F(DatabaseLog, PassesOnWarningsAndErrorsOnly) {
  time_.at.steady += std::chrono::hours(1);
  rocksdb::Log(rocksdb::InfoLogLevel::INFO_LEVEL, &log_, "a key: %s", "ann@example.com");
  rocksdb::Log(rocksdb::InfoLogLevel::WARN_LEVEL, &log_, "dropping %d bytes\n", 7);
  rocksdb::Log(rocksdb::InfoLogLevel::ERROR_LEVEL, &log_, "no");
  ASSERT_EQ(said_.size(), 2U);
  EXPECT_EQ(said_[0], (store_notice{store_notice::weight::warning, "RocksDB: dropping 7 bytes"}));
  EXPECT_EQ(said_[1].how, store_notice::weight::error);
}

TEST_F(DatabaseLog, PassesOnTenLinesAMinuteAndCountsTheRest) {
  time_.at.steady += std::chrono::hours(1);
  for (int i = 0; i < 1000; ++i) rocksdb::Log(rocksdb::InfoLogLevel::ERROR_LEVEL, &log_, "again");
  EXPECT_EQ(said_.size(), 10U);
  time_.at.steady += std::chrono::minutes(1);
  rocksdb::Log(rocksdb::InfoLogLevel::ERROR_LEVEL, &log_, "again");
  ASSERT_EQ(said_.size(), 11U);
  EXPECT_EQ(said_.back().text, "RocksDB: again (990 lines before it were left out)");
}

TEST_F(DatabaseLog, CutsALongLine) {
  time_.at.steady += std::chrono::hours(1);
  rocksdb::Log(rocksdb::InfoLogLevel::ERROR_LEVEL, &log_, "%s", std::string(100000, 'x').c_str());
  ASSERT_EQ(said_.size(), 1U);
  EXPECT_LT(said_[0].text.size(), 500U);
}

TEST(QueuedOperation, GivesItsOctetsBack) {
  queued_operation op;
  const auto octets = [&] { return std::get<put_bindings>(op.change).encoded.capacity(); };
  op.change = put_bindings{std::string(100000, 'x')};
  op.of = aor(std::string(500, 'a'));
  ASSERT_GE(octets(), 100000U);
  op.forget();
  EXPECT_LT(octets(), 100U);
  EXPECT_LT(op.of.str().capacity(), 100U);
  op.change = add_bucket_entry{{}, parked_invite{{}, std::string(60000, 'i'), "", {}, {}}};
  op.forget();
  EXPECT_LT(octets(), 100U);
}

}  // namespace
}  // namespace reveille
