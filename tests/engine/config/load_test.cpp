#include "engine/config/load.hpp"

#include "core/random.hpp"
#include "pns/payload.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace reveille::config {
namespace {

constexpr std::string_view least = "[node]\ndomains = [\"example.com\"]\n[trust]\nopen = true\n";

std::string texts(const faults& all) {
  std::string out;
  for (const fault& f : all) out += f.text() + "\n";
  return out;
}

TEST(Configuration, TakesDefaultsForWhatIsNotWritten) {
  const auto loaded = load_text(least, "r.toml");
  ASSERT_TRUE(loaded) << texts(loaded.error());
  EXPECT_EQ(loaded->node.domains, std::vector<std::string>{"example.com"});
  EXPECT_EQ(loaded->subscribers.answer_timeout, seconds(30));
  EXPECT_EQ(loaded->subscribers.contacts, 12U);
}

TEST(Configuration, ReadsEveryKindOfSetting) {
  const auto loaded = load_text(
      "[node]\ndomains = [\"a.example\", \"b.example\"]\nshards = 2\n"
      "[trust]\nopen = true\npeers = [\"10.1.2.3\"]\n"
      "[call]\nanswer_timeout = \"45s\"\ndial_live_flow = true\n[park]\nrefused_grace = \"1500ms\"\nprovisional = \"182\"\n"
      "[store]\ndurability = \"disk\"\nmemtable = \"16MiB\"\n[push]\nwhen = \"asleep\"\n",
      "r.toml");
  ASSERT_TRUE(loaded) << texts(loaded.error());
  EXPECT_EQ(loaded->node.shards, 2);
  EXPECT_EQ(loaded->subscribers.answer_timeout, seconds(45));
  EXPECT_EQ(loaded->subscribers.refused_grace, milliseconds(1500));
  EXPECT_EQ(loaded->subscribers.provisional, park_provisional::queued);
  EXPECT_EQ(loaded->store.promise, durability::disk);
  EXPECT_EQ(loaded->store.memtable_bytes, 16U << 20);
  EXPECT_EQ(loaded->subscribers.push, push_when::asleep);
}

TEST(Configuration, ReportsEveryMistakeAtOnceWithItsPlace) {
  const auto loaded = load_file("tests/engine/config/mistakes.toml");
  ASSERT_FALSE(loaded);
  std::ifstream golden("tests/engine/config/mistakes.expected");
  const std::string expected((std::istreambuf_iterator<char>(golden)), std::istreambuf_iterator<char>());
  EXPECT_EQ(texts(loaded.error()), expected);
}

struct mistake {
  const char* name;
  const char* toml;       ///< after the least that is needed
  const char* complaint;  ///< part of the only fault
};
class ConfigurationMistake : public ::testing::TestWithParam<mistake> {};
TEST_P(ConfigurationMistake, IsReportedOnce) {
  const auto loaded = load_text(std::string(least) + GetParam().toml, "r.toml");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().size(), 1U) << texts(loaded.error());
  EXPECT_NE(texts(loaded.error()).find(GetParam().complaint), std::string::npos) << texts(loaded.error());
}
INSTANTIATE_TEST_SUITE_P(
    Table, ConfigurationMistake,
    ::testing::Values(
        mistake{"Syntax", "[call\n", "r.toml:5:"},
        mistake{"UnknownTable", "[calls]\n", "r.toml:5:2: unknown key `calls` (did you mean `call`?)"},
        mistake{"UnknownKey", "[call]\nanser_timeout = \"3s\"\n",
                "6:1: unknown key `anser_timeout` in [call] (did you mean `answer_timeout`?)"},
        mistake{"NothingNear", "[call]\nzzzzzzzz = 1\n", "unknown key `zzzzzzzz` in [call]\n"},
        mistake{"NumberForDuration", "[call]\nanswer_timeout = 30\n", "6:18: call.answer_timeout must be a duration"},
        mistake{"UnknownUnit", "[call]\nanswer_timeout = \"30 sec\"\n", "must be a duration"},
        mistake{"BetweenUnits", "[call]\nanswer_timeout = \"30500ms\"\n", "whole units of 1s"},
        mistake{"DurationOverflow", "[call]\nanswer_timeout = \"99999999999999999999d\"\n", "must be a duration"},
        mistake{"OutOfRange", "[registrar]\nmax_contacts = 0\n",
                "registrar.max_contacts must be between 1 and 100, not 0"},
        mistake{"NeitherPushedNorDialled", "[push]\nwhen = \"asleep\"\n", "6:8: push.when must be always unless call.dial_live_flow = true"},
        mistake{"Negative", "[registrar]\nmax_contacts = -3\n", "not -3"},
        mistake{"TextForNumber", "[registrar]\nmax_contacts = \"3\"\n", "must be a whole number, not `3`"},
        mistake{"NumberForFlag", "[registrar]\nstar_removes_push = 1\n", "must be true or false, not a whole number"},
        mistake{"UnknownWord", "[push]\nwhen = \"alway\"\n",
                "push.when must be one of \"always\", \"asleep\", not `alway` (did you mean `always`?)"},
        mistake{"TableForSetting", "[push.when]\n", "push.when must be one of"},
        mistake{"SettingForTable", "[store]\n[park]\n[apns.app]\n", "apns.app must be tables: write [[apns.app]]"},
        mistake{"NoFile", "[fcm]\nca_file = \"/nowhere/ca.pem\"\n",
                "fcm.ca_file names /nowhere/ca.pem, which is missing"},
        mistake{"NotHttps", "[apns]\nendpoint = \"http://push.example\"\n", "apns.endpoint must be https://"},
        mistake{"PathInEndpoint", "[apns]\nendpoint = \"https://push.example/x\"\n", "without a path"},
        mistake{"OpenAdmin", "[admin]\nlisten = \"0.0.0.0:8080\"\n", "admin.bearer_token_file must be set"},
        mistake{"BadAddress", "[admin]\nlisten = \"localhost:8080\"\n", "admin.listen must be ADDRESS:PORT"},
        mistake{"Relation", "[push]\nttl_margin = \"30s\"\n[call]\nanswer_timeout=\"20s\"\n",
                "push.ttl_margin must be below call.answer_timeout"},
        mistake{"DefaultAboveMost", "[registrar]\nmax_expires = \"30min\"\n",
                "registrar.default_expires must not be above"},
        mistake{"AppWithoutCredential", "[[apns.app]]\nbundle = \"a.b\"\n",
                "r.toml:5:1: apns.app[0] must name a signing key (key_file, key_id, team_id) or a certificate_file"},
        mistake{"KeyAndCertificate",
                "[[apns.app]]\nteam_id = \"TEAM123456\"\nbundle = \"a.b\"\nkey_id = \"KEY1234567\"\nkey_file = "
                "\"README.md\"\ncertificate_file = \"README.md\"\n",
                "r.toml:10:20: apns.app[0].certificate_file must not stand beside key_file and key_id"},
        mistake{"KeyWithoutTeam", "[[apns.app]]\nbundle = \"a.b\"\nkey_id = \"KEY1234567\"\nkey_file = \"README.md\"\n",
                "apns.app[0].team_id must be set"},
        mistake{"KeyIdAlone", "[[apns.app]]\nteam_id = \"TEAM123456\"\nbundle = \"a.b\"\nkey_id = \"KEY1234567\"\n",
                "apns.app[0].key_file must name a file"},
        mistake{"LegacyNeedsAGateway", "[[fcm.app]]\nproject = \"acme\"\napi = \"legacy\"\nserver_key_file = \"README.md\"\n",
                "fcm.app[0].endpoint must be the gateway's URL"},
        mistake{"PlainHttpMustBeMeant",
                "[[fcm.app]]\nproject = \"acme\"\napi = \"legacy\"\nserver_key_file = \"README.md\"\n"
                "endpoint = \"http://gw.example/fcm/send\"\n",
                "r.toml:9:12: fcm.app[0].endpoint is not encrypted"},
        mistake{"NoPathForGoogle",
                "[[fcm.app]]\nproject = \"acme\"\nservice_account_file = \"README.md\"\nendpoint = \"https://gw.example/x\"\n",
                "r.toml:8:12: fcm.app[0].endpoint must be https://HOST or https://HOST:PORT, without a path"},
        mistake{"NoPlainHttpForApple", "[[apns.app]]\ncertificate_file = \"README.md\"\nendpoint = \"http://gw.example\"\n",
                "r.toml:7:12: apns.app[0].endpoint must be https://"},
        mistake{"AppsOwnTtlTooLong", "[[fcm.app]]\nproject = \"acme\"\nservice_account_file = \"README.md\"\ncall_ttl = \"2h\"\n",
                "r.toml:8:12: fcm.app[0].call_ttl must be between 0s and 1h, not 2h"},
        mistake{"OffWithoutABundle", "[[apns.app]]\nenabled = false\ncertificate_file = \"README.md\"\n",
                "r.toml:5:1: apns.app[0].bundle must be set where enabled = false"},
        mistake{"OneAccountWithoutABundle", "[[apns.app]]\naccounts = \"one\"\ncertificate_file = \"README.md\"\n",
                "apns.app[0].bundle must be set where accounts = \"one\""},
        mistake{"AccountMissing", "[[fcm.app]]\nproject = \"acme\"\n", "fcm.app[0].service_account_file must name a file"},
        mistake{"ProxyWithoutPort", "[apns]\nproxy = \"http://proxy.example\"\n", "apns.proxy must be http://HOST:PORT"},
        mistake{"ProxyByHttps", "[fcm]\nproxy = \"https://proxy.example:3128\"\n", "fcm.proxy must be http://HOST:PORT"},
        mistake{"ControlCharacters", "[push]\nwhen = \"a\\u0007\"\n", "not `a?`"}),
    [](const auto& of) { return std::string(of.param.name); });

