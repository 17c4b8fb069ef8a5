#include "pns/push_params.hpp"

#include <gtest/gtest.h>

namespace reveille::pns {
namespace {

using service = token_service;

std::optional<push_params> read(std::string_view uri, std::string_view header = {}) {
  return read_push_params(sip::params_view(uri), sip::params_view(header));
}

TEST(PushParams, AreReadFromUriAndHeaderWithoutRegardToCase) {
  const auto both = read(";PN-Provider=apns;transport=tcp", ";pn-PRID=aa%62b;Pn-Params=\"T.b.voip\"");
  ASSERT_TRUE(both);
  EXPECT_EQ(both->provider, "apns");
  EXPECT_EQ(both->prid, "aabb");
  EXPECT_EQ(both->param, "T.b.voip");
}

TEST(PushParams, OfTheUriWinOverTheHeaders) {
  EXPECT_EQ(read(";pn-provider=fcm", ";pn-provider=apns")->provider, "fcm");
}

TEST(PushParams, AreAbsentWithoutAProvider) { EXPECT_FALSE(read(";pn-prid=aa;pn-param=x")); }

TEST(PushParams, AskForAllWithAnEmptyProvider) {
  const auto query = read(";pn-provider");
  ASSERT_TRUE(query);
  EXPECT_TRUE(query->provider_present);
  EXPECT_EQ(query->provider, "");
  EXPECT_EQ(parse_push_target(*query).error(), push_params_fault::query);
}

struct target_row {
  const char* name;
  push_params params;
  push_target target;
};
push_target apple(std::string team, std::string app, std::vector<push_token> tokens, provider p = provider::apns) {
  return {p, std::move(team), std::move(app), std::move(tokens)};
}
push_token token(const char* value, service s) { return {prid(value), s}; }

class PushTarget : public ::testing::TestWithParam<target_row> {};
TEST_P(PushTarget, IsParsedFromTheParameters) {
  const auto parsed = parse_push_target(GetParam().params);
  const auto checked = check_push_target(GetParam().params);
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(*parsed, GetParam().target);
  EXPECT_EQ(checked.value(), GetParam().target.provider);
}
INSTANTIATE_TEST_SUITE_P(
    Table, PushTarget,
    ::testing::Values(
        target_row{"Rfc8599Voip", {"apns", "00fc13ad", "DEF123GHIJ.com.example.app.voip", true},
                   apple("DEF123GHIJ", "com.example.app", {token("00fc13ad", service::voip)})},
        target_row{"NoService", {"APNS", "AB", "T.com.example.app", true},
                   apple("T", "com.example.app", {token("ab", service::plain)})},
        target_row{"Remote", {"apns", "ab", "T.com.example.app.remote", true},
                   apple("T", "com.example.app", {token("ab", service::plain)})},
        target_row{"Sandbox", {"apns.dev", "ab", "T.b.voip", true},
                   apple("T", "b", {token("ab", service::voip)}, provider::apns_dev)},
        target_row{"LinphoneTwoTokens", {"apns", "aa:remote&bb:voip", "T.org.app.remote&voip", true},
                   apple("T", "org.app", {token("aa", service::plain), token("bb", service::voip)})},
        target_row{"LinphoneOtherOrder", {"apns", "bb:voip&aa:remote", "T.org.app.remote&voip", true},
                   apple("T", "org.app", {token("bb", service::voip), token("aa", service::plain)})},
        target_row{"SingleTokenWithSuffix", {"apns", "aa:voip", "T.org.app.voip", true},
                   apple("T", "org.app", {token("aa", service::voip)})},
        target_row{"CountsDisagreeSoNoApp", {"apns", "aa", "T.org.app.remote&voip", true},
                   apple("", "", {token("aa", service::plain)})},
        target_row{"TwoTokensOneServiceSoNoApp", {"apns", "aa:remote&bb:voip", "T.org.app.voip", true},
                   apple("", "", {token("aa", service::plain), token("bb", service::voip)})},
        target_row{"NoParam", {"apns", "aabb", "", true}, apple("", "", {token("aabb", service::plain)})},
        target_row{"ParamWithoutDot", {"apns", "aabb", "whatever", true}, apple("", "", {token("aabb", service::plain)})},
        target_row{"ParamThatWouldSplitAHeader", {"apns", "aabb", "T.a\r\nx: y", true},
                   apple("", "", {token("aabb", service::plain)})},
        target_row{"Fcm", {"fcm", "cX_1-z:APA91b", "my-project", true},
                   {provider::fcm, "", "my-project", {token("cX_1-z:APA91b", service::plain)}}},
        target_row{"FirebaseAlias", {"firebase", "t", "p", true}, {provider::fcm, "", "p", {token("t", service::plain)}}},
        target_row{"AndroidAlias", {"android", "t", "", true}, {provider::fcm, "", "", {token("t", service::plain)}}},
        target_row{"ProjectThatWouldLeaveThePath", {"fcm", "t", "../x", true},
                   {provider::fcm, "", "", {token("t", service::plain)}}}),
    [](const auto& row) { return std::string(row.param.name); });

struct fault_row {
  const char* name;
  push_params params;
  push_params_fault fault;
};
class PushParamsFault : public ::testing::TestWithParam<fault_row> {};
TEST_P(PushParamsFault, MakesNoPushBinding) {
  const auto parsed = parse_push_target(GetParam().params);
  const auto checked = check_push_target(GetParam().params);
  ASSERT_FALSE(parsed.has_value());
  EXPECT_EQ(parsed.error(), GetParam().fault);
  EXPECT_EQ(checked.error(), GetParam().fault);
}
INSTANTIATE_TEST_SUITE_P(
    Table, PushParamsFault,
    ::testing::Values(
        fault_row{"Query", {"apns", "", "", true}, push_params_fault::query},
        fault_row{"UnknownProvider", {"webpush", "x", "", true}, push_params_fault::unknown_provider},
        fault_row{"NotHex", {"apns", "xyz1", "T.b", true}, push_params_fault::bad_prid},
        fault_row{"OddHex", {"apns", "abc", "T.b", true}, push_params_fault::bad_prid},
        fault_row{"UnknownService", {"apns", "ab:watch", "T.b", true}, push_params_fault::bad_prid},
        fault_row{"TwoTokensOneName", {"apns", "ab:voip&cd:voip", "T.b.voip&voip", true}, push_params_fault::bad_prid},
        fault_row{"TwoTokensUnnamed", {"apns", "ab&cd", "T.b.remote&voip", true}, push_params_fault::bad_prid},
        fault_row{"ThreeTokens", {"apns", "ab:voip&cd:remote&ef:voip", "", true}, push_params_fault::bad_prid},
        fault_row{"EmptySecondToken", {"apns", "ab:voip&", "", true}, push_params_fault::bad_prid},
        fault_row{"QuoteInFcm", {"fcm", "a\"b", "", true}, push_params_fault::bad_prid},
        fault_row{"NulInFcm", {"fcm", std::string("a\0b", 3), "", true}, push_params_fault::bad_prid},
        fault_row{"Utf8InFcm", {"fcm", "Ö", "", true}, push_params_fault::bad_prid},
        fault_row{"TooLong", {"fcm", std::string(4097, 'a'), "", true}, push_params_fault::prid_too_long}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(PushParams, OfFourKilobytesAreValid) {
  EXPECT_TRUE(parse_push_target({"fcm", std::string(4096, 'a'), "", true}).has_value());
}

TEST(PushParamNames, AreHiddenWhateverTheirCase) {
  for (const char* name : {"pn-prid", "PN-Provider", "pn-tok", "pn-type", "pn-anything", "App-Id"}) EXPECT_TRUE(is_push_param(name));
  for (const char* name : {"pn-", "transport", "app", "label", ""}) EXPECT_FALSE(is_push_param(name)) << name;
}

TEST(ProviderNames, GoBothWays) {
  for (provider p : {provider::apns, provider::apns_dev, provider::fcm}) EXPECT_EQ(provider_of(name_of(p)), p);
}

}  // namespace
}  // namespace reveille::pns
