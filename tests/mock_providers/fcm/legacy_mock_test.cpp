// FCM's legacy API (PROVIDERS 3), v1's finer checks, and what waits for a device that is away.
#include <nlohmann/json.hpp>

#include "tests/mock_providers/backend_fixture.hpp"

namespace reveille::mock_providers {
namespace {

using nlohmann::json;
const std::string token = "cdefghijk:APA91bExample";
std::string words(const decision& d) { return std::to_string(d.answer.status) + " " + d.answer.reason; }

class LegacyFcm : public Desk {
 protected:
  LegacyFcm() {
    behaviour how;
    how.legacy_key = "AAAA";
    open(how);
  }
  decision send(const json& body, const std::string& key = "key=AAAA") { return send_text(body.dump(), key); }
  decision send_text(const std::string& body, const std::string& key = "key=AAAA") {
    return request(google_line, "POST", "/fcm/send", {{"authorization", key}}, body);
  }
};

TEST_F(LegacyFcm, AnswersEachOfSeveralTokensInOrder) {
  backend->unregister(pns::provider::fcm, "gone-token-1", now.wall);
  backend->set_canonical("old-token-22", "new-token-22");
  const decision d = send({{"registration_ids", {token, "gone-token-1", "!", "old-token-22"}}, {"data", {{"type", "invite"}}}});
  EXPECT_EQ(d.answer.status, 200);
  const json body = json::parse(d.answer.body);
  EXPECT_EQ(body["success"], 2);
  EXPECT_EQ(body["failure"], 2);
  EXPECT_EQ(body["canonical_ids"], 1);
  EXPECT_TRUE(body["results"][0].contains("message_id"));
  EXPECT_EQ(body["results"][1]["error"], "NotRegistered");
  EXPECT_EQ(body["results"][2]["error"], "InvalidRegistration");
  EXPECT_EQ(body["results"][3]["registration_id"], "new-token-22");
  ASSERT_EQ(sink.all.size(), 2U);
  EXPECT_EQ(sink.all[1].token, "old-token-22");
  EXPECT_EQ(backend->record().size(), 4U);
  EXPECT_EQ(backend->counters().providers[2].requests, 1U);
}

TEST_F(LegacyFcm, ChecksTheRequestAsAWhole) {
  json many = json::array();
  for (int i = 0; i < 1001; ++i) many.push_back(token);
  const std::pair<json, int> rows[] = {{{{"registration_ids", many}}, 400},
                                       {{{"registration_ids", json::array()}}, 400},
                                       {{{"registration_ids", {1}}}, 400},
                                       {{{"registration_ids", token}}, 400},
                                       {{{"to", token}, {"registration_ids", {token}}}, 400},
                                       {{{"to", 5}}, 400},
                                       {{{"to", token}, {"data", "x"}}, 400},
                                       {{{"to", token}, {"dry_run", "yes"}}, 400},
                                       {{{"to", token}, {"time_to_live", "28"}}, 400},
                                       {{{"to", token}, {"priority", "urgent"}}, 400},
                                       {{{"to", token}, {"collapse_key", 1}}, 400},
                                       {{{"to", token}, {"priority", 10}}, 200},
                                       {{{"to", "/topics/news"}}, 200},
                                       {{{"condition", "'a' in topics"}}, 200}};
  for (const auto& [body, status] : rows) EXPECT_EQ(send(body).answer.status, status) << body.dump().substr(0, 80);
  many.erase(0);
  EXPECT_EQ(json::parse(send({{"registration_ids", many}}).answer.body)["success"], 1000);
  EXPECT_EQ(send({{"to", token}}, "key=BBBB").answer.status, 401);
  EXPECT_EQ(send({{"to", token}}, "Bearer AAAA").answer.status, 401);
}

TEST_F(LegacyFcm, OnlyTriesWhereDryRunIsAsked) {
  EXPECT_EQ(words(send({{"to", token}, {"dry_run", true}})), "200 ");
  EXPECT_TRUE(sink.all.empty());
}

TEST_F(LegacyFcm, FailsAsTheScriptSays) {
  backend->use(fault_script::parse(R"([{"path": "/fcm/send", "times": 1, "answer": {"status": 200, "reason": "Unavailable"}},
      {"path": "/fcm/send", "times": 1, "answer": {"status": 503, "reason": "down", "retry_after": 9}}])").value(), now);
  EXPECT_EQ(json::parse(send({{"to", token}}).answer.body)["results"][0]["error"], "Unavailable");
  const decision down = send({{"to", token}});
  EXPECT_EQ(words(down), "503 down");
  EXPECT_EQ(down.answer.headers.front().second, "9");
  EXPECT_EQ(words(send({{"to", token}})), "200 ");
  EXPECT_EQ(sink.all.size(), 1U);
}

class FcmV1 : public Desk {
 protected:
  FcmV1() { access = buy_token(); }
  decision with(const std::string& members) { return fcm(R"({"message":{"token":")" + token + "\"," + members + "}}"); }
};

TEST_F(FcmV1, ChecksTypesInEveryCorner) {
  const std::pair<const char*, const char*> rows[] = {
      {R"("notification":{"title":"a","body":"b"})", ""},
      {R"("notification":{"title":5})", "message.notification.title"},
      {R"("notification":{"badge":"5"})", "Unknown name"},
      {R"("android":{"collapseKey":"a","restrictedPackageName":"b","directBootOk":true,"fcmOptions":{}})", ""},
      {R"("android":{"direct_boot_ok":"true"})", "TYPE_BOOL"},
      {R"("android":{"collapse_key":7})", "message.android.collapse_key"},
      {R"("android":{"notification":{"channelId":"x","notification_count":3}})", ""},
      {R"("android":{"notification":{"channel":"x"}})", "Unknown name"},
      {R"("android":{"data":{"n":1}})", "message.android.data[0].value"},
      {R"("apns":{"headers":{"apns-priority":"10"},"payload":{"aps":{"badge":1}}})", ""},
      {R"("apns":{"headers":{"apns-priority":10}})", "message.apns.headers[0].value"},
      {R"("apns":{"alert":"x"})", "Unknown name"},
      {R"("webpush":{"headers":{"TTL":"28"}})", ""},
      {R"("webpush":{"headers":{"TTL":28}})", "message.webpush.headers[0].value"},
      {R"("fcmOptions":{"analytics_label":"x"})", ""},
      {R"("data":{"message_type":"x"})", "Invalid data payload key"}};
  for (const auto& [members, says] : rows) {
    const decision d = with(members);
    EXPECT_EQ(d.answer.status, *says ? 400 : 200) << members << d.answer.body;
    EXPECT_NE(d.answer.body.find(says), std::string::npos) << d.answer.body;
  }
  EXPECT_EQ(words(fcm(R"({"message":{"topic":"news"}})")), "200 ");
  EXPECT_EQ(words(fcm(R"({"message":{"topic":"a b"}})")), "400 INVALID_ARGUMENT");
  EXPECT_EQ(words(fcm(R"({"message":{"condition":"'a' in topics && 'b' in topics"}})")), "200 ");
  EXPECT_EQ(words(fcm(R"({"validateOnly":true,"message":{"topic":"news"}})")), "200 ");
  EXPECT_TRUE(backend->record()[backend->record().size() - 1].token.empty());
}

TEST_F(FcmV1, NamesTheQuotaThatIsSpent) {
  behaviour how;
  how.fcm_per_device_per_minute = 2;
  open(how);
  access = buy_token();
  with(R"("data":{})");
  with(R"("data":{})");
  const decision d = with(R"("data":{})");
  EXPECT_EQ(words(d), "429 QUOTA_EXCEEDED");
  const json details = json::parse(d.answer.body)["error"]["details"];
  EXPECT_EQ(details[0]["@type"], "type.googleapis.com/google.firebase.fcm.v1.FcmError");
  EXPECT_EQ(details[1]["@type"], "type.googleapis.com/google.rpc.QuotaFailure");
  EXPECT_EQ(details[1]["violations"][0]["subject"], "device");
  EXPECT_EQ(words(fcm(R"({"message":{"token":"another-token:x"}})")), "200 ");
}

TEST_F(FcmV1, KeepsTheNewestOfFourCollapseKeys) {
  backend->set_reachable(pns::provider::fcm, token, false, now);
  const auto send = [&](const std::string& key, int n) {
    with(R"("data":{"n":")" + std::to_string(n) + R"("},"android":{"collapse_key":")" + key + "\"}");
  };
  send("a", 1);
  send("a", 2);
  for (const char* key : {"b", "c", "d", "e"}) send(key, 3);
  with(R"("data":{"n":"plain"})");
  with(R"("data":{"n":"plain"})");
  EXPECT_TRUE(sink.all.empty());
  backend->set_reachable(pns::provider::fcm, token, true, now);
  EXPECT_EQ(sink.all.size(), 6U) << "b to e, and two without a key";
  EXPECT_EQ(backend->counters().deliveries.replaced, 2U);
}

