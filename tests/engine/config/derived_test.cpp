#include "engine/config/derived.hpp"

#include <gtest/gtest.h>

namespace reveille::config {
namespace {

TEST(Derived, LeavesACoreToThePushes) {
  settings s;
  EXPECT_EQ(shard_count(s, 1), 1);
  EXPECT_EQ(shard_count(s, 2), 1);
  EXPECT_EQ(shard_count(s, 8), 7);
  EXPECT_EQ(shard_count(s, 1000), 64);
  s.node.shards = 3;
  EXPECT_EQ(shard_count(s, 1), 3);
}

TEST(Derived, GivesShardsTheirSocketsNamesAndPeers) {
  settings s;
  s.node.listen = {"udp:127.0.0.1:5062", "udp:[::1]:5062"};
  s.node.advertise = "sip.example.com";
  s.node.domains = {"Example.COM"};
  s.trust.peers = {"10.1.2.3"};
  const shard_config out = for_shards(s, 2, {});
  ASSERT_EQ(out.listeners.size(), 2U);
  EXPECT_EQ(out.listeners[0].address.text(), "127.0.0.1:5062");
  EXPECT_EQ(out.listeners[1].address.text(), "[::1]:5062");
  EXPECT_EQ(out.listeners[1].sent_by, "sip.example.com");
  EXPECT_EQ(out.domains, std::vector<std::string>{"example.com"});
  ASSERT_EQ(out.trusted_peers.size(), 1U);
  EXPECT_EQ(out.trusted_peers[0].port, 0);
}

TEST(Derived, SwitchesBothOfApplesProvidersOff) {
  settings s;
  s.apns.enabled = false;
  const subscriber_config out = for_subscribers(s);
  EXPECT_FALSE(out.is_enabled(pns::provider::apns));
  EXPECT_FALSE(out.is_enabled(pns::provider::apns_dev));
  EXPECT_TRUE(out.is_enabled(pns::provider::fcm));
}

TEST(Derived, SwitchesOneAppOffAndNotItsSiblings) {
  settings s;
  s.apns.apps.resize(2);
  s.apns.apps[0].bundle = "com.example.one";
  s.apns.apps[1].bundle = "com.example.two";
  s.apns.apps[1].enabled = false;
  s.fcm.apps.resize(1);
  s.fcm.apps[0].project = "paused";
  s.fcm.apps[0].paused = true;  // its bindings stay what they are
  const subscriber_config out = for_subscribers(s);
  const auto on = [&](pns::provider p, const char* app) { return out.apps.is_enabled({p, "", app, {}}); };
  for (const pns::provider p : {pns::provider::apns, pns::provider::apns_dev}) {
    EXPECT_TRUE(on(p, "com.example.one"));
    EXPECT_FALSE(on(p, "com.example.two"));
    EXPECT_TRUE(on(p, "com.example.nobodys"));
  }
  EXPECT_TRUE(on(pns::provider::fcm, "paused"));
}

TEST(Derived, SharesTheResidentsAmongTheHomes) {
  settings s;
  s.limits.resident_subscribers = 1000;
  s.limits.resident_bytes = 4'000'000'000;
  EXPECT_EQ(for_homes(s, 4).resident_limit, 250U);
  EXPECT_EQ(for_homes(s, 4).resident_bytes, 1'000'000'000U);
}

TEST(Derived, GivesEachShardItsBounds) {
  settings s;
  s.node.listen = {"udp:192.0.2.1:5060"};
  s.shards.server_transactions = 4096;
  s.shards.token_owner_bytes = 5 << 20;
  const shard_limits limits = for_shards(s, 2, {}).limits;
  EXPECT_EQ(limits.server_transactions, 4096U);
  EXPECT_EQ(limits.client_transactions, 4096U);
  EXPECT_EQ(limits.token_owner_bytes, std::size_t{5} << 20);
}

}  // namespace
}  // namespace reveille::config
