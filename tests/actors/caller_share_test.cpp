#include <gtest/gtest.h>

#include <vector>

#include "actors/caller_share.hpp"

namespace reveille {
namespace {

caller_source from(std::string_view address, bool trusted = false) {
  return {*parse_endpoint(address), transport::udp, trusted};
}

std::vector<caller_source> times(std::size_t count, const caller_source& who) { return {count, who}; }

std::vector<caller_source> together(std::vector<caller_source> a, const std::vector<caller_source>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

constexpr std::size_t limit = 16;

TEST(CallerShare, ACallerThatIsAloneMayTakeAllPlaces) {
  EXPECT_EQ(taken_places(times(15, from("10.0.0.1:5060")), from("10.0.0.1:5060"), limit), 15u);
  EXPECT_EQ(taken_places(times(16, from("10.0.0.1:5060")), from("10.0.0.1:5060"), limit), 16u);
}

TEST(CallerShare, AnotherFlowCountsForHalf) {
  EXPECT_EQ(taken_places(times(16, from("10.0.0.1:5060")), from("10.0.0.2:5060"), limit), 8u);
  EXPECT_EQ(taken_places(times(16, from("10.0.0.1:5060")), from("10.0.0.1:5061"), limit), 8u);
}

TEST(CallerShare, ManyFlowsOfOneAddressCountForThreeQuarters) {
  std::vector<caller_source> held;
  for (int port = 1000; port < 1024; ++port) held.push_back(from("10.0.0.1:" + std::to_string(port)));
  EXPECT_EQ(taken_places(held, from("10.0.0.2:5060"), limit), 12u);
  EXPECT_EQ(taken_places(held, from("10.0.0.1:5060"), limit), 24u) << "behind that address nobody can be told apart";
}

TEST(CallerShare, TrustedPeersCountInFullAndSeeStrangersAsHalf) {
  const auto strangers = together(times(10, from("10.0.0.1:5060")), times(10, from("10.0.0.2:5060")));
  EXPECT_EQ(taken_places(strangers, from("10.0.0.9:5060", true), limit), 8u);
  EXPECT_EQ(taken_places(times(16, from("10.0.0.9:5060", true)), from("10.0.0.1:5060"), limit), 16u);
  EXPECT_EQ(taken_places(times(16, from("10.0.0.9:5060", true)), from("10.0.0.9:5060", true), limit), 16u);
}

TEST(CallerShare, FewCallersEachHaveTheirs) {
  const auto held = together(times(8, from("10.0.0.1:5060")), times(8, from("10.0.0.2:5060")));
  EXPECT_EQ(taken_places(held, from("10.0.0.3:5060"), limit), 16u);
}

TEST(CallerShare, HoldsForTheLeastLimits) {
  EXPECT_EQ(taken_places(times(1, from("10.0.0.1:5060")), from("10.0.0.2:5060"), 1), 1u);
  EXPECT_EQ(taken_places(times(2, from("10.0.0.1:5060")), from("10.0.0.2:5060"), 2), 1u);
}

TEST(CallerShare, NobodyEverSeesMoreThanTwiceTheLimitHeld) {
  // Each newcomer that finds a place takes it, whatever it is: the whole stays bounded.
  std::vector<caller_source> held;
  for (int round = 0; round < 40; ++round) {
    for (int address = 1; address <= 20; ++address) {
      for (const char* port : {":1000", ":1001", ":1002"}) {
        const caller_source by = from("10.0.0." + std::to_string(address) + port);
        if (taken_places(held, by, limit) < limit) held.push_back(by);
      }
    }
  }
  EXPECT_LE(held.size(), 2 * limit);
}

}  // namespace
}  // namespace reveille
