// What is wrong with a profile file is told when it is compiled, each mistake with its place.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "core/random.hpp"
#include "pns/payload.hpp"

namespace reveille::pns {
namespace {

std::string faults_of(const std::vector<placed_fault>& all) {
  std::string out;
  for (const placed_fault& f : all) out += f.text("p.json") + "\n";
  return out;
}

/// APNs with `invite`, whose text begins at 2:20; all else is right.
std::string wrap(const std::string& invite) {
  return "{\"profile\":\"p\",\n \"apns\":{\"invite\":" + invite + ",\"missed_calls\":{\"aps\":{}}}}";
}
/// The same with more members in a body that is right.
std::string with(const std::string& members) { return wrap("{\"aps\":{},\"n\":\"${number}\"," + members + "}"); }
std::string apns_missed(const std::string& body) {
  return R"({"profile":"p","apns":{"invite":{"aps":{},"n":"${number}"},"missed_calls":)" + body + "}}";
}
std::string fcm(const std::string& invite) {
  return R"({"profile":"p","fcm_v1":{"missed_calls":{"message":{"token":"${token}"}},"invite":)" + invite + "}}";
}
/// FCM v1 with one entry of `data`.
std::string fcm_data(const std::string& entry) {
  return fcm(R"({"message":{"token":"${token}","android":{"priority":"HIGH"},"data":{)" + entry + "}}}");
}
std::string legacy(const std::string& members) {
  return R"({"profile":"p","fcm_legacy":{"missed_calls":{"to":"${token}"},"invite":{)" + members + "}}}";
}

struct fault_row {
  const char* name;
  std::string text;
  std::string fault;  ///< a part of the message
};
class ProfileFault : public ::testing::TestWithParam<fault_row> {};
TEST_P(ProfileFault, IsToldWithItsPlace) {
  const auto made = payload_profile::compile(GetParam().text);
  ASSERT_FALSE(made.has_value());
  const std::string told = faults_of(made.error());
  EXPECT_NE(told.find(GetParam().fault), std::string::npos) << told;
}
INSTANTIATE_TEST_SUITE_P(
    Json, ProfileFault,
    ::testing::Values(
        fault_row{"NoJson", "nonsense", "p.json:1:1: expected a value"},
        fault_row{"Empty", "", "p.json:1:1: expected a value"},
        fault_row{"NoObject", "[]", "p.json:1:1: a profile is an object"},
        fault_row{"MissingComma", "{\"profile\":\"p\"\n  \"apns\":{}}", "p.json:2:3: expected ','"},
        fault_row{"DoubleKey", "{\"profile\":\"p\",\n\"profile\":\"q\"}", "p.json:2:1: key \"profile\" stands twice"},
        fault_row{"TrailingText", "{\"profile\":\"p\"} x", "p.json:1:17: more text"},
        fault_row{"BadNumber", with("\"x\":012"), "expected a value, not \"012\""},
        fault_row{"HalfSurrogate", with("\"a\":\"\\ud800\""), "surrogate"},
        fault_row{"TooDeep", std::string(100, '['), "nested too deeply"},
        fault_row{"NotUtf8", "{\"profile\":\n \"\xff\"}", "p.json:2:3: the file is not UTF-8"}),
    [](const auto& row) { return std::string(row.param.name); });
INSTANTIATE_TEST_SUITE_P(
    Template, ProfileFault,
    ::testing::Values(
        fault_row{"UnknownKey", "{\"profile\":\"p\",\n \"apple\":{}}", "p.json:2:2: unknown key \"apple\""},
        fault_row{"UnknownField", with("\n\"x\":\"${nummer}\""), "p.json:3:5: unknown field or property \"nummer\""},
        fault_row{"UnknownType", with("\"x\":\"${date:text}\""), "unknown type \":text\""},
        fault_row{"TextAsInteger", with("\"x\":\"${number:integer}\""), "is text, no integer"},
        fault_row{"IntegerInText", with("\"x\":\"a${date:integer}\""), "must be the whole string"},
        fault_row{"FieldOfMissedCalls", with("\"x\":\"${count}\""), "has no value here"},
        fault_row{"ItemOutsideEach", with("\"x\":\"${call.id}\""), "has no value here"},
        fault_row{"EachInInvite", with("\"x\":{\"$each\":\"calls\",\"$item\":1}"), "only missed_calls has calls"},
        fault_row{"NumberIsNeverEmpty", with("\"x\":{\"$if\":\"date\",\"$then\":1,\"$else\":2}"), "is a number, and never empty"},
        fault_row{"OpenPlaceholder", with("\"x\":\"${date\""), "without \"}\""},
        fault_row{"FieldInKey", with("\"${number}\":1"), "a key may hold properties only"},
        fault_row{"KeyTwiceByProperty", R"({"profile":"p","properties":{"a":"n"},"apns":{"missed_calls":{"aps":{}},"invite":{"aps":{},"n":"${number}","${a}":1}}})",
                  "key \"n\" stands twice once the properties are put in"},
        fault_row{"UnknownCommand", with("\"x\":{\"$loop\":1}"), "unknown command"},
        fault_row{"PropertyThatIsNoInteger", R"({"profile":"p","properties":{"a":"1x"},"apns":{"missed_calls":{"aps":{}},"invite":{"aps":{},"n":"${number}","x":"${a:integer}"}}})",
                  "property \"a\" is no integer"},
        fault_row{"NoBody", "{\"profile\":\"p\"}", "no body"}, fault_row{"NoName", "{\"apns\":{}}", "no \"profile\""},
        fault_row{"BodyIsNoObject", wrap("[]"), "p.json:2:19: a body must be an object"},
        fault_row{"ServiceIsNoObject", R"({"profile":"p","apns":1})", "must be an object with \"invite\""},
        fault_row{"NoInvite", R"({"profile":"p","apns":{"missed_calls":{"aps":{}}}})", "p.json:1:16: \"apns\" has no body \"invite\""},
        fault_row{"NoMissedCalls", R"({"profile":"p","apns":{"invite":{"aps":{},"n":"${number}"}}})", "\"apns\" has no body \"missed_calls\""},
        fault_row{"UnknownBody", R"({"profile":"p","apns":{"invites":{}}})", "a body is \"invite\" or \"missed_calls\""}),
    [](const auto& row) { return std::string(row.param.name); });
INSTANTIATE_TEST_SUITE_P(
    Service, ProfileFault,
    ::testing::Values(
        fault_row{"NoAps", wrap("{\"x\":1}"), "p.json:2:19: APNs wants an object \"aps\""},
        fault_row{"ApsIsNoObject", wrap("{\"aps\":\n7}"), "p.json:3:1: APNs wants an object \"aps\""},
        fault_row{"BadgeIsText", apns_missed(R"({"aps":{"badge":"3"}})"), "\"badge\" must be a number"},
        fault_row{"BadgeIsPlaceholderText", apns_missed(R"({"aps":{"badge":"${count}"}})"), "\"badge\" must be a number"},
        fault_row{"BadgeIsFraction", apns_missed(R"({"aps":{"badge":1.5}})"), "\"badge\" must be a number"},
        fault_row{"BadgeIsNoText", R"({"profile":"p","badge_type":"text","apns":{"invite":{"aps":{"badge":1},"n":"${number}"},"missed_calls":{"aps":{}}}})",
                  "\"badge\" must be a text, as"},
        fault_row{"UnknownBadgeType", R"({"profile":"p","badge_type":"digits"})", "\"number\" or \"text\""},
        fault_row{"VoipWithoutIdentity", wrap("{\"aps\":{},\"t\":\"invite\"}"), "a voip push must say which call it is"},
        fault_row{"VoipArmWithoutIdentity", wrap(R"({"aps":{},"x":{"$if":"voip","$then":"","$else":"${number}"}})"),
                  "a voip push must say which call it is"},
        fault_row{"TooLargeWhenEmpty", with("\"x\":\"" + std::string(5000, 'x') + "\""), "p.json:2:10: takes 50"},
        fault_row{"NoTokenForFcm", fcm(R"({"message":{"android":{"priority":"HIGH"}}})"), "no \"token\": \"${token}\""},
        fault_row{"TokenElsewhere", fcm(R"({"message":{"token":"x${token}","android":{"priority":"HIGH"}}})"), "no \"token\": \"${token}\""},
        fault_row{"NoMessage", fcm("{}"), "FCM v1 wants an object \"message\""},
        fault_row{"UnknownMember", fcm(R"({"message":{"token":"${token}","android":{"priority":"HIGH"},"topic":"x"}})"),
                  "FCM v1 knows no \"topic\" here"},
        fault_row{"NumberInFcmData", fcm_data(R"("d":1)"), "FCM v1 takes strings only"},
        fault_row{"IntegerInFcmData", fcm_data(R"("d":"${date:integer}")"), "FCM v1 takes strings only"},
        fault_row{"ArmInFcmData", fcm_data(R"("d":{"$if":"display_name","$then":"x","$else":[]})"), "FCM v1 takes strings only"},
        fault_row{"ReservedKey", fcm_data(R"("from":"1")"), "FCM reserves the key \"from\""},
        fault_row{"ReservedPrefix", fcm_data(R"("google.x":"1")"), "FCM reserves the key \"google.x\""},
        fault_row{"ReservedGcm", fcm_data(R"("gcm_id":"1")"), "FCM reserves the key \"gcm_id\""},
        fault_row{"ReservedByProperty",
                  R"({"profile":"p","properties":{"k":"message_type"},"fcm_legacy":{"missed_calls":{"to":"${token}"},"invite":{"to":"${token}","data":{"${k}":1}}}})",
                  "FCM reserves the key \"message_type\""},
        fault_row{"NoPriority", fcm(R"({"message":{"token":"${token}"}})"), "would not wake a phone that dozes"},
        fault_row{"NormalPriority", fcm(R"({"message":{"token":"${token}","android":{"priority":"normal"}}})"), "would not wake a phone that dozes"},
        fault_row{"UnknownPriority", fcm(R"({"message":{"token":"${token}","android":{"priority":"10"}}})"), "must be \"HIGH\" or \"NORMAL\""},
        fault_row{"TtlIsNumber", fcm(R"({"message":{"token":"${token}","android":{"priority":"HIGH","ttl":"${ttl:integer}"}}})"), "\"ttl\" must be a text"},
        fault_row{"TtlWithoutUnit", fcm(R"({"message":{"token":"${token}","android":{"priority":"HIGH","ttl":"${ttl}"}}})"), "ends in s"},
        fault_row{"LegacyWithoutTo", legacy(R"("data":{})"), "no \"to\": \"${token}\""},
        fault_row{"LegacyTtlIsText", legacy(R"("to":"${token}","time_to_live":"28s")"), "\"time_to_live\" must be a number"},
        fault_row{"LegacyReservedKey", legacy(R"("to":"${token}","data":{"gcm":1})"), "FCM reserves the key \"gcm\""}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Profile, CollectsAllFaultsInTheOrderOfTheFile) {
  const auto made = payload_profile::compile(
      "{\"profile\":\"p\",\n\"profile\":\"q\",\n\"apns\":{\"invite\":{\"aps\":{\"badge\":\"1\"},\n\"x\":\"${a}\",\n\"y\":\"${b}\"}},\n"
      "\"fcm_v1\":{\"invite\":{\"message\":{\"data\":{\n\"from\":1}}}}}");
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(faults_of(made.error()),
            "p.json:2:1: key \"profile\" stands twice\n"
            "p.json:3:1: \"apns\" has no body \"missed_calls\"\n"
            "p.json:3:34: \"badge\" must be a number, such as 1 or \"${count:integer}\": iOS shows no other (an app that reads a "
            "text by itself wants \"badge_type\": \"text\" in the profile)\n"
            "p.json:4:5: unknown field or property \"a\"\n"
            "p.json:5:5: unknown field or property \"b\"\n"
            "p.json:6:1: \"fcm_v1\" has no body \"missed_calls\"\n"
            "p.json:6:31: no \"token\": \"${token}\": the push would go to nobody\n"
            "p.json:6:31: no \"android\": {\"priority\": \"HIGH\"}: a call would not wake a phone that dozes\n"
            "p.json:7:1: FCM reserves the key \"from\"\n"
            "p.json:7:8: FCM v1 takes strings only in \"data\"; use \"$text\" for an object\n");
}

TEST(Profile, OfAnOperatorMayLookAsTheDocumentationShows) {
  std::ifstream in("docs/examples/acme.json");
  std::stringstream text;
  text << in.rdbuf();
  const auto made = payload_profile::compile(text.str(), {{"app", "my-phone"}});
  ASSERT_TRUE(made.has_value()) << faults_of(made.error());
  EXPECT_EQ(made->name(), "acme");
  EXPECT_TRUE(made->find(payload_wire::apns, payload_kind::invite)->wakes_plain_token());
}

TEST(Profile, SurvivesRandomDamage) {
  seeded_random random(9);
  for (const std::string_view name : builtin_profile_names()) {
    const std::string whole(builtin_profile_text(name));
    for (int round = 0; round < 2000; ++round) {
      std::string text = whole;
      for (int i = 0; i < 3; ++i) {
        const std::size_t at = random.below(text.size());
        switch (random.below(3)) {
          case 0: text[at] = static_cast<char>(random.next()); break;
          case 1: text.erase(at, random.below(20)); break;
          default: text.insert(at, whole, random.below(whole.size()), random.below(30)); break;
        }
      }
      if (const auto made = payload_profile::compile(text); !made) {
        ASSERT_FALSE(made.error().empty());
      }
    }
  }
}

}  // namespace
}  // namespace reveille::pns
