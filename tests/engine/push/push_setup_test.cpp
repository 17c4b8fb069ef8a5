// From the configuration's paths to keys and profiles: every fault is named, no secret is shown.
#include "engine/push/push_setup.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "core/system_ports.hpp"
#include "engine/push/push_plan.hpp"
#include "engine/push/push_threads.hpp"
#include "tests/engine/push/settings_folder.hpp"
#include "tests/net/tls/test_authority.hpp"

namespace reveille {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

using testing::keys;

class nobody final : public push_answer_sink {
 public:
  void answered(shard_id, std::vector<pns::push_answer>&) override {}
};

class PushSetup : public ::testing::Test, protected testing::settings_folder {
 protected:
  PushSetup() {
    keep("ca.pem", keys().ca_pem);
    settings.apns.send.ca_file = settings.fcm.send.ca_file = path("ca.pem");
  }
  void keep(const std::string& name, const std::string& text) const { write(name, text); }

  /// The faults of reading, else those of starting the senders; none = it would run.
  std::vector<std::string> faults() {
    std::vector<std::string> out;
    const auto add = [&](const std::vector<error>& all) {
      for (const error& e : all) out.push_back(e.what);
    };
    const auto read = read_push_config(settings);
    if (!read) {
      add(read.error());
      return out;
    }
    push_config config = *read;
    // Whoever is started here must not look for the real providers.
    config.apns.limits.warm_connections = config.fcm.limits.warm_connections = 0;
    if (const auto made = push_threads::make(config, sink, time); !made) add(made.error());
    return out;
  }

