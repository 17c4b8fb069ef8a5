#include <gtest/gtest.h>

#include "core/random.hpp"
#include "engine/shard/base32.hpp"
#include "engine/shard/branch.hpp"
#include "engine/shard/flow_token.hpp"
#include "tests/engine/shard/shard_bench.hpp"

namespace reveille {
namespace {

constexpr hash_key secret{0x1234, 0x5678};

TEST(Base32, ReadsBackWhatItWroteInAnyCaseAndNothingElse) {
  seeded_random random(3);
  for (std::size_t size = 0; size < 40; ++size) {
    std::uint8_t in[40], out[40];
    random.fill({in, size});
    char text[80];
    const std::size_t n = base32_encode({in, size}, text);
    EXPECT_EQ(n, base32_size(size));
    for (std::size_t i = 0; i < n; i += 2) text[i] = static_cast<char>(std::toupper(text[i]));
    const auto back = base32_decode({text, n}, out);
    ASSERT_EQ(back, size);
    EXPECT_TRUE(std::equal(in, in + size, out));
  }
  std::uint8_t out[4];
  for (const char* bad : {"a", "aaa", "aaaaaa", "a1", "a8", "a=", "ab", "aaaaaaaaaaaaaaaa"}) {
    EXPECT_FALSE(base32_decode(bad, out).has_value()) << bad;
  }
}

TEST(Branch, ReadsBackAndRefusesEveryChange) {
  const our_branch all[] = {transaction_branch{{3}, 70000, 9, 0xdeadbeef}, stateless_branch{42, 7, 1, at("192.0.2.7:5099")},
                            stateless_branch{43, 0xffffffff, 0, at("[2001:db8::7]:5099")}};
  for (const our_branch& what : all) {
    const branch_text text = write_branch(what, {secret});
    ASSERT_TRUE(read_branch(text.view(), {secret}).has_value());
    EXPECT_EQ(*read_branch(text.view(), {secret}), what);
    EXPECT_FALSE(read_branch(text.view(), {{secret.k0, secret.k1 + 1}}).has_value());
    for (std::size_t i = 0; i < text.view().size(); ++i) {
      std::string changed(text.view());
      changed[i] = changed[i] == 'c' ? 'd' : 'c';
      EXPECT_FALSE(read_branch(changed, {secret}).has_value()) << i;
      EXPECT_FALSE(read_branch(text.view().substr(0, i), {secret}).has_value()) << i;
    }
    std::string other(text.view());
    other[7] = other[7] == 's' ? 'd' : 's';
    EXPECT_FALSE(read_branch(other, {secret}).has_value());
  }
}

TEST(Branch, OfATransactionIsGoodForOneStartOnly) {
  // After kill -9 a phone repeats its answer to a call of before; the entry may be another call's by then.
  const auto transaction = write_branch(transaction_branch{{0}, 7, 1, 0}, {secret, 1});
  EXPECT_TRUE(read_branch(transaction.view(), {secret, 1}).has_value());
  EXPECT_FALSE(read_branch(transaction.view(), {secret, 2}).has_value());
  const auto stateless = write_branch(stateless_branch{42, 7, 0, at("192.0.2.7:5099")}, {secret, 1});
  EXPECT_TRUE(read_branch(stateless.view(), {secret, 2}).has_value()) << "a dialog outlives its proxy";
}

TEST(FlowToken, IsGoodForItsOwnCallOnly) {
  for (const char* callee : {"192.0.2.7:5099", "[2001:db8::7]:5099"}) {
    for (const char* caller : {"192.0.2.8:1024", "[2001:db8::8]:65535"}) {
      const flow_token token{{1, at(callee)}, {2, at(caller)}, true, 77};
      const auto text = write_flow_token(token, "call", secret);
      EXPECT_EQ(read_flow_token(text.view(), "call", secret), token);
      EXPECT_FALSE(read_flow_token(text.view(), "calm", secret).has_value());
      EXPECT_FALSE(read_flow_token(text.view(), "call", {1, 2}).has_value());
      for (std::size_t i = 0; i < text.view().size(); ++i) {
        std::string changed(text.view());
        changed[i] = changed[i] == 'c' ? 'd' : 'c';
        EXPECT_FALSE(read_flow_token(changed, "call", secret).has_value()) << i;
      }
    }
  }
}

TEST(FlowToken, AndBranchNeverPassForEachOther) {
  const auto token = write_flow_token({{0, at("192.0.2.7:1")}, {0, at("192.0.2.8:1")}, false, 1}, "", secret);
  EXPECT_FALSE(read_branch("z9hG4bKs" + std::string(token.view()), {secret}).has_value());
  EXPECT_FALSE(read_branch("z9hG4bKd" + std::string(token.view()), {secret}).has_value());
  const auto branch = write_branch(stateless_branch{1, 7, 0, at("192.0.2.7:1")}, {secret});
  EXPECT_FALSE(read_flow_token(branch.view().substr(8), "", secret).has_value());
}

}  // namespace
}  // namespace reveille
