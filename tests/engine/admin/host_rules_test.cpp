// Who may be asked for by name (SPEC 8.3).
#include "engine/admin/host_rules.hpp"

#include <gtest/gtest.h>

namespace reveille {
namespace {

using verdict = host_rules::verdict;

host_rules at(std::string_view listen, std::vector<std::string> names = {}) {
  return {*parse_endpoint(listen), std::move(names)};
}

TEST(HostRules, KnowLoopbackAndTheirOwnAddressByAnyPort) {
  const host_rules rules = at("192.0.2.7:8080");
  for (const char* host : {"localhost", "localhost:8080", "LocalHost.:9", "127.0.0.1:8080", "127.1.2.3", "[::1]:8080", "[::1]",
                           "192.0.2.7", "192.0.2.7:80"}) {
    EXPECT_EQ(rules.judge(host, ""), verdict::good) << host;
  }
}

TEST(HostRules, RefuseEveryOtherName) {
  const host_rules rules = at("127.0.0.1:8080");
  for (const char* host : {"attacker.example", "attacker.example:8080", "127.0.0.1.attacker.example", "localhost.attacker.example",
                           "notlocalhost", "192.0.2.7", "2130706433", "0x7f.1", "[::1", "::1", "[localhost]", "localhost:80x",
                           "a@localhost", "localhost, attacker.example", ":8080", " ", "."}) {
    EXPECT_EQ(rules.judge(host, ""), verdict::foreign_host) << host;
  }
}

TEST(HostRules, LetGoWhoNamesNone) { EXPECT_EQ(at("127.0.0.1:8080").judge("", ""), verdict::good); }

TEST(HostRules, KnowTheNamesOfTheSetting) {
  const host_rules rules = at("127.0.0.1:8080", {"Node1.example", "192.0.2.9"});
  EXPECT_EQ(rules.judge("node1.Example:8080", ""), verdict::good);
  EXPECT_EQ(rules.judge("node1.example.", ""), verdict::good);
  EXPECT_EQ(rules.judge("192.0.2.9", ""), verdict::good);
  EXPECT_EQ(rules.judge("node2.example", ""), verdict::foreign_host);
}

TEST(HostRules, TakeEachLiteralAddressForOursOnEveryAddress) {
  for (const host_rules& rules : {at("0.0.0.0:8080"), at("[::]:8080")}) {
    EXPECT_EQ(rules.judge("192.0.2.7:8080", ""), verdict::good);
    EXPECT_EQ(rules.judge("[2001:db8::7]:8080", ""), verdict::good);
    EXPECT_EQ(rules.judge("attacker.example", ""), verdict::foreign_host);
  }
}

TEST(HostRules, RefuseTheOriginOfAForeignPage) {
  const host_rules rules = at("127.0.0.1:8080", {"node1.example"});
  for (const char* origin : {"http://127.0.0.1:8080", "https://localhost", "http://[::1]:3000", "https://node1.example:443"}) {
    EXPECT_EQ(rules.judge("127.0.0.1:8080", origin), verdict::good) << origin;
  }
  for (const char* origin : {"http://attacker.example", "null", "https://node1.example.attacker.example", "file://", "http://",
                             "moz-extension://localhost", "127.0.0.1:8080"}) {
    EXPECT_EQ(rules.judge("127.0.0.1:8080", origin), verdict::foreign_origin) << origin;
  }
}

}  // namespace
}  // namespace reveille
