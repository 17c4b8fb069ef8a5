// Several customers at one provider, and APNs' certificates.
#include "mock_providers/accounts/accounts.hpp"

#include "tests/mock_providers/backend_fixture.hpp"

namespace reveille::mock_providers {
namespace {

std::string words(const decision& d) { return std::to_string(d.answer.status) + " " + d.answer.reason; }

TEST(Accounts, NamesThePlaceOfAMistake) {
  const std::pair<const char*, const char*> rows[] = {
      {"nonsense", "no JSON"},
      {"[]", "wants an object"},
      {"{}", "neither"},
      {R"({"team":[]})", "unknown key \"team\""},
      {R"({"teams":{}})", "teams: wants a list"},
      {R"({"teams":[{}]})", "teams[0].team_id: is missing"},
      {R"({"teams":[{"team_id":"A","bundles":[1]}]})", "teams[0].bundles[0]: wants a bundle id"},
      {R"({"teams":[{"team_id":"A","keys":[{"key_id":"../x"}]}]})", "teams[0].keys[0].key_id: wants letters"},
      {R"({"teams":[{"team_id":"A","keys":[{"key_id":"K","environment":"test"}]}]})", "teams[0].keys[0].environment: is"},
      {R"({"teams":[{"team_id":"A","keys":[{"key_id":"K","key_pem":"x"}]}]})", "teams[0].keys[0].key_pem: "},
      {R"({"projects":[{"project":"Big"}]})", "projects[0].project: wants"},
      {R"({"projects":[{"project":"a","quota":1}]})", "projects[0]: unknown key"}};
  for (const auto& [text, fault] : rows) {
    const auto read = accounts::parse(text);
    ASSERT_FALSE(read.has_value()) << text;
    EXPECT_NE(read.error().what.find(fault), std::string::npos) << text << " says: " << read.error().what;
  }
}

TEST(Accounts, MakesTheKeysThatAreMissing) {
  auto read = accounts::parse(R"({"teams":[{"team_id":"T","keys":[{"key_id":"K"}]}],"projects":[{"project":"p"}]})").value();
  ASSERT_TRUE(read.make_keys().has_value());
  EXPECT_TRUE(verifying_half(read.teams[0].keys[0].key_pem).has_value());
  EXPECT_TRUE(verifying_half(read.projects[0].key_pem).has_value());
  EXPECT_EQ(read.projects[0].client_email, "pusher@p.iam.gserviceaccount.com");
}

class ManyAccounts : public Desk {
 protected:
  ManyAccounts() {
    auto more = accounts::parse(R"({"teams": [
        {"team_id": "OTHERTEAM1", "bundles": ["org.other.app", "org.other.two"], "keys": [
          {"key_id": "OTHERKEY01"}, {"key_id": "SANDBOXKEY", "environment": "sandbox"},
          {"key_id": "TOPICKEY01", "bundles": ["org.other.two"]}]}],
        "projects": [{"project": "other-project", "number": "424242", "legacy_key": "BBBB"}]})").value();
    EXPECT_TRUE(more.make_keys().has_value());
    known = more;
    backend->add(std::move(more));
  }
  std::string other_bearer(std::size_t key) {
    const apns_key_account& k = known.teams[0].keys[key];
    pns::bearer_token token(k.key_id, "OTHERTEAM1", pns::signing_key::from_pem(k.key_pem).value());
    return std::string(*token.authorization(now));
  }
  decision other(std::size_t key, const std::string& topic, front f = front::apns) {
    connection_state line{f, {}, false};
    return request(line, "POST", "/3/device/aabb", {{"apns-topic", topic}, {"authorization", other_bearer(key)}}, "{}");
  }
  accounts known;
};

TEST_F(ManyAccounts, ServesEachTeamItsOwnBundles) {
  EXPECT_EQ(words(voip()), "200 ") << "the first team is still there";
  EXPECT_EQ(words(other(0, "org.other.app")), "200 ");
  EXPECT_EQ(words(other(0, "com.example.phone")), "400 TopicDisallowed");
  EXPECT_EQ(words(voip({{"apns-topic", "org.other.app.voip"}})), "400 TopicDisallowed");
}

TEST_F(ManyAccounts, BindsAConnectionToItsFirstTeamAndKey) {
  voip();
  const fields others = {{"apns-topic", "org.other.app.voip"}, {"authorization", other_bearer(0)}};
  EXPECT_EQ(words(voip(others)), "403 InvalidProviderToken") << "one connection, one team";
  connection_state line{front::apns, {}, false};
  const auto send = [&](std::size_t key) {
    return request(line, "POST", "/3/device/aabb", {{"apns-topic", "org.other.two"}, {"authorization", other_bearer(key)}}, "{}");
  };
  EXPECT_EQ(words(send(0)), "200 ");
  EXPECT_EQ(words(send(2)), "403 UnrelatedKeyIdInToken");
}