TEST_F(FcmV1, DropsAHundredPlainMessagesForOneMore) {
  backend->set_reachable(pns::provider::fcm, token, false, now);
  for (int i = 0; i < 101; ++i) with(R"("data":{"n":"x"})");
  backend->set_reachable(pns::provider::fcm, token, true, now);
  EXPECT_EQ(sink.all.size(), 1U);
}

TEST_F(FcmV1, LeavesADeviceAsleepForLowPriority) {
  behaviour how;
  how.low_priority = {milliseconds(500), milliseconds(500), 0};
  open(how);
  access = buy_token();
  with(R"("android":{"priority":"HIGH"})");
  EXPECT_EQ(sink.all.size(), 1U);
  with(R"("android":{"priority":"NORMAL"})");
  EXPECT_EQ(sink.all.size(), 1U);
  pass(milliseconds(500));
  backend->advance(now);
  EXPECT_EQ(sink.all.size(), 2U);
}

TEST_F(FcmV1, CountsWhatWasAcceptedTwiceByTokenAndData) {
  with(R"("data":{"call":"1"})");
  with(R"("data":{"call":"1"})");
  with(R"("data":{"call":"2"})");
  EXPECT_EQ(backend->ledger().sums().distinct, 2U);
  EXPECT_EQ(backend->counters().providers[2].repeated_ids, 1U);
}

}  // namespace
}  // namespace reveille::mock_providers
