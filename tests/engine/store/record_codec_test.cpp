#include "engine/store/record_codec.hpp"

#include "core/random.hpp"
#include "tests/engine/store/store_inbox.hpp"

#include <gtest/gtest.h>

namespace reveille {
namespace {

using namespace store_testing;

TEST(RecordKey, OfOneAorIsNoPrefixOfAnothers) {
  std::string shorter, longer;
  record_codec::append_key(shorter, "ann@x");
  record_codec::append_key(longer, "ann@x.example");
  EXPECT_FALSE(longer.starts_with(shorter));
}

TEST(RecordKey, ReadsBackWhatItWrote) {
  std::string key;
  record_codec::append_key(key, "ann@example.com", call_number(7));
  const auto parts = record_codec::parse_key(key);
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->of, "ann@example.com");
  EXPECT_EQ(parts->call, call_number(7));
  EXPECT_EQ(record_codec::prefix_of(key).size(), 2 + std::string("ann@example.com").size());
}

TEST(RecordKey, RefusesEveryTruncation) {
  std::string key;
  record_codec::append_key(key, "ann@example.com", call_number(7));
  for (std::size_t size = 0; size < key.size(); ++size) {
    const auto parts = record_codec::parse_key(std::string_view(key).substr(0, size));
    EXPECT_FALSE(parts && parts->call) << size;
  }
  EXPECT_FALSE(record_codec::parse_key(key + "x"));
}

TEST(RecordValue, ReadsBackABucketEntry) {
  bucket_entry entry = entry_number(3);
  entry.over = true;
  entry.display_name = std::string("a \"quote\", \xc3\xa4, an octet ") + '\0';
  std::string value;
  record_codec::append(value, entry);
  EXPECT_EQ(record_codec::decode_bucket_entry(entry.call, value), entry);
}

TEST(RecordValue, ReadsBackAParkedInvite) {
  const parked_invite invite = invite_number(9);
  std::string value;
  record_codec::append(value, invite);
  EXPECT_EQ(record_codec::decode_parked_invite(invite.call, value), invite);
}

TEST(RecordValue, RefusesEveryTruncationAndEveryExcess) {
  std::string entry, invite;
  record_codec::append(entry, entry_number(1));
  record_codec::append(invite, invite_number(1));
  for (std::size_t size = 0; size < entry.size(); ++size) {
    EXPECT_FALSE(record_codec::decode_bucket_entry(call_number(1), entry.substr(0, size))) << size;
  }
  for (std::size_t size = 0; size < invite.size(); ++size) {
    EXPECT_FALSE(record_codec::decode_parked_invite(call_number(1), invite.substr(0, size))) << size;
  }
  EXPECT_FALSE(record_codec::decode_bucket_entry(call_number(1), entry + '\0'));
  EXPECT_FALSE(record_codec::decode_parked_invite(call_number(1), invite + '\0'));
}

TEST(RecordValue, RefusesAnUnknownVersion) {
  std::string entry;
  record_codec::append(entry, entry_number(1));
  entry[0] = 2;
  EXPECT_FALSE(record_codec::decode_bucket_entry(call_number(1), entry));
  EXPECT_FALSE(record_codec::decode_bindings(std::string_view("\2bindings")));
  EXPECT_FALSE(record_codec::decode_bindings(""));
  EXPECT_FALSE(record_codec::decode_bindings("\1"));
  EXPECT_EQ(record_codec::decode_bindings("\1b"), "b");
}

TEST(RecordValue, RefusesTimesThatNoClockShows) {
  std::string entry;
  record_codec::append(entry, entry_number(1));
  entry.replace(1, 8, "\xff\xff\xff\xff\xff\xff\xff\x7f");
  EXPECT_FALSE(record_codec::decode_bucket_entry(call_number(1), entry));
}

TEST(RecordValue, SurvivesRandomOctets) {
  seeded_random random(1);
  for (int round = 0; round < 20000; ++round) {
    std::string value(random.below(64), '\0');
    for (char& c : value) c = static_cast<char>(random.next());
    if (!value.empty() && random.below(2) == 0) value[0] = record_codec::version;
    (void)record_codec::decode_bucket_entry(call_number(1), value);
    (void)record_codec::decode_parked_invite(call_number(1), value);
    (void)record_codec::decode_bindings(value);
    (void)record_codec::parse_key(value);
  }
}

}  // namespace
}  // namespace reveille