result<settings, faults> load_least_and(std::string_view rest) {
  std::string text(least);
  text += rest;
  return load_text(text, "r.toml");
}

class OwnProfile : public ::testing::Test {
 protected:
  OwnProfile() { std::ofstream(file_) << ""; }
  ~OwnProfile() override { std::remove(file_.c_str()); }
  void keep(std::string_view text) const { std::ofstream(file_) << text; }
  result<settings, faults> load(const std::string& rest) const {
    std::string text("[[payload.profile]]\nname = \"own\"\nfile = \"");
    text.append(file_).append("\"\n").append(rest);
    return load_least_and(text);
  }
  const std::string file_ = ::testing::TempDir() + "reveille-own-profile.json";
};

TEST_F(OwnProfile, IsNamedByAnApp) {
  keep(pns::builtin_profile_text("native"));
  const auto loaded = load("properties = [\"sound=ring.caf\"]\n");
  ASSERT_TRUE(loaded) << texts(loaded.error());
  EXPECT_EQ(loaded->profiles.at(0).name, "own");
}

TEST_F(OwnProfile, IsCheckedWithItsOwnLineAndColumn) {
  keep("{\"profile\":\"own\",\n\"profile\":\"own\",\n \"apple\":{}}");
  const auto loaded = load("");
  ASSERT_FALSE(loaded);
  EXPECT_NE(texts(loaded.error()).find(file_ + ":2:1: key \"profile\" stands twice\n" + file_ + ":3:2: unknown key \"apple\""),
            std::string::npos) << texts(loaded.error());
}

