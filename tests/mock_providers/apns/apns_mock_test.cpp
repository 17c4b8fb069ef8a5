#include "tests/mock_providers/backend_fixture.hpp"

namespace reveille::mock_providers {
namespace {

std::string words(const decision& d) { return std::to_string(d.answer.status) + " " + d.answer.reason; }

using ApnsMock = Desk;

TEST_F(ApnsMock, AcceptsAGoodPushAndHandsItToTheDevice) {
  const decision d = voip();
  EXPECT_EQ(d.answer.status, 200);
  EXPECT_EQ(d.answer.body, "");
  ASSERT_EQ(sink.all.size(), 1U);
  EXPECT_EQ(sink.all[0].token, "aabb");
  EXPECT_EQ(sink.all[0].app, "com.example.phone");
  EXPECT_EQ(sink.all[0].push_type, "voip");
  EXPECT_EQ(sink.all[0].payload, "{\"aps\":{}}");
}

TEST_F(ApnsMock, ChecksEachHeaderWithApplesWord) {
  struct row {
    fields change;
    const char* words;
  };
  const row rows[] = {
      {{{"apns-id", "NOT-A-UUID"}}, "400 BadMessageId"},
      {{{"apns-id", "123E4567-E89B-12D3-A456-4266554400A0"}}, "400 BadMessageId"},
      {{{"apns-topic", ""}}, "400 MissingTopic"},
      {{{"apns-topic", "com.example.phone"}}, "400 BadTopic"},
      {{{"apns-topic", "com.example.other.voip"}}, "400 TopicDisallowed"},
      {{{"apns-push-type", "alert"}}, "400 BadTopic"},
      {{{"apns-push-type", "ring"}}, "400 InvalidPushType"},
      {{{"apns-push-type", ""}}, "200 "},
      {{{"apns-push-type", ""}, {"apns-topic", "com.example.phone"}}, "200 "},
      {{{"apns-push-type", ""}, {"apns-topic", "com.example.other.voip"}}, "400 TopicDisallowed"},
      {{{"apns-priority", "7"}}, "400 BadPriority"},
      {{{"apns-push-type", "background"}, {"apns-topic", "com.example.phone"}}, "400 BadPriority"},
      {{{"apns-push-type", "background"}, {"apns-topic", "com.example.phone"}, {"apns-priority", ""}}, "400 BadPriority"},
      {{{"apns-push-type", "background"}, {"apns-topic", "com.example.phone"}, {"apns-priority", "5"}}, "200 "},
      {{{"apns-collapse-id", std::string(65, 'x')}}, "400 BadCollapseId"},
      {{{"apns-collapse-id", std::string(64, 'x')}}, "200 "},
      {{{"apns-expiration", "soon"}}, "400 BadExpirationDate"},
      {{{"apns-expiration", "-1"}}, "400 BadExpirationDate"},
      {{{"authorization", ""}}, "403 MissingProviderToken"},
  };
  for (const row& r : rows) EXPECT_EQ(words(voip(r.change)), r.words);
}

TEST_F(ApnsMock, RefusesADoubledHeader) {
  const decision d = request(apple_line, "POST", "/3/device/aabb", {{"apns-topic", "a"}, {"apns-topic", "b"}}, "{}");
  EXPECT_EQ(words(d), "400 DuplicateHeaders");
}

TEST_F(ApnsMock, ChecksMethodPathTokenAndBody) {
  EXPECT_EQ(words(voip({}, "{}", "/3/device/aabb", "GET")), "405 MethodNotAllowed");
  EXPECT_EQ(words(voip({}, "{}", "/4/device/aabb")), "404 BadPath");
  EXPECT_EQ(words(voip({}, "{}", "/3/device/")), "400 MissingDeviceToken");
  for (const char* bad : {"abc", "xyz1", "aa%20", "aa/bb"}) {
    EXPECT_EQ(words(voip({}, "{}", std::string("/3/device/") + bad)), "400 BadDeviceToken") << bad;
  }
  EXPECT_EQ(words(voip({}, "")), "400 PayloadEmpty");
  EXPECT_EQ(words(voip({}, "not json")), "400 PayloadEmpty");
  EXPECT_EQ(words(voip({}, "[1]")), "400 PayloadEmpty");
}

TEST_F(ApnsMock, AllowsMoreForVoipThanForTheRest) {
  const auto body = [](std::size_t n) { return "{\"a\":\"" + std::string(n - 8, 'x') + "\"}"; };
  EXPECT_EQ(words(voip({}, body(5120))), "200 ");
  EXPECT_EQ(words(voip({}, body(5121))), "413 PayloadTooLarge");
  const fields alert = {{"apns-push-type", "alert"}, {"apns-topic", "com.example.phone"}};
  EXPECT_EQ(words(voip(alert, body(4096))), "200 ");
  EXPECT_EQ(words(voip(alert, body(4097))), "413 PayloadTooLarge");
}

TEST_F(ApnsMock, VerifiesSignatureKeyAndTeam) {
  std::string forged = good_bearer;
  forged[forged.size() - 5] = forged[forged.size() - 5] == 'A' ? 'B' : 'A';
  const auto other = pns::signing_key::from_pem(credentials::generate()->apns_key_pem);
  for (const std::string& bad :
       {forged, std::string("bearer x"), std::string("bearer a.b.c"), bearer(now, "WRONGKEY00"), bearer(now, "ABC123DEFG", "WRONGTEAM0"),
        std::string("Basic abc"), "Bearer" + good_bearer.substr(6), bearer({now.steady, now.wall + seconds(600)})}) {
    apple_line = {front::apns, {}, false};
    EXPECT_EQ(words(voip({{"authorization", bad}})), "403 InvalidProviderToken") << bad.substr(0, 20);
  }
}

TEST_F(ApnsMock, LetsATokenGrowOldAndThenTheConnectionIsSpent) {
  pass(seconds(3600));
  EXPECT_EQ(words(voip()), "200 ");
  pass(seconds(1));
  EXPECT_EQ(words(voip()), "403 ExpiredProviderToken");
  const std::string fresh = bearer(now);
  EXPECT_EQ(words(voip({{"authorization", fresh}})), "403 ExpiredProviderToken") << "pushy: close it and reconnect";
  apple_line = {front::apns, {}, false};
  EXPECT_EQ(words(voip({{"authorization", fresh}})), "200 ");
}

TEST_F(ApnsMock, AnswersTooManyUpdatesToTokensWithinTwentyMinutes) {
  EXPECT_EQ(words(voip()), "200 ");
  pass(seconds(19 * 60));
  const std::string early = bearer(now);
  EXPECT_EQ(words(voip({{"authorization", early}})), "429 TooManyProviderTokenUpdates");
  EXPECT_EQ(words(voip()), "200 ") << "the old one still serves";
  pass(seconds(60));
  EXPECT_EQ(words(voip({{"authorization", early}})), "200 ");
}

TEST_F(ApnsMock, PutsAnApnsIdIntoEveryAnswer) {
  const std::string id = "123e4567-e89b-12d3-a456-4266554400a0";
  EXPECT_EQ(voip({{"apns-id", id}}).answer.headers[0].second, id);
  EXPECT_EQ(voip({{"authorization", ""}}).answer.headers[0].second.size(), 36U);
}

TEST_F(ApnsMock, RaisesTheStreamLimitAfterTheFirstAcceptedPushOnly) {
  EXPECT_EQ(backend->first_max_streams(front::apns), 1U);
  EXPECT_FALSE(voip({{"authorization", ""}}).max_streams);
  EXPECT_EQ(voip().max_streams, 1000U);
  EXPECT_FALSE(voip().max_streams);
}

TEST_F(ApnsMock, LowersTheStreamLimitAfterARefusalWhereAskedTo) {
  behaviour how;
  how.lower_streams_on_refusal = true;
  open(how);
  voip();
  EXPECT_EQ(voip({{"apns-priority", "7"}}).max_streams, 1U);
  EXPECT_EQ(voip().max_streams, 1000U);
}

TEST_F(ApnsMock, TellsWhenADeviceLeft) {
  backend->unregister(pns::provider::apns, "AABB", wall_time(milliseconds(1234567)));
  const decision d = voip();
  EXPECT_EQ(words(d), "410 Unregistered");
  EXPECT_EQ(d.answer.body, R"({"reason":"Unregistered","timestamp":1234567})");
}

TEST_F(ApnsMock, KnowsATokenInItsOwnEnvironmentAndTopicOnly) {
  backend->register_device(pns::provider::apns_dev, "aabb", "com.example.phone.voip", now);
  EXPECT_EQ(words(voip()), "400 BadDeviceToken");
  backend->register_device(pns::provider::apns, "aabb", "com.example.phone", now);
  EXPECT_EQ(words(voip()), "400 DeviceTokenNotForTopic");
}

TEST_F(ApnsMock, RefusesUnknownTokensWhereStrict) {
  behaviour how;
  how.unknown = unknown_tokens::refused;
  open(how);
  EXPECT_EQ(words(voip()), "400 BadDeviceToken");
}

TEST_F(ApnsMock, LimitsPushesPerDeviceAndMinute) {
  behaviour how;
  how.apns_per_device_per_minute = 2;
  open(how);
  voip();
  voip();
  EXPECT_EQ(words(voip()), "429 TooManyRequests");
  EXPECT_EQ(words(voip({}, "{}", "/3/device/ccdd")), "200 ");
  pass(seconds(60));
  EXPECT_EQ(words(voip()), "200 ");
}

TEST_F(ApnsMock, KeepsOneNotificationForADeviceThatIsAway) {
  backend->set_reachable(pns::provider::apns, "aabb", false, now);
  const std::string later = std::to_string(unix_seconds(now.wall) + 100);
  voip({{"apns-expiration", later}}, "{\"n\":1}");
  voip({{"apns-expiration", later}}, "{\"n\":2}");
  voip({{"apns-expiration", "0"}}, "{\"n\":3}");
  voip({{"apns-expiration", "28"}}, "{\"n\":4}");  // 1970
  EXPECT_TRUE(sink.all.empty());
  backend->set_reachable(pns::provider::apns, "aabb", true, now);
  ASSERT_EQ(sink.all.size(), 1U);
  EXPECT_EQ(sink.all[0].payload, "{\"n\":2}");
  EXPECT_EQ(backend->counters().deliveries.expired, 2U);
  EXPECT_EQ(backend->counters().deliveries.replaced, 1U);
}

TEST_F(ApnsMock, ForgetsWhatExpiredWhileTheDeviceWasAway) {
  backend->set_reachable(pns::provider::apns, "aabb", false, now);
  voip({{"apns-expiration", std::to_string(unix_seconds(now.wall) + 10)}});
  pass(seconds(11));
  backend->set_reachable(pns::provider::apns, "aabb", true, now);
  EXPECT_TRUE(sink.all.empty());
}

TEST_F(ApnsMock, DeliversAfterTheDrawnLatency) {
  behaviour how;
  how.delivery = {milliseconds(200), milliseconds(200), 0};
  open(how);
  voip();
  EXPECT_EQ(backend->advance(now), now.steady + milliseconds(200));
  EXPECT_TRUE(sink.all.empty());
  pass(milliseconds(200));
  EXPECT_FALSE(backend->advance(now));
  EXPECT_EQ(sink.all.size(), 1U);
}

TEST_F(ApnsMock, RecordsWhatArrivedAndCountsRepeatedIds) {
  const std::string id = "123e4567-e89b-12d3-a456-4266554400a0";
  voip({{"apns-id", id}});
  voip({{"apns-id", id}});
  voip({{"apns-priority", "7"}});
  ASSERT_EQ(backend->record().size(), 3U);
  EXPECT_EQ(backend->record()[2].reason, "BadPriority");
  EXPECT_EQ(backend->counters().providers[0].repeated_ids, 1U);
  EXPECT_EQ(backend->counters().providers[0].accepted, 2U);
}

TEST_F(ApnsMock, ForgetsTheOldestOfTheRecord) {
  behaviour how;
  how.record_limit = 2;
  open(how);
  for (int i = 0; i < 5; ++i) voip({}, "{\"n\":" + std::to_string(i) + "}");
  ASSERT_EQ(backend->record().size(), 2U);
  EXPECT_EQ(backend->record()[0].payload, "{\"n\":3}");
}

// Faults.
TEST_F(ApnsMock, FollowsTheScript) {
  backend->use(fault_script::parse(R"([
      {"from": 10, "until": 20, "answer": {"status": 503, "reason": "ServiceUnavailable", "retry_after": 3}},
      {"token_prefix": "dead", "answer": {"status": 410, "reason": "Unregistered", "timestamp": 5}},
      {"token_prefix": "ff00", "silence": true},
      {"token_prefix": "ff01", "reset": "refused_stream"},
      {"provider": "fcm", "silence": true},
      {"every": 3, "goaway": "Shutdown"}])").value(), now);
  EXPECT_EQ(words(voip()), "200 ");
  EXPECT_EQ(words(voip({}, "{}", "/3/device/deadbeef")), "410 Unregistered");
  const decision silent = voip({}, "{}", "/3/device/ff00");
  EXPECT_TRUE(silent.silence);
  ASSERT_TRUE(silent.goaway);
  EXPECT_EQ(silent.goaway->reason, "Shutdown");
  EXPECT_EQ(voip({}, "{}", "/3/device/ff01").reset, reset_kind::refused_stream);
  pass(seconds(10));
  const decision burst = voip();
  EXPECT_EQ(words(burst), "503 ServiceUnavailable");
  EXPECT_EQ(burst.answer.headers.front().second, "3");
  pass(seconds(10));
  EXPECT_EQ(words(voip()), "200 ");
  EXPECT_EQ(sink.all.size(), 2U) << "only what was accepted reaches a device";
}

TEST(DeliveryLine, ComesBackAsItWent) {
  remembering_sink sink;
  std::string line;
  append_delivery_line(line, {pns::provider::fcm, "t\"ok", "p\\", "data", "0:1", "{\"a\":\n\"b,\\\"payload\\\":\"}", {}, {}});
  ASSERT_EQ(line.find('\n'), line.size() - 1);
  line.pop_back();
  ASSERT_TRUE(read_delivery_line(line, sink));
  EXPECT_EQ(sink.all[0].token, "t\"ok");
  EXPECT_EQ(sink.all[0].app, "p\\");
  EXPECT_EQ(sink.all[0].payload, "{\"a\": \"b,\\\"payload\\\":\"}");
  for (const char* bad : {"", "{}", "{\"provider\":\"apns\"}", "{,\"payload\":{}}", "nonsense,\"payload\":{}}"}) {
    EXPECT_FALSE(read_delivery_line(bad, sink)) << bad;
  }
}

}  // namespace
}  // namespace reveille::mock_providers