TEST_F(ManyAccounts, KeepsKeysToTheirEnvironmentAndTopics) {
  EXPECT_EQ(words(other(1, "org.other.app")), "403 BadEnvironmentKeyIdInToken");
  EXPECT_EQ(words(other(1, "org.other.app", front::apns_dev)), "200 ");
  EXPECT_EQ(words(other(2, "org.other.two")), "200 ");
  EXPECT_EQ(words(other(2, "org.other.app")), "400 TopicDisallowed");
}

TEST_F(ManyAccounts, SellsAccessTokensForOneProjectOnly) {
  access = buy_token();
  const std::string body = R"({"message":{"token":"cdefghijk:APA91b"}})";
  EXPECT_EQ(words(fcm(body)), "200 ");
  EXPECT_EQ(words(fcm(body, "100000000001")), "200 ") << "the project's number does as well";
  EXPECT_EQ(words(fcm(body, "other-project")), "403 PERMISSION_DENIED");
  identity who;
  who.client_email = known.projects[0].client_email;
  credentials keys = test_keys();
  keys.google_key_pem = known.projects[0].key_pem;
  const auto account = pns::service_account::parse(service_account_json(who, keys, "https://localhost/token")).value();
  const decision d = request(google_line, "POST", "/token", {}, pns::access_token_request(account, now.wall).value());
  pns::access_token token;
  token.wants_request(now);
  token.answered(d.answer.status, d.answer.body, now, random);
  access = token.authorization(now);
  EXPECT_EQ(words(fcm(body, "other-project")), "200 ");
  EXPECT_EQ(words(fcm(body)), "403 PERMISSION_DENIED");
}

class Certificates : public Desk {
 protected:
  static std::optional<client_certificate> issued(const std::string& bundle, certificate_scope scope) {
    const certificate_pair pair = issue_provider_certificate(test_keys(), bundle, scope).value();
    return read_client_certificate(der_of(pair.certificate_pem));
  }
  static std::string der_of(const std::string& pem) {
    const std::size_t begin = pem.find('\n') + 1;
    std::string text = pem.substr(begin, pem.find("-----END") - begin);
    for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;   // base64url has no padding
    std::erase_if(text, [](char c) { return c == '\n' || c == '='; });
    return pns::from_base64url(text).value();
  }
  decision push(const std::optional<client_certificate>& certificate, fields headers, front f = front::apns) {
    connection_state line{f, {}, false};
    line.apns.certificate = certificate;
    return request(line, "POST", "/3/device/aabb", headers, "{}");
  }
};

TEST_F(Certificates, AllowTheirTopicsWithoutAToken) {
  const auto mine = issued("com.example.phone", certificate_scope::universal);
  ASSERT_TRUE(mine);
  EXPECT_EQ(mine->bundle, "com.example.phone");
  EXPECT_EQ(words(push(mine, {{"apns-topic", "com.example.phone.voip"}, {"apns-push-type", "voip"}})), "200 ");
  EXPECT_EQ(words(push(mine, {})), "200 ") << "the subject is the default topic";
  EXPECT_EQ(words(push(mine, {{"authorization", "bearer nonsense"}})), "200 ") << "no token is looked at";
  EXPECT_EQ(words(push(mine, {{"apns-topic", "com.example.other"}})), "400 BadTopic");
  EXPECT_EQ(words(push(mine, {{"apns-topic", "com.example.phone.location-query"}, {"apns-push-type", "location"}})),
            "400 InvalidPushType");
  EXPECT_EQ(words(push(std::nullopt, {{"apns-topic", "com.example.phone"}})), "403 MissingProviderToken");
}

TEST_F(Certificates, AreGoodInTheirEnvironmentOnly) {
  const auto sandbox = issued("com.example.phone", certificate_scope::sandbox);
  EXPECT_EQ(words(push(sandbox, {})), "403 BadCertificateEnvironment");
  EXPECT_EQ(words(push(sandbox, {}, front::apns_dev)), "200 ");
  const auto production = issued("com.example.phone", certificate_scope::production);
  EXPECT_EQ(words(push(production, {}, front::apns_dev)), "403 BadCertificateEnvironment");
}

TEST_F(Certificates, MustBeOfAnApp) {
  const auto nobody = issued("", certificate_scope::universal);
  EXPECT_EQ(words(push(nobody, {{"apns-topic", "com.example.phone"}})), "403 BadCertificate");
  EXPECT_FALSE(read_client_certificate("").has_value());
  EXPECT_FALSE(read_client_certificate("nonsense").has_value());
}

TEST_F(Certificates, NeedNoFirstPushAlone) {
  EXPECT_EQ(backend->first_max_streams(front::apns, true), 1000U);
  EXPECT_EQ(backend->first_max_streams(front::apns, false), 1U);
}

}  // namespace
}  // namespace reveille::mock_providers
