#include "sip/transaction_table.hpp"

#include <gtest/gtest.h>

namespace reveille::sip {
namespace {

struct place : transaction_place {
  int what = 0;
};

class TransactionTable : public ::testing::Test {
 protected:
  static steady_time at(milliseconds t) { return steady_time{} + t; }
  std::vector<std::uint64_t> fired(milliseconds until) {
    std::vector<std::uint64_t> out;
    wheel_.advance(at(until), [&](std::uint64_t payload) { out.push_back(payload); });
    return out;
  }
  timer_wheel wheel_{steady_time{}};
  transaction_table<place> table_{2, wheel_, transaction_timer::client_repeat, transaction_timer::client_life};
};

TEST_F(TransactionTable, RefusesAtItsBoundAndTakesAPlaceThatCameBack) {
  const auto first = table_.take();
  ASSERT_TRUE(first && table_.take());
  EXPECT_EQ(table_.take(), std::nullopt);
  table_.give_back(*first);
  EXPECT_EQ(table_.size(), 1U);
  EXPECT_EQ(table_.take(), first);
}

TEST_F(TransactionTable, KnowsAStaleHandle) {
  const auto index = table_.take();
  const transaction_handle former = table_.handle_of(*index);
  EXPECT_NE(table_.at(former), nullptr);
  table_.give_back(*index);
  EXPECT_EQ(table_.at(former), nullptr);
  table_.take();
  EXPECT_EQ(table_.at(former), nullptr) << "the next user of the place is another";
  EXPECT_EQ(table_.at({7, 0}), nullptr) << "never taken";
}

TEST_F(TransactionTable, FindsWhoseTimerFiredUntilThatOneIsGone) {
  const auto index = table_.take();
  table_.live_for(*index, milliseconds(100), at(milliseconds(0)));
  table_.repeat_after(*index, milliseconds(40), at(milliseconds(0)));
  const auto early = fired(milliseconds(60));
  ASSERT_EQ(early.size(), 1U);
  EXPECT_EQ(timer_kind_of(early[0]), transaction_timer::client_repeat);
  EXPECT_EQ(table_.of_timer(early[0]), index);
  table_.give_back(*index);
  EXPECT_EQ(table_.of_timer(early[0]), std::nullopt);
  EXPECT_TRUE(fired(milliseconds(500)).empty()) << "its life timer was cancelled with it";
}

TEST_F(TransactionTable, LetsOnlyTheLatestLifeTimerFire) {
  const auto index = table_.take();
  table_.live_for(*index, milliseconds(50), at(milliseconds(0)));
  table_.live_for(*index, milliseconds(200), at(milliseconds(0)));
  EXPECT_TRUE(fired(milliseconds(100)).empty());
  EXPECT_EQ(fired(milliseconds(300)).size(), 1U);
}

}  // namespace
}  // namespace reveille::sip
