#include <nlohmann/json.hpp>

#include "mock_providers/fcm/fcm_message.hpp"
#include "pns/fcm_answer.hpp"
#include "tests/mock_providers/backend_fixture.hpp"

namespace reveille::mock_providers {
namespace {

using nlohmann::json;
const std::string token = "cdefghijk:APA91bExample";

std::string message(const std::string& members, const std::string& target = R"("token":"cdefghijk:APA91bExample")") {
  return "{\"message\":{" + target + (members.empty() ? "" : ",") + members + "}}";
}
std::string words(const decision& d) { return std::to_string(d.answer.status) + " " + d.answer.reason; }

class FcmMock : public Desk {
 protected:
  FcmMock() { access = buy_token(); }
};

TEST_F(FcmMock, AcceptsWhatTheEngineSends) {
  const decision d = fcm(message(R"("data":{"type":"invite","date":"1623753691"},"android":{"priority":"HIGH","ttl":"28s"})"));
  EXPECT_EQ(words(d), "200 ");
  EXPECT_TRUE(json::parse(d.answer.body)["name"].get<std::string>().starts_with("projects/reveille-mock/messages/0:"));
  ASSERT_EQ(sink.all.size(), 1U);
  EXPECT_EQ(sink.all[0].token, token);
  EXPECT_EQ(sink.all[0].payload, R"({"type":"invite","date":"1623753691"})");
}

TEST_F(FcmMock, ChecksMessagesAsGoogleDoes) {
  struct row {
    std::string body;
    const char* words;
    const char* says;
  };
  const row rows[] = {
      {"nonsense", "400 INVALID_ARGUMENT", "Invalid JSON payload"},
      {"{}", "400 INVALID_ARGUMENT", "Recipient of the message is not set"},
      {message("", ""), "400 INVALID_ARGUMENT", "Recipient of the message is not set"},
      {message(R"("topic":"x")"), "400 INVALID_ARGUMENT", "exactly one target"},
      {message(R"("data":{"date":1})"), "400 INVALID_ARGUMENT", "message.data[0].value"},
      {message(R"("data":{"a":"x","date":1})"), "400 INVALID_ARGUMENT", "message.data[1].value"},
      {message(R"("data":{"from":"x"})"), "400 INVALID_ARGUMENT", "Invalid data payload key: from"},
      {message(R"("data":{"google.x":"x"})"), "400 INVALID_ARGUMENT", "Invalid data payload key"},
      {message(R"("data":{"gcm":"x"})"), "400 INVALID_ARGUMENT", "Invalid data payload key"},
      {message(R"("android":{"ttl":28})"), "400 INVALID_ARGUMENT", "message.android.ttl"},
      {message(R"("android":{"ttl":"28"})"), "400 INVALID_ARGUMENT", "Duration"},
      {message(R"("android":{"ttl":"-1s"})"), "400 INVALID_ARGUMENT", "Duration"},
      {message(R"("android":{"ttl":"2419201s"})"), "400 INVALID_ARGUMENT", "ttl"},
      {message(R"("android":{"ttl":"3.5s"})"), "200 ", ""},
      {message(R"("android":{"priority":10})"), "400 INVALID_ARGUMENT", "AndroidMessagePriority"},
      {message(R"("android":{"priority":"high"})"), "200 ", ""},
      {message(R"("android":{"importance":"high"})"), "400 INVALID_ARGUMENT", "Unknown name"},
      {message(R"("priority":"HIGH")"), "400 INVALID_ARGUMENT", "Unknown name"},
      {message("", R"("token":"short")"), "400 INVALID_ARGUMENT", "not a valid FCM registration token"},
      {message(R"("data":{"a":")" + std::string(4095, 'x') + "\"}"), "200 ", ""},
      {message(R"("data":{"a":")" + std::string(4096, 'x') + "\"}"), "400 INVALID_ARGUMENT", "too big"},
  };
  for (const row& r : rows) {
    const decision d = fcm(r.body);
    EXPECT_EQ(words(d), r.words) << r.body.substr(0, 100);
    EXPECT_NE(d.answer.body.find(r.says), std::string::npos) << d.answer.body;
  }
}

TEST_F(FcmMock, ChecksTheAccessToken) {
  const std::string good = access;
  for (const std::string& bad : {std::string("Bearer ya29.other"), "bearer" + good.substr(6), std::string("key=x")}) {
    access = bad;
    EXPECT_EQ(words(fcm(message(""))), "401 UNAUTHENTICATED");
  }
  access = good;
  EXPECT_EQ(words(fcm(message(""))), "200 ");
  EXPECT_EQ(words(fcm(message(""), "other-project")), "403 PERMISSION_DENIED");
  pass(seconds(3600));
  EXPECT_EQ(words(fcm(message(""))), "401 UNAUTHENTICATED");
  access = buy_token();
  backend->revoke_access_tokens();
  EXPECT_EQ(words(fcm(message(""))), "401 UNAUTHENTICATED");
}

TEST_F(FcmMock, TellsDeadAndForeignTokensAsTheEngineSortsThem) {
  const auto sorted = [&](const decision& d) {
    return pns::sort_fcm_answer({d.answer.status, d.answer.body, "", ""}, prid(token), now.wall).outcome;
  };
  EXPECT_TRUE(std::holds_alternative<pns::accepted>(sorted(fcm(message("")))));
  backend->register_device(pns::provider::fcm, token, "another-project", now);
  EXPECT_TRUE(std::holds_alternative<pns::suspect_token>(sorted(fcm(message("")))));
  backend->unregister(pns::provider::fcm, token, now.wall);
  EXPECT_TRUE(std::holds_alternative<pns::dead_token>(sorted(fcm(message("")))));
  EXPECT_TRUE(std::holds_alternative<pns::suspect_token>(sorted(fcm(message("", R"("token":"short")")))));
}

