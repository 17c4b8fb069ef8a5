#include "pns/payload.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/random.hpp"
#include "pns/apns_request.hpp"
#include "pns/fcm_request.hpp"
#include "pns/json_text.hpp"
#include "tests/pns/sample_orders.hpp"

namespace reveille::pns {
namespace {

using nlohmann::json;

std::string golden(const std::string& name) {
  std::ifstream in("tests/pns/golden/" + name);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

payload_profile profile(std::string_view name) { return builtin_profile(name).value(); }

std::string rendered(const payload_profile& p, payload_wire wire, push_order order, std::string_view token = "device_token",
                     wall_time now = samples::invite_at, std::size_t limit = payload_limit) {
  const auto kind = std::holds_alternative<invite_content>(order.content) ? payload_kind::invite : payload_kind::missed_calls;
  std::string out;
  EXPECT_TRUE(p.find(wire, kind)->render({order, token, now}, limit, out));
  return out;
}

struct golden_row {
  const char* file;
  payload_wire wire;
  push_order order;
};
class GoldenPayload : public ::testing::TestWithParam<golden_row> {};
TEST_P(GoldenPayload, IsReproducedByteForByte) {
  const golden_row& row = GetParam();
  EXPECT_EQ(rendered(profile("ecss10"), row.wire, row.order), golden(row.file));
}
INSTANTIATE_TEST_SUITE_P(
    Ecss10, GoldenPayload,
    ::testing::Values(
        golden_row{"apns_invite_named.json", payload_wire::apns, samples::invite("103", "Ann \"A\" Ö")},
        golden_row{"apns_invite_nameless.json", payload_wire::apns, samples::invite("103", "")},
        golden_row{"apns_invite_foreign.json", payload_wire::apns, samples::invite("bob@other.example", "")},
        golden_row{"apns_invite_anonymous.json", payload_wire::apns, samples::invite("anonymous", "")},
        golden_row{"apns_missed_calls.json", payload_wire::apns, samples::three_missed()},
        golden_row{"fcm_legacy_invite.json", payload_wire::fcm_legacy, samples::invite("103", "Ann")},
        golden_row{"fcm_legacy_missed_calls.json", payload_wire::fcm_legacy, samples::three_missed()},
        golden_row{"fcm_v1_invite.json", payload_wire::fcm_v1, samples::invite("103", "Ann")},
        golden_row{"fcm_v1_missed_calls.json", payload_wire::fcm_v1, samples::three_missed()}),
    [](const auto& row) { return std::string(row.param.file, std::strlen(row.param.file) - 5); });

TEST(Payload, SaysTheSameTtlSomeMillisecondsLater) {
  const std::string late = rendered(profile("ecss10"), payload_wire::fcm_v1, samples::invite("103", ""), "device_token",
                                    samples::invite_at + milliseconds(40));
  EXPECT_EQ(late, golden("fcm_v1_invite.json"));
}

TEST(Payload, NeverSaysANegativeTtl) {
  const std::string late = rendered(profile("ecss10"), payload_wire::fcm_v1, samples::invite("103", ""), "t",
                                    samples::invite_at + seconds(100));
  EXPECT_EQ(json::parse(late)["message"]["android"]["ttl"], "0s");
}

TEST(Payload, TakesBadgeAndCompanyFromTheProperties) {
  const auto p = builtin_profile("ecss10", {{"badge", "3"}, {"company", "o\"rg"}}).value();
  const json body = json::parse(rendered(p, payload_wire::apns, samples::invite("103", "")));
  EXPECT_EQ(body["aps"]["badge"], "3");
  EXPECT_EQ(body["o\"rg"]["type"], "invite");
}

TEST(Payload, RefusesOverridesOfUnknownProperties) {
  EXPECT_FALSE(builtin_profile("ecss10", {{"badgers", "3"}}).has_value());
}

TEST(NativeProfile, CountsMissedCallsInANumericBadge) {
  const json body = json::parse(rendered(profile("native"), payload_wire::apns, samples::three_missed()));
  EXPECT_EQ(body["aps"]["badge"], 3);
  EXPECT_EQ(body["calls"][0]["display_name"], "Ann");
}

TEST(NativeProfile, WakesAPlainTokenAndEcss10DoesNot) {
  EXPECT_TRUE(profile("native").find(payload_wire::apns, payload_kind::invite)->wakes_plain_token());
  EXPECT_FALSE(profile("ecss10").find(payload_wire::apns, payload_kind::invite)->wakes_plain_token());
}

TEST(NativeProfile, TitlesTheAlertWithTheNumberWhereThereIsNoName) {
  const json body = json::parse(rendered(profile("native"), payload_wire::apns, samples::invite("103", "")));
  EXPECT_EQ(body["aps"]["alert"]["title"], "103");
}

// Whatever stands in a name or URI, the body is valid UTF-8 JSON with the same members, and the value comes back
// (repaired). nlohmann is the judge of both.
TEST(PayloadProperty, ArbitraryOctetsNeverBreakOutOfTheirString) {
  seeded_random random(20261123);
  const std::string spicy = "\"\\{}[]:,\x00\x01\n\r\t\x7f${number}\xC3\x96\xED\xA0\x80\xF0\x9F\x93\x9E\xE2\x80\xA8";
  for (int round = 0; round < 3000; ++round) {
    std::string octets(random.below(40), '\0');
    for (char& c : octets) {
      c = random.below(3) == 0 ? static_cast<char>(random.below(256)) : spicy[random.below(spicy.size())];
    }
    for (std::string_view name : builtin_profile_names()) {
      const payload_profile p = profile(name);
      for (payload_wire wire : {payload_wire::apns, payload_wire::fcm_v1, payload_wire::fcm_legacy}) {
        if (!p.find(wire, payload_kind::invite)) continue;
        const json reference = json::parse(rendered(p, wire, samples::invite("n", "d")));
        const json body = json::parse(rendered(p, wire, samples::invite(octets, octets)), nullptr, false);
        ASSERT_FALSE(body.is_discarded()) << round;
        if (!octets.empty()) {
          ASSERT_EQ(body.flatten().size(), reference.flatten().size()) << round;
        }
        const json told = json::parse(rendered(p, wire, samples::missed({{samples::told_at, octets, octets, {}}})), nullptr, false);
        ASSERT_FALSE(told.is_discarded()) << round;
        if (wire == payload_wire::fcm_v1) {
          const json calls = json::parse(told["message"]["data"]["calls"].get<std::string>(), nullptr, false);
          ASSERT_FALSE(calls.is_discarded()) << round;
          std::string repaired;
          append_json_text(repaired, octets, 0);
          ASSERT_EQ(calls[0]["remote_uri"].get<std::string>(), repaired) << round;
        }
      }
    }
    if (round % 100 == 0 && ::testing::Test::HasFatalFailure()) return;
  }
}

TEST(PayloadLimit, ShortensTheDisplayNameUntilTheBodyFits) {
  std::string name;
  for (int i = 0; i < 4000; ++i) name += "Ö";
  const std::string body = rendered(profile("ecss10"), payload_wire::apns, samples::invite("103", name), "");
  EXPECT_LE(body.size(), payload_limit);
  EXPECT_GE(body.size(), payload_limit - 3);
  const std::string kept = json::parse(body)["acme"]["dispaly_name"];
  EXPECT_EQ(name.substr(0, kept.size()), kept);
}

TEST(PayloadLimit, DropsANameThatCannotBeShownAtAll) {
  const std::string body = rendered(profile("ecss10"), payload_wire::apns, samples::invite("103", std::string(500, '\1')),
                                    "", samples::invite_at, 115);
  EXPECT_EQ(json::parse(body)["acme"]["dispaly_name"], json::array());
}

TEST(PayloadLimit, CutsAnAbsurdUriRatherThanBlockingTheList) {
  const std::string body = rendered(profile("native"), payload_wire::fcm_v1,
                                    samples::missed({{samples::told_at, std::string(60000, '"'), "x", {}}}));
  EXPECT_LE(body.size(), payload_limit + 12);
}

TEST(PayloadLimit, CountsTheTokenOutsideTheLimit) {
  const std::string token(4000, 'a');
  EXPECT_GT(rendered(profile("ecss10"), payload_wire::fcm_v1, samples::invite("1", ""), token).size(), 4000U);
}

class MissedCallsSplit : public ::testing::TestWithParam<std::string_view> {};
TEST_P(MissedCallsSplit, EveryPartFitsItsService) {
  const payload_profile p = profile(GetParam());
  seeded_random random(4);
  for (int round = 0; round < 50; ++round) {
    std::vector<missed_call> calls(200);
    for (missed_call& c : calls) {
      c.date = samples::told_at;
      c.remote_uri = std::string(random.below(90), random.below(2) == 0 ? '"' : 'u');
      c.display_name = std::string(random.below(200), 'n');
    }
    for (std::span<const missed_call> rest(calls); !rest.empty();) {
      const std::size_t n = missed_calls_that_fit(rest);
      ASSERT_GE(n, 1U);
      ASSERT_LE(n, rest.size());
      const push_order order = samples::missed({rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(n)});
      for (payload_wire wire : {payload_wire::apns, payload_wire::fcm_v1, payload_wire::fcm_legacy}) {
        if (p.find(wire, payload_kind::missed_calls)) rendered(p, wire, order, "");
      }
      rest = rest.subspan(n);
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Profiles, MissedCallsSplit, ::testing::Values("ecss10", "native"),
                         [](const auto& row) { return std::string(row.param); });

TEST(MissedCallsCost, OfTheBuiltInProfilesIsWithinTheDefault) {
  for (std::string_view name : builtin_profile_names()) {
    const missed_calls_cost cost = cost_of(profile(name));
    EXPECT_LE(cost.fixed, missed_calls_cost{}.fixed) << name;
    EXPECT_LE(cost.each, missed_calls_cost{}.each) << name;
    EXPECT_LE(cost.uris, missed_calls_cost{}.uris) << name;
  }
}

TEST(MissedCallsThatFit, IsZeroOnlyForAnEmptyList) {
  EXPECT_EQ(missed_calls_that_fit({}), 0U);
  const std::vector<missed_call> one{{samples::told_at, std::string(100000, '\1'), "", {}}};
  EXPECT_EQ(missed_calls_that_fit(one, {1000, 512, 176, 1}), 1U);
}

struct fault_row {
  const char* name;
  std::string text;
  std::string fault;  ///< a part of the message
};
std::string wrap(const std::string& invite) { return "{\"profile\":\"p\",\n \"apns\":{\"invite\":" + invite + "}}"; }
std::string faults_of(const std::vector<placed_fault>& all) {
  std::string out;
  for (const placed_fault& f : all) out += f.text("p.json") + "\n";
  return out;
}
class ProfileFault : public ::testing::TestWithParam<fault_row> {};
TEST_P(ProfileFault, IsToldWithItsPlace) {
  const auto made = payload_profile::compile(GetParam().text);
  ASSERT_FALSE(made.has_value());
  const std::string told = faults_of(made.error());
  EXPECT_NE(told.find(GetParam().fault), std::string::npos) << told;
}
INSTANTIATE_TEST_SUITE_P(
    Table, ProfileFault,
    ::testing::Values(
        fault_row{"NoJson", "nonsense", "p.json:1:1: expected a value"},
        fault_row{"MissingComma", "{\"profile\":\"p\"\n  \"apns\":{}}", "p.json:2:3: expected ','"},
        fault_row{"DoubleKey", "{\"profile\":\"p\",\n\"profile\":\"q\"}", "p.json:2:1: key \"profile\" stands twice"},
        fault_row{"TrailingText", "{\"profile\":\"p\"} x", "p.json:1:17: more text"},
        fault_row{"BadNumber", wrap("{\"aps\":{\"badge\":012}}"), "expected a value, not \"012\""},
        fault_row{"HalfSurrogate", wrap("{\"aps\":{\"a\":\"\\ud800\"}}"), "surrogate"},
        fault_row{"UnknownKey", "{\"profile\":\"p\",\n \"apple\":{}}", "p.json:2:2: unknown key \"apple\""},
        fault_row{"UnknownField", wrap("{\"aps\":{},\n\"x\":\"${nummer}\"}"), "p.json:3:5: unknown field or property \"nummer\""},
        fault_row{"TextAsInteger", wrap("{\"aps\":{},\"x\":\"${number:integer}\"}"), "is text, no integer"},
        fault_row{"IntegerInText", wrap("{\"aps\":{},\"x\":\"a${date:integer}\"}"), "must be the whole string"},
        fault_row{"FieldOfMissedCalls", wrap("{\"aps\":{},\"x\":\"${count}\"}"), "has no value here"},
        fault_row{"ItemOutsideEach", wrap("{\"aps\":{},\"x\":\"${call.id}\"}"), "has no value here"},
        fault_row{"EachInInvite", wrap("{\"aps\":{},\"x\":{\"$each\":\"calls\",\"$item\":1}}"), "only missed_calls has calls"},
        fault_row{"OpenPlaceholder", wrap("{\"aps\":{},\"x\":\"${date\"}"), "without \"}\""},
        fault_row{"FieldInKey", wrap("{\"aps\":{},\"${number}\":1}"), "a key may hold properties only"},
        fault_row{"UnknownCommand", wrap("{\"aps\":{},\"x\":{\"$loop\":1}}"), "unknown command"},
        fault_row{"NoAps", wrap("{\"x\":1}"), "APNs wants an object \"aps\""},
        fault_row{"NoTokenForFcm", "{\"profile\":\"p\",\"fcm_v1\":{\"invite\":{\"message\":{}}}}", "no ${token}"},
        fault_row{"NumberInFcmData",
                  "{\"profile\":\"p\",\"fcm_v1\":{\"invite\":{\"message\":{\"token\":\"${token}\",\"data\":{\"d\":1}}}}}",
                  "FCM v1 takes strings only"},
        fault_row{"ReservedKey",
                  "{\"profile\":\"p\",\"fcm_v1\":{\"invite\":{\"message\":{\"token\":\"${token}\",\"data\":{\"from\":\"1\"}}}}}",
                  "FCM reserves the key \"from\""},
        fault_row{"NoBody", "{\"profile\":\"p\"}", "no body"}, fault_row{"NoName", "{\"apns\":{}}", "no \"profile\""},
        fault_row{"TooDeep", std::string(100, '['), "nested too deeply"},
        fault_row{"NotUtf8", "{\"profile\":\"\xff\"}", "not UTF-8"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Profile, CollectsAllFaultsOfTheBodies) {
  const auto made = payload_profile::compile(wrap("{\"aps\":{},\n\"x\":\"${a}\",\n\"y\":\"${b}\"}"));
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(faults_of(made.error()),
            "p.json:3:5: unknown field or property \"a\"\np.json:4:5: unknown field or property \"b\"\n");
}

TEST(Profile, WritesADollarBraceForTwoDollars) {
  const auto p = payload_profile::compile(wrap("{\"aps\":{},\"x\":\"$5 $${date} $\"}")).value();
  EXPECT_EQ(json::parse(rendered(p, payload_wire::apns, samples::invite("1", "")))["x"], "$5 ${date} $");
}

TEST(JsonText, RepairsEachIllFormedPartOnce) {
  const auto repaired = [](std::string_view text) {
    std::string out;
    append_json_text(out, text, 1);
    EXPECT_EQ(out.size(), json_text_length(text, 1));
    return out;
  };
  EXPECT_EQ(repaired("a\xF0\x9F\x93z"), "a\xEF\xBF\xBDz");          // cut short
  EXPECT_EQ(repaired("\xC0\xAF"), "\xEF\xBF\xBD\xEF\xBF\xBD");      // overlong
  EXPECT_EQ(repaired("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");  // surrogate
  EXPECT_EQ(repaired("\xF4\x90\x80\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(repaired(std::string_view("\0\x1f\"\\", 4)), "\\u0000\\u001f\\\"\\\\");
  EXPECT_EQ(repaired("\xF0\x9F\x93\x9E"), "\xF0\x9F\x93\x9E");
}

TEST(JsonText, CutsBetweenCharacters) {
  EXPECT_EQ(cut_utf8("aÖb", 2), "a");
  EXPECT_EQ(cut_utf8("aÖb", 3), "aÖ");
  EXPECT_EQ(cut_utf8("\x80\x80\x80\x80\x80", 4), std::string_view("\x80", 1));
}

}  // namespace
}  // namespace reveille::pns
