#include "sip/transaction_index.hpp"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "core/random.hpp"

namespace reveille::sip {
namespace {

TEST(TransactionIndex, AgreesWithAMapOverRandomInsertionsAndErasures) {
  transaction_index index(200);
  std::map<std::uint64_t, std::uint32_t> model;
  seeded_random random(7);
  for (std::uint32_t i = 0; i < 50'000; ++i) {
    // Few slots and many equal low bits, so that runs collide and wrap around the end.
    const std::uint64_t name = random.below(40) << 32 | (random.below(3) == 0 ? 511 : random.below(20));
    if (const auto known = model.find(name); known != model.end()) {
      ASSERT_EQ(index.find(name), known->second);
      index.erase(name);
      model.erase(known);
    } else if (index.insert(name, i)) {
      model[name] = i;
    } else {
      ASSERT_EQ(model.size(), 200u);
    }
    ASSERT_EQ(index.size(), model.size());
  }
  for (const auto& [name, entry] : model) EXPECT_EQ(index.find(name), entry);
}

TEST(TransactionIndex, RefusesAtItsBoundAndTakesAgainAfterAnErasure) {
  transaction_index index(2);
  EXPECT_TRUE(index.insert(1, 10));
  EXPECT_TRUE(index.insert(2, 20));
  EXPECT_FALSE(index.insert(3, 30));
  index.erase(1);
  index.erase(99);  // unknown: no harm
  EXPECT_TRUE(index.insert(3, 30));
  EXPECT_EQ(index.find(1), transaction_index::none);
  EXPECT_EQ(index.find(3), 30u);
}

}  // namespace
}  // namespace reveille::sip
