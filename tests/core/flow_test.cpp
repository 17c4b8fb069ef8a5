#include "core/flow.hpp"

#include <gtest/gtest.h>

namespace reveille {
namespace {

TEST(Endpoint, SurvivesTextAndBack) {
  for (const char* text : {"127.0.0.1:5060", "0.0.0.0:0", "[::1]:5061", "[2001:db8::7]:65535"}) {
    const auto parsed = parse_endpoint(text);
    ASSERT_TRUE(parsed.has_value()) << text;
    EXPECT_EQ(parsed->text(), text);
  }
}

TEST(Endpoint, SaysWhatIsWrongWithAText) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "not ADDRESS:PORT"},          {"127.0.0.1", "not ADDRESS:PORT"},
      {"::1:5060", "not ADDRESS:PORT"},  {"127.0.0.1:", "port"},
      {"127.0.0.1:65536", "port"},       {"127.0.0.1:5o60", "port"},
      {"localhost:5060", "IPv4"},        {"[::g]:5060", "IPv4"},
      {"127.0.0.1.5:5060", "IPv4"},
  };
  for (const auto& [text, expected] : cases) {
    const auto parsed = parse_endpoint(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_NE(parsed.error().what.find(expected), std::string::npos) << parsed.error().what;
  }
}

TEST(Endpoint, TellsFourFromSix) {
  EXPECT_FALSE(parse_address("10.0.0.1", 5060)->v6);
  EXPECT_TRUE(parse_address("[::ffff:10.0.0.1]", 5060)->v6);
  EXPECT_NE(*parse_address("::1", 5060), *parse_address("::1", 5061));
}

}  // namespace
}  // namespace reveille