TEST_F(OwnProfile, HasABodyForTheServiceThatUsesIt) {
  keep("{\"profile\":\"own\",\"apns\":{\"invite\":{\"aps\":{},\"n\":\"${number}\"},\"missed_calls\":{\"aps\":{}}}}");
  std::ofstream(file_ + ".account") << "{}";
  const auto loaded = load("[[fcm.app]]\nproject = \"p\"\nprofile = \"own\"\nservice_account_file = \"" + file_ + ".account\"\n");
  std::remove((file_ + ".account").c_str());
  ASSERT_FALSE(loaded);
  EXPECT_EQ(texts(loaded.error()), file_ + ":1:1: profile own has no \"fcm_v1\", and FCM app p uses it\n");
}

TEST_F(OwnProfile, OfALegacyGatewayNeedsItsOwnBody) {
  keep("{\"profile\":\"own\",\"apns\":{\"invite\":{\"aps\":{},\"n\":\"${number}\"},\"missed_calls\":{\"aps\":{}}}}");
  std::ofstream(file_ + ".key") << "key";
  const auto loaded = load("[[fcm.app]]\nproject = \"p\"\nprofile = \"own\"\napi = \"legacy\"\nendpoint = \"https://gateway.example/fcm/send\"\n"
                           "server_key_file = \"" + file_ + ".key\"\n");
  std::remove((file_ + ".key").c_str());
  ASSERT_FALSE(loaded);
  EXPECT_NE(texts(loaded.error()).find("profile own has no \"fcm_legacy\", and FCM app p uses it"), std::string::npos) << texts(loaded.error());
}

