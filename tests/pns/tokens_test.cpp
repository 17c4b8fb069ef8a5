#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "mock_providers/accounts/credentials.hpp"
#include "pns/access_token.hpp"
#include "pns/bearer_token.hpp"

namespace reveille::pns {
namespace {

using nlohmann::json;

const instant start{steady_time(seconds(1000)), wall_time(seconds(1'800'000'000))};

/// An RSA key takes a while to make: once for all tests.
const mock_providers::credentials& keys() {
  static const auto made = mock_providers::credentials::generate().value();
  return made;
}
signing_key apple() { return signing_key::from_pem(keys().apns_key_pem).value(); }
service_account account() {
  return service_account::parse(mock_providers::service_account_json({}, keys(), "https://localhost/token")).value();
}

class JwtSignature : public ::testing::TestWithParam<bool> {};
TEST_P(JwtSignature, IsVerifiedByThePublicHalfOnly) {
  const signing_key key = signing_key::from_pem(GetParam() ? keys().apns_key_pem : keys().google_key_pem).value();
  const verifying_key open = verifying_key::from_pem(key.public_pem()).value();
  const std::string jwt = make_jwt(key, "{}", R"({"iss":"x"})").value();
  const auto parts = split_jwt(jwt);
  ASSERT_TRUE(parts);
  if (GetParam()) {
    EXPECT_EQ(parts->signature.size(), 64U);
  }
  EXPECT_EQ(parts->claims, R"({"iss":"x"})");
  EXPECT_TRUE(open.verify(parts->signed_text, parts->signature));
  std::string forged = parts->signature;
  forged[10] = static_cast<char>(forged[10] ^ 1);
  EXPECT_FALSE(open.verify(parts->signed_text, forged));
  EXPECT_FALSE(open.verify(parts->signed_text, ""));
  EXPECT_FALSE(open.verify("other", parts->signature));
}
INSTANTIATE_TEST_SUITE_P(Algorithms, JwtSignature, ::testing::Bool(),
                         [](const auto& row) { return row.param ? std::string("Es256") : std::string("Rs256"); });

TEST(SigningKey, RefusesWhatIsNoKey) {
  for (const std::string& pem : {std::string(), std::string("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
                                 keys().ca_pem, std::string(100'000, 'x')}) {
    EXPECT_FALSE(signing_key::from_pem(pem).has_value());
  }
}

TEST(Base64url, GoesBothWaysAndRefusesTheRest) {
  for (const char* text : {"", "f", "fo", "foo", "foob"}) EXPECT_EQ(from_base64url(base64url(text)), text);
  EXPECT_EQ(base64url("\xff\xfe\xfd"), "__79");
  for (const char* bad : {"a", "YQ==", "a+b/", "ab\n="}) EXPECT_FALSE(from_base64url(bad)) << bad;
  for (const char* bad : {"", "a.b", "YQ.YQ", "....", "YQ.!!.YQ"}) EXPECT_FALSE(split_jwt(bad)) << bad;
}

TEST(BearerToken, StaysForFiftyMinutesAndNeverGrowsOlder) {
  bearer_token token("ABC123DEFG", "DEF123GHIJ", apple());
  const std::string first(*token.authorization(start));
  EXPECT_TRUE(first.starts_with("bearer "));
  EXPECT_EQ(*token.authorization(start + seconds(49 * 60)), first);
  EXPECT_NE(*token.authorization(start + seconds(50 * 60)), first);
  EXPECT_EQ(token.generation(), 2U);
  const auto claims = json::parse(split_jwt(std::string_view(first).substr(7))->claims);
  EXPECT_EQ(claims["iss"], "DEF123GHIJ");
  EXPECT_EQ(claims["iat"], 1'800'000'000);
}

TEST(BearerToken, IsNotRenewedWithinTwentyMinutes) {
  bearer_token token("K", "T", apple());
  const std::string first(*token.authorization(start));
  EXPECT_FALSE(token.renew(start + seconds(19 * 60)));
  EXPECT_EQ(*token.authorization(start + seconds(19 * 60)), first);
  EXPECT_TRUE(token.renew(start + seconds(20 * 60)));
}

TEST(BearerToken, IsMintedAnewWhenTheCivilClockWasSet) {
  bearer_token token("K", "T", apple());
  const std::string first(*token.authorization(start));
  const instant set{start.steady + seconds(1), start.wall + seconds(7200)};
  EXPECT_NE(*token.authorization(set), first);
}

TEST(ServiceAccount, NamesTheFieldThatIsMissingAndNeverItsValue) {
  EXPECT_FALSE(service_account::parse("[]").has_value());
  const auto bad = service_account::parse(R"({"project_id":"p","client_email":"secret@x","token_uri":"u"})");
  ASSERT_FALSE(bad.has_value());
  EXPECT_NE(bad.error().what.find("private_key"), std::string::npos);
  EXPECT_EQ(bad.error().what.find("secret"), std::string::npos);
}

TEST(AccessTokenRequest, AssertsWhatGoogleWants) {
  const std::string form = access_token_request(account(), start.wall).value();
  ASSERT_TRUE(form.starts_with("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion="));
  const auto parts = split_jwt(form.substr(form.find("assertion=") + 10));
  const json claims = json::parse(parts->claims);
  EXPECT_EQ(claims["aud"], "https://localhost/token");
  EXPECT_EQ(claims["exp"].get<int>() - claims["iat"].get<int>(), 3600);
  EXPECT_EQ(json::parse(parts->header)["alg"], "RS256");
}

constexpr std::string_view good = R"({"access_token":"ya29.x","expires_in":3599,"token_type":"Bearer"})";

TEST(AccessToken, IsBoughtOnceAtATime) {
  access_token token;
  seeded_random random(1);
  EXPECT_EQ(token.authorization(start), "");
  EXPECT_TRUE(token.wants_request(start));
  EXPECT_FALSE(token.wants_request(start));
  EXPECT_TRUE(token.answered(200, good, start, random));
  EXPECT_EQ(token.authorization(start), "Bearer ya29.x");
  EXPECT_FALSE(token.wants_request(start + seconds(3298)));
  EXPECT_TRUE(token.wants_request(start + seconds(3299)));
  EXPECT_EQ(token.authorization(start + seconds(3598)), "Bearer ya29.x") << "the old one serves while the new one is bought";
  EXPECT_EQ(token.authorization(start + seconds(3599)), "");
}

TEST(AccessToken, PausesLongerAfterEachFailure) {
  access_token token;
  seeded_random random(1);
  nanoseconds last{0};
  instant at = start;
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(token.wants_request(at));
    token.failed(at, random);
    const nanoseconds pause = *token.next_look() - at.steady;
    EXPECT_LE(pause, nanoseconds(access_token::longest_pause));
    EXPECT_GE(pause, last / 4);
    EXPECT_FALSE(token.wants_request(at + pause / 2));
    last = pause;
    at = at + pause;
  }
  EXPECT_GE(last, nanoseconds(access_token::longest_pause) / 2);
}

struct bad_answer {
  int status;
  const char* body;
  bool fault;
};
TEST(AccessToken, SortsBadAnswers) {
  for (const bad_answer& b : {bad_answer{400, R"({"error":"invalid_grant"})", true}, bad_answer{401, "<html>", true},
                              bad_answer{500, "{}", false}, bad_answer{200, "{}", false}, bad_answer{200, "nonsense", false},
                              bad_answer{200, R"({"access_token":"a\r\nb"})", false},
                              bad_answer{200, R"({"access_token":"a","expires_in":-1})", false}}) {
    access_token token;
    seeded_random random(1);
    token.wants_request(start);
    EXPECT_FALSE(token.answered(b.status, b.body, start, random)) << b.body;
    EXPECT_EQ(!token.fault().empty(), b.fault) << b.body;
    EXPECT_EQ(token.authorization(start), "");
  }
}

TEST(AccessToken, ForgetsATokenThatWasRefusedButNotItsSuccessor) {
  access_token token;
  seeded_random random(1);
  token.wants_request(start);
  token.answered(200, good, start, random);
  token.refused("Bearer another", start);
  EXPECT_NE(token.authorization(start), "");
  token.refused("Bearer ya29.x", start);
  EXPECT_EQ(token.authorization(start), "");
  EXPECT_TRUE(token.wants_request(start));
  token.answered(200, good, start, random);
  token.refused("Bearer ya29.x", start + seconds(1));
  EXPECT_FALSE(token.wants_request(start + seconds(1))) << "a second 401 at once is the account's trouble";
}

}  // namespace
}  // namespace reveille::pns
