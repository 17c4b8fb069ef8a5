#include "mock_providers/delivery/accepted_ledger.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/random.hpp"
#include "mock_providers/requests/json_check.hpp"
#include "mock_providers/delivery/push_record.hpp"

namespace reveille::mock_providers {
namespace {

TEST(AcceptedLedger, CountsEachIdentityForItself) {
  accepted_ledger ledger(1'000'000);
  for (std::uint64_t i = 0; i < 100'000; ++i) ASSERT_EQ(ledger.add({i, i * 3}), 1U);
  for (std::uint64_t i = 0; i < 100'000; i += 1000) ASSERT_EQ(ledger.add({i, i * 3}), 2U);
  EXPECT_EQ(ledger.sums().distinct, 100'000U);
  EXPECT_EQ(ledger.sums().accepted, 100'100U);
  EXPECT_EQ(ledger.sums().repeated, 100U);
  EXPECT_EQ(ledger.sums().most, 2U);
  EXPECT_EQ(ledger.count_of({1000, 3000}), 2U);
  EXPECT_EQ(ledger.count_of({1001, 3003}), 1U);
  EXPECT_EQ(ledger.count_of({1001, 3004}), 0U);
}

TEST(AcceptedLedger, SaysWhatItCouldNotCount) {
  accepted_ledger ledger(2);
  for (std::uint64_t i = 0; i < 5; ++i) ledger.add({i, 0});
  EXPECT_EQ(ledger.sums().distinct, 2U);
  EXPECT_EQ(ledger.sums().uncounted, 3U);
  EXPECT_EQ(ledger.add({0, 0}), 2U) << "those that are known still count";
  ledger.clear();
  EXPECT_EQ(ledger.sums().accepted, 0U);
  EXPECT_EQ(accepted_ledger(0).add({1, 1}), 0U);
}

TEST(AcceptedLedger, StopsCountingOneIdentityAt255) {
  accepted_ledger ledger(10);
  for (int i = 0; i < 300; ++i) ledger.add({7, 7});
  EXPECT_EQ(ledger.count_of({7, 7}), 255U);
  EXPECT_EQ(ledger.sums().accepted, 300U);
  EXPECT_EQ(ledger.sums().repeated, 1U);
}

TEST(PushIdentity, ReadsCanonicalUuidsOnly) {
  EXPECT_EQ(identity_of_uuid("123e4567-e89b-12d3-a456-4266554400a0"), (push_identity{0x123e4567e89b12d3, 0xa4564266554400a0}));
  for (const char* bad : {"", "123E4567-E89B-12D3-A456-4266554400A0", "123e4567ee89b-12d3-a456-4266554400a0",
                          "123e4567-e89b-12d3-a456-4266554400a", "g23e4567-e89b-12d3-a456-4266554400a0"}) {
    EXPECT_FALSE(identity_of_uuid(bad)) << bad;
  }
  EXPECT_NE(identity_of_text("ab", "c"), identity_of_text("a", "bd"));
}

TEST(PushRecord, KeepsTheNewestInOrder) {
  push_record record(3);
  for (int i = 0; i < 7; ++i) record.add({{}, pns::provider::apns, std::to_string(i), "", "", "", 200, "", ""});
  ASSERT_EQ(record.size(), 3U);
  EXPECT_EQ(record[0].token + record[1].token + record[2].token, "456");
  record.clear();
  EXPECT_TRUE(record.empty());
  record.add({{}, pns::provider::apns, "x", "", "", "", 200, "", ""});
  EXPECT_EQ(record[0].token, "x");
}

TEST(JsonCheck, TakesObjectsAndNothingElse) {
  for (const char* good : {"{}", " {\n} ", R"({"a":1})", R"({"a":[],"b":{},"c":[[{}]]})", R"({"a":-0.5e+10,"b":0,"c":true,"d":null})",
                           R"({"\u00e9\ud83d\ude00\\\"\/":"é😀"})", R"({"a":[1,2,{"b":[false]}],"c":""})"}) {
    EXPECT_TRUE(is_json_object(good)) << good;
  }
  for (const char* bad : {"", "[]", "1", "\"a\"", "{", "}", "{}}", "{}{}", "{,}", R"({"a"})", R"({"a":})", R"({"a":1,})", R"({a:1})",
                          R"({"a":01})", R"({"a":1.})", R"({"a":.5})", R"({"a":1e})", R"({"a":+1})", R"({"a":tru})", R"({"a":[1,]})",
                          R"({"a":[1}})", R"({"a":{])", "{\"a\":\"\n\"}", R"({"a":"\x"})", R"({"a":"\u12g4"})", R"({"a":"\ud800"})",
                          R"({"a":"\udc00\ud800"})", "{\"a\":\"\xc0\x80\"}", "{\"a\":\"\xed\xa0\x80\"}", "{\"a\":\"\xf5\x80\x80\x80\"}",
                          "{\"a\":\"\xe2\x82\"}", R"({"a":"b)", R"({"a":1 2})"}) {
    EXPECT_FALSE(is_json_object(bad)) << bad;
  }
}

TEST(JsonCheck, BoundsDepth) {
  const auto nested = [](std::size_t n) { return "{\"a\":" + std::string(n, '[') + std::string(n, ']') + "}"; };
  EXPECT_TRUE(is_json_object(nested(max_json_depth - 1)));
  EXPECT_FALSE(is_json_object(nested(max_json_depth)));
}

/// The library that everybody trusts is the judge: mutated texts, a hundred thousand of them.
TEST(JsonCheck, AgreesWithTheLibraryOnMutatedTexts) {
  const std::string seeds[] = {R"({"aps":{"alert":{"loc-key":"MISSED_CALL","loc-args":["Al\"ice","é😀"]},"badge":1},"d":-1.5e3})",
                               R"({"a":[true,false,null,{"b":"\u00e9\ud83d\ude00"}],"c":{},"d":[[],[1,2,3]]})"};
  constexpr char alphabet[] = "{}[],:\"\\u0123459eE+-.tfnrd \n\xc3\xa9\xed\xf0\x9f";
  seeded_random random(20261124);
  for (int i = 0; i < 100'000; ++i) {
    std::string text = seeds[random.below(std::size(seeds))];
    for (std::uint64_t n = random.below(4); n > 0; --n) {
      const auto at = static_cast<std::size_t>(random.below(text.size()));
      const char c = alphabet[random.below(sizeof alphabet - 1)];
      switch (random.below(3)) {
        case 0: text[at] = c; break;
        case 1: text.insert(at, 1, c); break;
        default: text.erase(at, 1 + static_cast<std::size_t>(random.below(3)));
      }
    }
    const auto first = text.find_first_not_of(" \n");
    const bool library = first != text.npos && text[first] == '{' && nlohmann::json::accept(text);
    const bool ours = is_json_object(text);
    // The library also refuses numbers that its double cannot hold; the grammar does not.
    if (ours != library && !(ours && text.find_first_of("eE") != text.npos)) FAIL() << text << " ours " << ours;
  }
}

}  // namespace
}  // namespace reveille::mock_providers