TEST(Configuration, NamesProfilesThatAreNotThere) {
  const auto loaded = load_least_and(
      "[[payload.profile]]\nname = \"ecss10\"\n[[payload.profile]]\nname = \"Own\"\nproperties = [\"=x\"]\n"
      "[[payload.profile]]\nname = \"dear\"\nproperties = [\"companie=x\"]\n"
      "[[fcm.app]]\nproject = \"p\"\nprofile = \"nativ\"\nservice_account_file = \"/nowhere\"\n");
  ASSERT_FALSE(loaded);
  const std::string told = texts(loaded.error());
  for (const char* complaint :
       {"r.toml:6:8: payload.profile[0].name is built in", "r.toml:8:8: payload.profile[1].name must be 1 to 32",
        "r.toml:9:15: payload.profile[1].properties[0] must be NAME=VALUE",
        "r.toml:15:11: fcm.app[0].profile names no profile; there are Own, dear, ecss10, native",
        "the profile has no property \"companie\""}) {
    EXPECT_NE(told.find(complaint), std::string::npos) << complaint << "\n" << told;
  }
}

TEST(Configuration, SaysHowToGetAFileWhenThereIsNone) {
  const auto loaded = load_file("/nowhere/reveille.toml");
  ASSERT_FALSE(loaded);
  EXPECT_NE(texts(loaded.error()).find("--print-default-config"), std::string::npos);
}

TEST(Configuration, WantsADomainAndAnOpenNode) {
  const auto loaded = load_text("", "r.toml");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().size(), 2U) << texts(loaded.error());
}

TEST(Configuration, NamesTheAppWhoseKeyIsMissing) {
  constexpr std::string_view toml =
      "[node]\ndomains = [\"example.com\"]\n[trust]\nopen = true\n[[apns.app]]\nteam_id = \"TEAM123456\"\n"
      "bundle = \"a.b\"\nkey_id = \"KEY1234567\"\nkey_file = \"/nowhere/key.p8\"\n";
  const auto loaded = load_text(toml, "r.toml");
  ASSERT_FALSE(loaded);
  EXPECT_NE(texts(loaded.error()).find("r.toml:9:12: apns.app[0].key_file names /nowhere/key.p8"), std::string::npos)
      << texts(loaded.error());
}

TEST(Configuration, ACertificateNeedsNeitherTeamNorBundle) {
  std::string toml(least);
  toml.append("[[apns.app]]\ncertificate_file = \"README.md\"\n");
  const auto loaded = load_text(toml, "r.toml");
  EXPECT_TRUE(loaded) << texts(loaded.error());
}

TEST(Configuration, WantsNoFilesOfWhatIsSwitchedOff) {
  const std::string app = "[[apns.app]]\nteam_id = \"DEF123GHIJ\"\nbundle = \"com.example.phone\"\nkey_id = \"ABC123DEFG\"\n"
                          "key_file = \"/nowhere/AuthKey.p8\"\n";
  EXPECT_FALSE(load_text(std::string(least) + app, "r.toml"));
  EXPECT_TRUE(load_text(std::string(least) + app + "enabled = false\n", "r.toml"));
  EXPECT_TRUE(load_text(std::string(least) + "[apns]\nenabled = false\nca_file = \"/nowhere/ca.pem\"\n" + app, "r.toml"));
  const auto other = load_text(std::string(least) + app + "enabled = false\n[fcm]\nca_file = \"/nowhere/ca.pem\"\n", "r.toml");
  ASSERT_FALSE(other);
  EXPECT_EQ(texts(other.error()), "r.toml:12:11: fcm.ca_file names /nowhere/ca.pem, which is missing, empty or may not be read by this user\n");
}

TEST(Configuration, RemembersWhereItsSettingsStand) {
  const auto loaded = load_text(std::string(least) + "[apns]\nconnections = 2\n", "r.toml");
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->setting_text("apns.connections"), "r.toml:6:15: apns.connections");
  EXPECT_EQ(loaded->setting_text("fcm.connections"), "fcm.connections");
}

TEST(Configuration, SurvivesRandomDamage) {
  seeded_random random(3);
  const std::string whole = default_toml();
  for (int round = 0; round < 300; ++round) {
    std::string text = whole;
    for (int i = 0; i < 3; ++i) text[random.below(text.size())] = static_cast<char>(random.next());
    (void)load_text(text, "r.toml");
  }
}

}  // namespace
}  // namespace reveille::config