TEST_F(FcmMock, SaysHowLongTheQuotaLasts) {
  behaviour how;
  how.fcm_per_minute = 1;
  open(how);
  access = buy_token();
  EXPECT_EQ(words(fcm(message(""))), "200 ");
  pass(seconds(20));
  const decision d = fcm(message(""));
  EXPECT_EQ(words(d), "429 QUOTA_EXCEEDED");
  EXPECT_EQ(d.answer.headers.front().second, "40");
}

TEST_F(FcmMock, OnlyChecksWhereValidateOnlyIsAsked) {
  EXPECT_EQ(words(fcm("{\"validate_only\":true," + message("").substr(1))), "200 ");
  EXPECT_TRUE(sink.all.empty());
}

TEST_F(FcmMock, AnswersUnknownPathsWithAPage) {
  const decision d = request(google_line, "POST", "/v2/x", {}, "");
  EXPECT_EQ(d.answer.status, 404);
  EXPECT_NE(d.answer.body.find("<html"), std::string::npos);
}

TEST_F(FcmMock, ServesTheLegacyApiForItsKey) {
  behaviour how;
  how.legacy_key = "AAAA";
  open(how);
  const auto send = [&](const std::string& body, const std::string& key = "key=AAAA") {
    return request(google_line, "POST", "/fcm/send", {{"authorization", key}}, body);
  };
  EXPECT_EQ(send("{}", "key=BBBB").answer.status, 401);
  EXPECT_EQ(send("nonsense").answer.status, 400);
  const std::string to = R"({"to":"cdefghijk:APA91bExample","priority":10)";
  EXPECT_EQ(words(send(to + R"(,"data":{"type":"invite","date":1623753691},"time_to_live":28})")), "200 ");
  EXPECT_EQ(sink.all.back().payload, R"({"date":1623753691,"type":"invite"})");
  EXPECT_EQ(send(to + R"(,"time_to_live":99999999})").answer.reason, "InvalidTtl");
  EXPECT_EQ(send(to + R"(,"data":{"from":"x"}})").answer.reason, "InvalidDataKey");
  EXPECT_EQ(send(R"({"to":"!"})").answer.reason, "InvalidRegistration");
  EXPECT_EQ(send("{}").answer.reason, "MissingRegistration");
  backend->unregister(pns::provider::fcm, token, now.wall);
  EXPECT_EQ(send(to + "}").answer.reason, "NotRegistered");
}

TEST_F(FcmMock, KeepsTheLegacyApiShutByDefault) {
  EXPECT_EQ(request(google_line, "POST", "/fcm/send", {{"authorization", "key="}}, "{}").answer.status, 404);
}

class OAuthMock : public Desk {
 protected:
  std::string post(const json& claims, const json& header = {{"alg", "RS256"}}) {
    const auto key = pns::signing_key::from_pem(test_keys().google_key_pem).value();
    const std::string jwt = pns::make_jwt(key, header.dump(), claims.dump()).value();
    return error_of("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=" + jwt);
  }
  std::string error_of(const std::string& form) {
    return json::parse(request(google_line, "POST", "/token", {}, form).answer.body).value("error", "");
  }
  json good() {
    const std::int64_t t = unix_seconds(now.wall);
    return {{"iss", identity{}.client_email}, {"scope", "https://www.googleapis.com/auth/firebase.messaging"},
            {"aud", "https://localhost/token"}, {"iat", t}, {"exp", t + 3600}};
  }
  json with(const char* name, json value) {
    json c = good();
    c[name] = std::move(value);
    return c;
  }
};

TEST_F(OAuthMock, VerifiesTheAssertion) {
  const std::int64_t t = unix_seconds(now.wall);
  EXPECT_EQ(post(good()), "");
  EXPECT_EQ(post(with("aud", "https://oauth2.googleapis.com/token")), "") << "Google's Node library knows no other";
  EXPECT_EQ(post(with("aud", "https://evil.example/token")), "invalid_grant");
  EXPECT_EQ(post(with("iss", "someone@else")), "invalid_grant");
  EXPECT_EQ(post(with("exp", t + 3601)), "invalid_grant");
  EXPECT_EQ(post(with("exp", t)), "invalid_grant");
  EXPECT_EQ(post(with("iat", t + 1000)), "invalid_grant");
  EXPECT_EQ(post(with("iat", "now")), "invalid_grant");
  EXPECT_EQ(post(with("scope", "email")), "invalid_scope");
  EXPECT_EQ(post(good(), {{"alg", "none"}}), "invalid_grant");
}

TEST_F(OAuthMock, RefusesWhatIsNoAssertion) {
  EXPECT_EQ(error_of(""), "invalid_request");
  EXPECT_EQ(error_of("grant_type=password"), "unsupported_grant_type");
  EXPECT_EQ(error_of("grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=a.b.c"), "invalid_grant");
}

TEST_F(OAuthMock, RefusesAForgedSignature) {
  const auto other = pns::signing_key::from_pem(credentials::generate()->google_key_pem).value();
  const std::string jwt = pns::make_jwt(other, R"({"alg":"RS256"})", good().dump()).value();
  EXPECT_EQ(error_of("grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=" + jwt), "invalid_grant");
}

}  // namespace
}  // namespace reveille::mock_providers
