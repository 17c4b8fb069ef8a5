#include "engine/store/memory_store.hpp"

#include "engine/store/mutations.hpp"
#include "tests/engine/store/store_inbox.hpp"

#include <gtest/gtest.h>

namespace reveille {
namespace {

using namespace store_testing;
const aor ann("ann@example.com");
const aor bob("bob@example.com");

class MemoryStore : public ::testing::Test {
 protected:
  MemoryStore() { store_.answer_to(here, answers_); }
  bool write(const aor& of, store_mutation change, std::uint64_t token = 1) {
    return store_.try_write(here, key_of(of), of, std::move(change), {token});
  }
  inbox answers_;
  memory_store store_{4};
};

TEST_F(MemoryStore, AnswersNothingUntilToldTo) {
  write(ann, put_bindings{"b"});
  EXPECT_EQ(answers_.count(), 0U);
  store_.complete();
  EXPECT_EQ(answers_.count(), 1U);
}

TEST_F(MemoryStore, RefusesWhatIsOverItsBound) {
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(write(ann, put_bindings{"b"}));
  EXPECT_FALSE(write(ann, put_bindings{"b"}));
  EXPECT_EQ(store_.refused(), 1U);
}

TEST_F(MemoryStore, AllowsOtherOrdersBetweenAorsOnly) {
  write(ann, put_bindings{"1"});
  write(ann, put_bindings{"2"});
  write(bob, put_bindings{"3"});
  EXPECT_TRUE(store_.may_complete(0));
  EXPECT_FALSE(store_.may_complete(1));
  EXPECT_TRUE(store_.may_complete(2));
}

TEST_F(MemoryStore, ChangesNothingWhenAWriteFails) {
  write(ann, put_bindings{"b"});
  store_.complete(0, false);
  EXPECT_FALSE(store_.find(ann));
  EXPECT_FALSE(answers_.wait_for(1)[0].ok);
}

TEST_F(MemoryStore, ForgetsARecordOfWhichNothingIsLeft) {
  write(ann, put_bindings{"b"});
  write(ann, put_bindings{""});
  store_.complete_all();
  EXPECT_TRUE(store_.records().empty());
}

TEST(Mutation, KeepsTheBucketInOrderOfDate) {
  subscriber_record record;
  for (const std::uint8_t n : {std::uint8_t{3}, std::uint8_t{1}, std::uint8_t{2}})
    apply(record, add_bucket_entry{entry_number(n), std::nullopt});
  ASSERT_EQ(record.bucket.size(), 3U);
  for (std::uint8_t n = 0; n < 3; ++n) EXPECT_EQ(record.bucket[n].call, call_number(static_cast<std::uint8_t>(n + 1)));
}

TEST(Mutation, UpdatesOnlyWhatIsThere) {
  subscriber_record record;
  apply(record, update_bucket_entry{entry_number(1)});
  EXPECT_TRUE(is_empty(record));
  apply(record, add_bucket_entry{entry_number(1), invite_number(1)});
  bucket_entry over = entry_number(1);
  over.over = true;
  apply(record, update_bucket_entry{over});
  ASSERT_EQ(record.bucket.size(), 1U);
  EXPECT_TRUE(record.bucket[0].over);
  EXPECT_EQ(record.parked.size(), 1U);
}

}  // namespace
}  // namespace reveille