  nobody sink;
  system_clock_port time;
};

TEST_F(PushSetup, ReadsWhatTheConfigurationNames) {
  settings.apns.send.limits.connections = 3;
  settings.apns.badge = "7";
  settings.push.queue_limit = 50;
  const auto read = read_push_config(settings);
  ASSERT_TRUE(read.has_value()) << read.error().front().what;
  EXPECT_EQ(read->apns.apps.at(0).key_pem, keys().apns_key_pem);
  EXPECT_EQ(read->profiles.at(0).name, "ecss10");
  EXPECT_EQ(read->profiles.at(0).properties.at("badge"), "7");
  EXPECT_EQ(read->apns.route.ca_pem, keys().ca_pem);
  EXPECT_EQ(read->apns.production, (push_endpoint{"api.push.apple.com", 443}));
  EXPECT_EQ(read->apns.limits.connections, 3);
  EXPECT_EQ(read->apns.limits.calls_queued, 50U);
  EXPECT_EQ(read->fcm.limits.missed_calls_queued, 50U);
  EXPECT_EQ(faults(), std::vector<std::string>());
}

TEST_F(PushSetup, ReadsTheOperatorsOwnProfiles) {
  keep("own.json", std::string(pns::builtin_profile_text("native")));
  settings.profiles = {{"own", path("own.json"), config::base_profile::ecss10, {"sound=ring.caf"}},
                               {"phoneco", "", config::base_profile::ecss10, {"company=phoneco"}}};
  settings.apns.apps[0].profile = "own";
  settings.fcm.apps[0].profile = "phoneco";
  const auto read = read_push_config(settings);
  ASSERT_TRUE(read.has_value());
  ASSERT_EQ(read->profiles.size(), 4U);
  EXPECT_EQ(read->profiles[2].properties.at("sound"), "ring.caf");
  EXPECT_EQ(read->profiles[3].properties.at("company"), "phoneco");
  EXPECT_EQ(read->profiles[3].properties.at("badge"), "10");
  EXPECT_EQ(faults(), std::vector<std::string>());
}

TEST_F(PushSetup, NamesThePlaceOfAMistakeInAProfile) {
  keep("own.json", "{\"profile\":\"own\",\n \"apple\":{}}");
  settings.profiles = {{"own", path("own.json"), config::base_profile::ecss10, {}}};
  settings.apns.apps[0].profile = "own";
  EXPECT_THAT(faults(), ::testing::Contains("apns app com.example.phone: " + path("own.json") +
                                            ":2:2: unknown key \"apple\""));
}

TEST_F(PushSetup, AProviderThatIsOffNeedsNoFiles) {
  settings.apns.enabled = settings.fcm.enabled = false;
  std::filesystem::remove_all(directory);
  const auto read = read_push_config(settings);
  ASSERT_TRUE(read.has_value());
  EXPECT_TRUE(read->apns.apps.empty());
  EXPECT_TRUE(read->fcm.apps.empty());
}

TEST_F(PushSetup, WhatIsSwitchedOffOrPausedIsAnsweredSoAndNeedsNoFiles) {
  const auto destination = [this](pns::provider p, const char* app) {
    const auto plan = plan_pushes(read_push_config(settings).value());
    const auto to = plan.value().router.find({p, "", app, {}});
    return !to ? "no app" : to->sender == push_destination::switched_off ? "off" : "on";
  };
  EXPECT_STREQ(destination(pns::provider::apns, "com.example.phone"), "on");
  for (bool config::apns_app::*off : {&config::apns_app::enabled, &config::apns_app::paused}) {
    const bool before = settings.apns.apps[0].*off;
    settings.apns.apps[0].*off = !before;
    EXPECT_STREQ(destination(pns::provider::apns, "com.example.phone"), "off");
    EXPECT_STREQ(destination(pns::provider::apns_dev, "com.example.phone"), "off");
    EXPECT_STREQ(destination(pns::provider::apns, "com.example.other"), "no app");
    EXPECT_STREQ(destination(pns::provider::fcm, "reveille-mock"), "on");
    settings.apns.apps[0].*off = before;
  }
  settings.fcm.apps[0].paused = true;
  EXPECT_STREQ(destination(pns::provider::fcm, "reveille-mock"), "off");
  settings.apns.paused = true;
  EXPECT_STREQ(destination(pns::provider::apns_dev, "com.example.phone"), "off");
  EXPECT_STREQ(destination(pns::provider::apns, "com.example.other"), "off");
  std::filesystem::remove_all(directory);
  settings.apns.paused = false;
  settings.apns.enabled = settings.fcm.enabled = false;
  EXPECT_EQ(faults(), std::vector<std::string>());
}

TEST_F(PushSetup, AnAppMayHaveItsOwnEndpointTtlAndRate) {
  settings.apns.apps.push_back(settings.apns.apps[0]);
  settings.apns.apps[1].bundle = "com.example.two";
  settings.apns.apps[1].endpoint = "https://apns.example.net:2197";
  settings.apns.apps[1].call_ttl = seconds(7);
  settings.apns.apps[1].rate_limit = 50;
  settings.fcm.apps[0].endpoint = "https://fcm.example.net";
  settings.fcm.apps[0].call_ttl = seconds(9);
  settings.fcm.apps[0].rate_limit = 30'000;
  settings.fcm.send.connect_timeout = milliseconds(700);
  settings.fcm.send.limits.answer_timeout = milliseconds(900);
  const auto plan = plan_pushes(read_push_config(settings).value());
  ASSERT_TRUE(plan.has_value()) << plan.error().front().what;
  const auto sender = [&](pns::provider p, const char* app) -> const push_sender_parts& {
    return plan->threads.at(0).at(plan->router.find({p, "", app, {}})->sender).parts;
  };
  EXPECT_EQ(sender(pns::provider::apns, "com.example.phone").endpoint.host, "api.push.apple.com");
  const push_sender_parts& own = sender(pns::provider::apns, "com.example.two");
  EXPECT_EQ(own.endpoint, (push_endpoint{"apns.example.net", 2197}));
  EXPECT_EQ(own.credential->authority(), "apns.example.net:2197");
  EXPECT_EQ(own.name, "DEF123GHIJ.ABC123DEFG at apns.example.net:2197");
  EXPECT_EQ(own.apps.at(0).call_ttl, seconds(7));
  EXPECT_EQ(own.apps.at(0).rate, 50);
  // Its sandbox is still Apple's: the endpoint is its environment's.
  EXPECT_EQ(sender(pns::provider::apns_dev, "com.example.two").endpoint.host, "api.sandbox.push.apple.com");
  const push_sender_parts& google = sender(pns::provider::fcm, "reveille-mock");
  EXPECT_EQ(google.endpoint.host, "fcm.example.net");
  EXPECT_EQ(google.apps.at(0).call_ttl, seconds(9));
  EXPECT_EQ(google.limits.rate, 30'000);
  EXPECT_EQ(google.limits.ramp_floor, 3000);
  EXPECT_EQ(google.route.connect_timeout, milliseconds(700));
  EXPECT_EQ(google.route.answer_timeout, milliseconds(900));
}

TEST_F(PushSetup, AdvisesOnceOfAProfileThatWakesNoPlainTokenAndOfWhatIsOff) {
  const auto advice = [this] { return plan_pushes(read_push_config(settings).value()).value().advice; };
  EXPECT_THAT(advice(), ElementsAre("apns app com.example.phone: profile ecss10 carries no alert, so calls wake only devices that "
                                    "register a voip token; profile native wakes both"));
  settings.apns.apps[0].profile = "native";
  EXPECT_THAT(advice(), ElementsAre());
  settings.apns.apps[0].enabled = false;
  settings.fcm.apps[0].paused = true;
  EXPECT_THAT(advice(), ElementsAre("apns app com.example.phone is switched off or paused: nothing is sent for it",
                                    "fcm project reveille-mock is switched off or paused: nothing is sent for it"));
}

TEST_F(PushSetup, NamesThePlaceInTheFile) {
  settings.written_at = {{"apns.app[0]", "r.toml:9:1"}, {"apns.app[0].key_file", "r.toml:12:12"}, {"fcm.app[0].project", "r.toml:20:11"}};
  keep("AuthKey_ABC123DEFG.p8", keys().google_key_pem);  // RSA
  EXPECT_THAT(faults(), ElementsAre("r.toml:9:1: apns app com.example.phone: key ABC123DEFG is no EC P-256 key"));
  settings.apns.apps[0].key_file = path("none.p8");
  settings.fcm.apps[0].project = "another-project";
  EXPECT_THAT(faults(), ElementsAre("r.toml:12:12: apns.app[0].key_file: cannot read " + path("none.p8") + ", or it is empty",
                                    "r.toml:20:11: fcm.app[0].project: another-project, but " + path("account.json") +
                                        " is of project reveille-mock"));
}

TEST_F(PushSetup, NamesTheSettingAndTheFileThatIsMissing) {
  settings.apns.apps[0].key_file = path("none.p8");
  settings.fcm.apps[0].service_account_file = path("none.json");
  settings.fcm.send.ca_file = path("none.pem");
  EXPECT_THAT(faults(), ElementsAre("apns.app[0].key_file: cannot read " + path("none.p8") + ", or it is empty",
                                    "fcm.ca_file: cannot read " + path("none.pem") + ", or it is empty",
                                    "fcm.app[0].service_account_file: cannot read " + path("none.json") +
                                        ", or it is empty"));
}

TEST_F(PushSetup, AnEmptyFileAndADirectoryAreNoKeys) {
  keep("empty.p8", "");
  for (const std::string& bad : {path("empty.p8"), directory}) {
    settings.apns.apps[0].key_file = bad;
    EXPECT_THAT(faults(), ElementsAre(HasSubstr("apns.app[0].key_file: cannot read " + bad)));
  }
}

TEST_F(PushSetup, NamesUrlsThatAreNone) {
  settings.apns.send.endpoint = "http://api.push.apple.com";
  settings.fcm.send.endpoint = "https://";
  EXPECT_THAT(faults(), ElementsAre("apns.endpoint: no https URL: http://api.push.apple.com",
                                    "fcm.endpoint: no https URL: https://"));
}

TEST_F(PushSetup, TheTokenUrlMustBeHttps) {
  settings.fcm.token_endpoint = "http://oauth2.example.com/token";
  EXPECT_THAT(faults(), ElementsAre(HasSubstr("the token URL is no https URL: http://oauth2.example.com/token")));
}

TEST_F(PushSetup, AnApplesKeyMustBeAnEllipticOne) {
  keep("AuthKey_ABC123DEFG.p8", keys().google_key_pem);  // RSA
  EXPECT_THAT(faults(), ElementsAre("apns app com.example.phone: key ABC123DEFG is no EC P-256 key"));
  keep("AuthKey_ABC123DEFG.p8", "-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----\n");
  const auto found = faults();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_THAT(found[0], HasSubstr("apns app com.example.phone: key ABC123DEFG: private key: no readable PEM"));
  EXPECT_THAT(found[0], Not(HasSubstr("SECRET")));
  keep("AuthKey_ABC123DEFG.p8", keys().ca_pem);  // a certificate instead
  EXPECT_THAT(faults(), ElementsAre(HasSubstr("private key: no readable PEM")));
}

TEST_F(PushSetup, ACertificateMayHoldItsKeyOrHaveItBeside) {
  const certified own = test_authority().issue("DNS:x", {"com.example.phone", "", false, true});
  config::apns_app app;
  app.certificate_file = path("push.pem");
  settings.apns.apps = {app};
  keep("push.pem", own.certificate_pem + own.private_key_pem);
  EXPECT_EQ(faults(), std::vector<std::string>());
  keep("push.pem", own.certificate_pem);
  EXPECT_THAT(faults(), ElementsAre(HasSubstr("certificate: the private key is no readable PEM")));
  keep("push.key", own.private_key_pem);
  settings.apns.apps[0].certificate_key_file = path("push.key");
  EXPECT_EQ(faults(), std::vector<std::string>());
  keep("push.pem", "SECRET");
  EXPECT_THAT(faults(), ElementsAre("apns.app[0].certificate_file: " + path("push.pem") + " is neither PEM nor PKCS#12"));
}

TEST_F(PushSetup, AServiceAccountMustBeWhole) {
  const auto fault_of = [this](const std::string& text) {
    keep("account.json", text);
    const auto found = faults();
    return found.size() == 1 ? found[0] : std::to_string(found.size()) + " faults";
  };
  const std::string whole = mock_providers::service_account_json({}, keys(), "https://oauth2.example.com/token");
  EXPECT_THAT(fault_of("{\"private_key\": \"SECRET"), HasSubstr("service account: no JSON object"));
  EXPECT_THAT(fault_of("[]"), HasSubstr("service account: no JSON object"));
  EXPECT_THAT(fault_of("{}"), HasSubstr("service account: no \""));
  EXPECT_THAT(fault_of(std::string(1 << 20, ' ') + "{}"), HasSubstr("file too long"));
  for (const char* member : {"project_id", "private_key", "client_email", "token_uri"}) {
    std::string without = whole;
    without.replace(without.find(std::string("\"") + member + "\"") + 1, 3, "xxx");
    EXPECT_THAT(fault_of(without), HasSubstr(std::string("service account: no \"") + member + "\""));
  }
  mock_providers::credentials elliptic = keys();
  elliptic.google_key_pem = keys().apns_key_pem;
  EXPECT_THAT(fault_of(mock_providers::service_account_json({}, elliptic, "https://oauth2.example.com/token")),
              HasSubstr("private_key is no RSA key"));
}

TEST_F(PushSetup, AnAccountOfAnotherProjectIsAMistake) {
  settings.fcm.apps[0].project = "another-project";
  EXPECT_THAT(faults(), ElementsAre("fcm.app[0].project: another-project, but " + path("account.json") +
                                    " is of project reveille-mock"));
}

TEST_F(PushSetup, NamesAnUnusableCa) {
  keep("ca.pem", "SECRET");
  EXPECT_THAT(faults(), ElementsAre("apns: CA: the CA text holds no certificate", "fcm: CA: the CA text holds no certificate"));
}

}  // namespace
}  // namespace reveille
