#include "pns/payload.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

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

std::string rendered(const payload_profile& p, payload_wire wire, const push_order& order,
                     token_service service = token_service::plain, wall_time now = samples::invite_at) {
  const auto kind = std::holds_alternative<invite_content>(order.content) ? payload_kind::invite : payload_kind::missed_calls;
  std::string out;
  EXPECT_TRUE(p.find(wire, kind)->render({order, "device_token", now, service}, payload_limit, out));
  return out;
}

struct golden_row {
  const char* file;
  payload_wire wire;
  push_order order;
  token_service service = token_service::plain;
};
class GoldenPayload : public ::testing::TestWithParam<golden_row> {};
TEST_P(GoldenPayload, IsReproducedByteForByte) {
  const golden_row& row = GetParam();
  const std::string_view by = std::string_view(row.file).starts_with("native_") ? "native" : "ecss10";
  EXPECT_EQ(rendered(profile(by), row.wire, row.order, row.service), golden(row.file)) << row.file;
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
INSTANTIATE_TEST_SUITE_P(
    Native, GoldenPayload,
    ::testing::Values(
        golden_row{"native_apns_invite.json", payload_wire::apns, samples::invite("103", "Ann \"A\" Ö")},
        golden_row{"native_apns_invite_nameless.json", payload_wire::apns, samples::invite("bob@other.example", "")},
        golden_row{"native_apns_invite_voip.json", payload_wire::apns, samples::invite("103", "Ann \"A\" Ö"), token_service::voip},
        golden_row{"native_apns_missed_calls.json", payload_wire::apns, samples::three_missed()},
        golden_row{"native_fcm_v1_invite.json", payload_wire::fcm_v1, samples::invite("103", "Ann \"A\" Ö")},
        golden_row{"native_fcm_v1_missed_calls.json", payload_wire::fcm_v1, samples::three_missed()},
        golden_row{"native_fcm_legacy_invite.json", payload_wire::fcm_legacy, samples::invite("103", "Ann \"A\" Ö")},
        golden_row{"native_fcm_legacy_missed_calls.json", payload_wire::fcm_legacy, samples::three_missed()}),
    [](const auto& row) { return std::string(row.param.file, std::strlen(row.param.file) - 5); });

TEST(Payload, SaysTheSameTtlSomeMillisecondsLater) {
  const std::string late = rendered(profile("ecss10"), payload_wire::fcm_v1, samples::invite("103", ""), token_service::plain,
                                    samples::invite_at + milliseconds(40));
  EXPECT_EQ(late, golden("fcm_v1_invite.json"));
}

TEST(Payload, NeverSaysANegativeTtl) {
  const std::string late = rendered(profile("ecss10"), payload_wire::fcm_v1, samples::invite("103", ""), token_service::plain,
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
  EXPECT_EQ(body["aps"]["alert"]["loc-args"], json({"3", "anonymous"}));
  EXPECT_EQ(body["calls"][0]["display_name"], "Ann");
}

TEST(NativeProfile, LeavesTheAlertOfAVoipPushToCallKit) {
  const json body = json::parse(rendered(profile("native"), payload_wire::apns, samples::invite("103", "Ann"), token_service::voip));
  EXPECT_EQ(body["aps"], json::object());
  EXPECT_EQ(body["number"], "103");
  EXPECT_EQ(body["call_ref"], "ab000000000000000000000000000000");
}

TEST(NativeProfile, LeavesOutACallIdThatIsTooLongToBeOne) {
  push_order order = samples::invite("103", "Ann");
  std::get<invite_content>(order.content).call_id = std::string(rendered_call_id_limit + 1, 'c');
  EXPECT_EQ(json::parse(rendered(profile("native"), payload_wire::apns, order))["call_id"], "");
}

TEST(NativeProfile, WakesAPlainTokenAndEcss10DoesNot) {
  EXPECT_TRUE(profile("native").find(payload_wire::apns, payload_kind::invite)->wakes_plain_token());
  EXPECT_FALSE(profile("ecss10").find(payload_wire::apns, payload_kind::invite)->wakes_plain_token());
}

TEST(NativeProfile, TitlesTheAlertWithTheNumberWhereThereIsNoName) {
  const json body = json::parse(rendered(profile("native"), payload_wire::apns, samples::invite("103", "")));
  EXPECT_EQ(body["aps"]["alert"]["title"], "103");
}

TEST(Profile, WritesADollarBraceForTwoDollars) {
  const auto p = payload_profile::compile(
                     R"({"profile":"p","apns":{"invite":{"aps":{},"n":"${number}","x":"$5 $${date} $"},"missed_calls":{"aps":{}}}})")
                     .value();
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
  EXPECT_EQ(cut_utf8("\xF0\x9F\x93\x9E", 3), "");
  EXPECT_EQ(cut_utf8("\x80\x80\x80\x80\x80", 4), "\x80\x80\x80\x80");  // no sequence to keep whole
}

}  // namespace
}  // namespace reveille::pns
