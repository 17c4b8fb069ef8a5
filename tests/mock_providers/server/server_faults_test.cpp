// The mocks' faults and Google's two doors, seen by a client over real TLS.
#include "tests/mock_providers/server/tls_fixture.hpp"

namespace reveille::mock_providers {
namespace {

TEST_F(MockOverTls, ResetsStreamsAsTheScriptSays) {
  const std::pair<const char*, const char*> kinds[] = {
      {"refused_stream", "lost refused 7"}, {"internal_error", "lost ambiguous 2"}, {"cancel", "lost ambiguous 8"}};
  for (const auto& [kind, outcome] : kinds) {
    mock->use(fault_script::parse(std::string(R"([{"every": 2, "reset": ")") + kind + "\"}]").value());
    EXPECT_EQ(push(3, 3), (outcomes{"200", outcome, "200"})) << kind;
    EXPECT_EQ(log.closed, 0) << "a stream's end is not the connection's";
  }
}

TEST_F(MockOverTls, KeepsSilentAsTheScriptSays) {
  mock->use(fault_script::parse(R"([{"every": 2, "silence": true}])").value());
  EXPECT_EQ(push(4, 2), (outcomes{"200", "200"}));
  mock->drop_connections();
  ASSERT_TRUE(wait_until([this] { return log.closed == 1; }));
  EXPECT_EQ(log.outcomes, (outcomes{"200", "200", "lost ambiguous 0", "lost ambiguous 0"}));
}

TEST_F(MockOverTls, HoldsAnswersBackAsDrawn) {
  behaviour how;
  how.answer = {milliseconds(30), milliseconds(30), 0};
  start(how);
  send(mock->endpoints().apns, {voip()}, 0);
  ASSERT_TRUE(wait_for_mock([](const mock_counters& c) { return c.answers_waiting == 1; }));
  pass(milliseconds(29));
  settle();
  EXPECT_TRUE(log.outcomes.empty());
  pass(milliseconds(1));
  EXPECT_TRUE(wait_until([this] { return log.outcomes == outcomes{"200"}; }));
}

TEST_F(MockOverTls, TearsTheConnectionAwayAsTheScriptSays) {
  mock->use(fault_script::parse(R"([{"every": 2, "close": true}])").value());
  EXPECT_EQ(push(2, 2), (outcomes{"200", "lost ambiguous 0"}));
  EXPECT_TRUE(wait_until([this] { return log.closed == 1; }));
  EXPECT_EQ(push(1, 1), (outcomes{"200"})) << "the next connection is served";
}

TEST_F(MockOverTls, SellsAnAccessTokenAndTakesPushesForIt) {
  const std::string access = bearer();
  ASSERT_TRUE(access.starts_with("Bearer ")) << access;
  EXPECT_EQ(send(mock->endpoints().google, {fcm(access), fcm(access)}, 2), (outcomes{"200", "200"}));
  EXPECT_NE(log.bodies[0].find("projects/reveille-mock/messages/0:"), std::string::npos) << log.bodies[0];
  EXPECT_EQ(mock->counters().oauth_issued, 1U);
  EXPECT_EQ(mock->record().size(), 2U);
}

TEST_F(MockOverTls, TakesGooglesPushesOverHttp1Too) {
  const std::string access = bearer();
  const http1::post_answer a =
      post({"localhost", "/v1/projects/reveille-mock/messages:send", "application/json", message, {{"Authorization", access}}});
  EXPECT_EQ(a.status, 200) << a.body;
}

TEST_F(MockOverTls, RefusesPushesWithoutAGoodAccessToken) {
  const std::string access = bearer();
  EXPECT_EQ(send(mock->endpoints().google,
                 {fcm("Bearer ya29.invented"), fcm(""), fcm(access, "another-project"), fcm(access)}, 4),
            (outcomes{"401", "401", "403", "200"}));
  mock->revoke_access_tokens();
  EXPECT_EQ(send(mock->endpoints().google, {fcm(access)}, 1), (outcomes{"401"}));
}

TEST_F(MockOverTls, SellsNothingToStrangers) {
  credentials other = test_keys();
  other.google_key_pem = credentials::generate().value().google_key_pem;
  EXPECT_EQ(purchase(other, mock->endpoints().token_url).status, 400);
  EXPECT_EQ(purchase(test_keys(), "https://localhost/another").status, 400);
  EXPECT_EQ(post({"localhost", "/token", "application/x-www-form-urlencoded", "grant_type=password", {}}).status, 400);
  EXPECT_EQ(mock->counters().oauth_issued, 0U);
}

TEST_F(MockOverTls, TakesAClientCertificateForAToken) {
  own = issue_provider_certificate(test_keys(), "com.example.phone", certificate_scope::production).value();
  outgoing push = voip();
  std::erase_if(push.headers, [](const auto& h) { return h.first == "authorization"; });
  EXPECT_EQ(send(mock->endpoints().apns, {push, push}, 2), (outcomes{"200", "200"}));
  EXPECT_EQ(log.limits.front(), 1000U) << "no first push alone";
  EXPECT_EQ(send(mock->endpoints().sandbox, {push}, 1), (outcomes{"403"}));
  EXPECT_NE(log.bodies[0].find("BadCertificateEnvironment"), std::string::npos) << log.bodies[0];
}

}  // namespace
}  // namespace reveille::mock_providers
