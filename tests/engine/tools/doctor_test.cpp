// What the doctor says of a machine, a network and providers that answer by hand.
#include "engine/tools/doctor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "core/system_ports.hpp"
#include "engine/tools/doctor_command.hpp"
#include "tests/engine/push/settings_folder.hpp"
#include "tests/net/tls/test_authority.hpp"

namespace reveille {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

using testing::keys;
const wall_time today{seconds(1'790'000'000)};

/// All is well with it until a test says otherwise.
class fake_outside final : public doctor_outside {
 public:
  std::map<std::string, file_facts> files;
  directory_facts disk{true, true, std::uint64_t{50} << 30, ""};
  port_facts port;
  machine_facts limits{65536, 16 << 20};
  bool alive = false;
  std::map<std::string, https_facts> ways;                        ///< by authority
  std::map<std::string, pns::push_answer> answers;                ///< by app, with .voip for a voip token
  std::vector<https_wish> looked_at;
  std::vector<pns::push_order> pushed;

  instant now() override { return {steady_time{}, today}; }
  file_facts file(const std::string& path) override { return files[path]; }
  directory_facts directory(const std::string&) override { return disk; }
  port_facts udp_port(const endpoint&) override { return port; }
  machine_facts machine() override { return limits; }
  bool engine_lives(const endpoint&) override { return alive; }
  https_facts reach(const https_wish& wish) override {
    looked_at.push_back(wish);
    const auto found = ways.find(wish.where.authority());
    if (found != ways.end()) return found->second;
    return good_way();
  }
  result<pns::push_answer, std::vector<error>> push(const push_config&, const pns::push_order& order) override {
    pushed.push_back(order);
    const bool voip = order.target.tokens.front().service == pns::token_service::voip;
    const auto found = answers.find(order.target.app + (voip ? ".voip" : ""));
    if (found != answers.end()) return found->second;
    const prid token = order.target.tokens.front().value;
    if (order.target.provider == pns::provider::fcm) return pns::push_answer{{}, pns::suspect_token{token}, 400, "INVALID_ARGUMENT"};
    return pns::push_answer{{}, pns::suspect_token{token}, 400, "BadDeviceToken"};
  }
  static https_facts good_way() {
    https_facts f;
    f.peer = "192.0.2.1:443";
    f.status = 404;
    f.asked = today;
    f.date = today - seconds(1);
    f.certificate_ends = today + std::chrono::hours(24 * 90);
    return f;
  }
};

/// read_push_config reads files itself, so they are real; what the doctor looks at is told it by hand.
class Doctor : public ::testing::Test, protected testing::settings_folder {
 protected:
  Doctor() {
    keep("AuthKey_ABC123DEFG.p8", keys().apns_key_pem);
    keep("account.json", mock_providers::service_account_json({}, keys(), "https://oauth2.example.com/token"));
    settings.node.domains = {"example.com"};
    settings.node.listen = {"udp:10.0.0.1:5060"};
    settings.trust.open = true;
  }
  void keep(const std::string& name, const std::string& text) {
    write(name, text);
    outside.files[path(name)] = {true, true, false, text};
  }

  /// The lines that are printed.
  std::vector<std::string> examine(doctor_network network = doctor_network::ask) {
    std::vector<std::string> out;
    seeded_random random(1);
    doctor(settings, outside, random, [&](const finding& f) { out.push_back(text_of(f)); }).examine(network);
    return out;
  }
  /// Those that are not "ok".
  std::vector<std::string> complaints(doctor_network network = doctor_network::ask) {
    auto all = examine(network);
    std::erase_if(all, [](const std::string& line) { return line.starts_with("ok "); });
    return all;
  }

  fake_outside outside;
};

TEST_F(Doctor, HasNothingToMendWhereAllIsWell) {
  settings.apns.apps[0].profile = "native";
  EXPECT_EQ(complaints(), std::vector<std::string>());
  EXPECT_THAT(examine(), Contains("ok    apns.app[0] com.example.phone.voip: credentials and topic are taken (a token that no device "
                                  "has was refused: 400 BadDeviceToken)\n"));
}

TEST_F(Doctor, ProbesWithTokensThatNoPhoneHas) {
  examine();
  ASSERT_EQ(outside.pushed.size(), 3U);
  EXPECT_EQ(outside.pushed[0].target.tokens[0].value.str(), std::string(64, '0'));
  EXPECT_EQ(outside.pushed[1].target.tokens[0].service, pns::token_service::voip);
  EXPECT_EQ(outside.pushed[2].target.tokens[0].value.str(), "reveille-doctor-probe");
}

TEST_F(Doctor, LeavesTheNetworkAloneWhenAsked) {
  examine(doctor_network::leave_alone);
  EXPECT_TRUE(outside.looked_at.empty());
  EXPECT_TRUE(outside.pushed.empty());
}

TEST_F(Doctor, WarnsOfAProfileThatCannotWakePlainTokens) {
  EXPECT_THAT(complaints(), ::testing::ElementsAre(HasSubstr("warn  apns.app[0].profile: ecss10 carries no alert")));
}

TEST_F(Doctor, FindsKeysThatCannotBeUsed) {
  outside.files[path("AuthKey_ABC123DEFG.p8")] = {true, false, false, ""};
  EXPECT_THAT(complaints(), Contains(HasSubstr("may not be read by this user\n      -> give it to the engine's user")));
  keep("AuthKey_ABC123DEFG.p8", keys().google_key_pem);
  EXPECT_THAT(complaints(), Contains(HasSubstr("FAIL  apns.app[0].key_file: " + path("AuthKey_ABC123DEFG.p8") + " is no EC P-256 key")));
  keep("AuthKey_ABC123DEFG.p8", "-----BEGIN PRIVATE KEY-----\nSECRET");
  for (const std::string& line : complaints()) EXPECT_THAT(line, Not(HasSubstr("SECRET")));
}

TEST_F(Doctor, WarnsOfSecretsThatEverybodyMayRead) {
  outside.files[path("account.json")].others_may_read = true;
  EXPECT_THAT(complaints(), Contains(HasSubstr("warn  fcm.app[0].service_account_file: " + path("account.json") +
                                               " may be read by everybody on this machine\n      -> chmod o-rwx")));
}

TEST_F(Doctor, WarnsOfAKeyFileNamedForAnotherKey) {
  keep("AuthKey_ZZZ123DEFG.p8", keys().apns_key_pem);
  settings.apns.apps[0].key_file = path("AuthKey_ZZZ123DEFG.p8");
  EXPECT_THAT(complaints(), Contains(HasSubstr("but the file is named for key ZZZ123DEFG")));
}

TEST_F(Doctor, FindsAnAccountOfAnotherProject) {
  settings.fcm.apps[0].project = "another";
  EXPECT_THAT(complaints(), Contains(HasSubstr("is of project reveille-mock, not another")));
}

TEST_F(Doctor, ComparesTheClockWithWhatServersSay) {
  https_facts late = fake_outside::good_way();
  late.asked = *late.date - seconds(400);
  outside.ways["oauth2.example.com"] = late;
  EXPECT_THAT(complaints(), Contains(HasSubstr("FAIL  clock: 400 s behind oauth2.example.com: the providers refuse tokens with such dates")));
  late.asked = *late.date + seconds(60);
  outside.ways["oauth2.example.com"] = late;
  EXPECT_THAT(complaints(), Contains(HasSubstr("warn  clock: 60 s ahead of oauth2.example.com")));
}

TEST_F(Doctor, SaysWhenNoServerToldTheTime) {
  https_facts silent = fake_outside::good_way();
  silent.date.reset();
  for (const char* host : {"api.push.apple.com", "fcm.googleapis.com", "oauth2.example.com"}) outside.ways[host] = silent;
  EXPECT_THAT(complaints(), Contains(HasSubstr("warn  clock: no answer said what time it is")));
}

struct way_row {
  const char* name;
  open_failure failed;
  const char* words;
};
class DoctorOnTheWay : public Doctor, public ::testing::WithParamInterface<way_row> {};
TEST_P(DoctorOnTheWay, SaysWhereItEnds) {
  https_facts way;
  way.failed = GetParam().failed;
  way.fault = "system words";
  outside.ways["api.push.apple.com"] = way;
  EXPECT_THAT(complaints(), Contains(::testing::AllOf(HasSubstr("FAIL  apns.endpoint: api.push.apple.com: "), HasSubstr(GetParam().words),
                                                      HasSubstr("(system words)"))));
}
INSTANTIATE_TEST_SUITE_P(Table, DoctorOnTheWay,
                         ::testing::Values(way_row{"Name", open_failure::resolve, "the name is not found"},
                                           way_row{"Tcp", open_failure::connect, "no connection"},
                                           way_row{"Proxy", open_failure::proxy, "the proxy does not let it through"},
                                           way_row{"Tls", open_failure::handshake, "no TLS"},
                                           way_row{"Certificate", open_failure::certificate, "its certificate is not good"},
                                           way_row{"Alpn", open_failure::alpn, "does not speak HTTP/2"},
                                           way_row{"Silence", open_failure::deadline, "no answer in time"}),
                         [](const auto& row) { return std::string(row.param.name); });

TEST_F(Doctor, WarnsOfAGatewaysCertificateThatEndsSoon) {
  keep("ca.pem", keys().ca_pem);
  settings.apns.send.ca_file = path("ca.pem");
  https_facts way = fake_outside::good_way();
  way.certificate_ends = today + std::chrono::hours(24 * 5);
  outside.ways["api.push.apple.com"] = way;
  EXPECT_THAT(complaints(), Contains(HasSubstr("certificate good for 5 days\n      -> have the gateway's certificate renewed")));
}

// --- certificates (APNs), by the doctor's own clock

class DoctorsCertificate : public Doctor {
 protected:
  DoctorsCertificate() { settings.fcm.apps.clear(); }
  /// @param ends counted from today, the doctor's.
  void show(std::chrono::hours ends, std::string bundle = "", const apple_marks& marks = phone) {
    const long shift = static_cast<long>((today - system_clock_port().now().wall) / seconds(1));
    const certified own = authority.issue("DNS:x", marks, -400L * 86400, shift + static_cast<long>(ends / seconds(1)));
    keep("push.pem", own.certificate_pem + own.private_key_pem);
    config::apns_app app;
    app.certificate_file = path("push.pem");
    app.bundle = std::move(bundle);
    app.profile = "native";
    settings.apns.apps = {app};
  }
  static inline const apple_marks phone{"com.example.phone", "SEQWRAP,UTF8:com.example.phone.voip", false, true};
  const test_authority authority;
};

TEST_F(DoctorsCertificate, IsWellWhileItHasMonths) {
  show(std::chrono::hours(24 * 100 + 1));
  EXPECT_EQ(complaints(), std::vector<std::string>());
  EXPECT_THAT(examine(), Contains("ok    certificate of com.example.phone: good for 100 days\n"));
}

TEST_F(DoctorsCertificate, IsWarnedOfWhenItEndsSoon) {
  show(std::chrono::hours(24 * 29 + 1));
  EXPECT_THAT(complaints(), ::testing::ElementsAre("warn  certificate of com.example.phone: good for 29 days\n"
                                                   "      -> have Apple issue a new one before it ends\n"));
}

TEST_F(DoctorsCertificate, IsAFaultOnceItHasEnded) {
  show(std::chrono::hours(-1));
  EXPECT_THAT(complaints(), ::testing::ElementsAre("FAIL  certificate of com.example.phone: has ended: its phones do not ring\n"
                                                   "      -> have Apple issue a new one, and put it into certificate_file\n"));
}

TEST_F(DoctorsCertificate, IsForTheAppsThatItNames) {
  show(std::chrono::hours(24 * 100), "com.example.other");
  EXPECT_THAT(complaints(), Contains(HasSubstr("FAIL  push: apns app com.example.other: certificate: is for com.example.phone, "
                                               "com.example.phone.voip, not for this bundle\n      -> mend the credential")));
}

TEST_F(DoctorsCertificate, IsForTheEnvironmentThatItNames) {
  show(std::chrono::hours(24 * 100));
  settings.apns.apps[0].environment = apns_environment::sandbox;
  EXPECT_THAT(complaints(), Contains(HasSubstr("FAIL  push: apns app of a certificate: certificate: is not for environment sandbox")));
}

TEST_F(DoctorsCertificate, BelongsToItsKey) {
  show(std::chrono::hours(24 * 100));
  keep("other.key", authority.issue("DNS:y").private_key_pem);
  settings.apns.apps[0].certificate_key_file = path("other.key");
  EXPECT_THAT(complaints(), Contains(HasSubstr("certificate: the private key does not belong to the certificate")));
}

TEST_F(DoctorsCertificate, IsProbedForItsOwnAppThoughThereIsNoTeam) {
  show(std::chrono::hours(24 * 100));
  const config::apns_app first = settings.apns.apps[0];
  const certified desk = authority.issue("DNS:y", {"com.example.desk", "", false, true}, -86400, 400L * 86400);
  keep("desk.pem", desk.certificate_pem + desk.private_key_pem);
  settings.apns.apps.push_back(first);
  settings.apns.apps[1].certificate_file = path("desk.pem");
  examine();
  ASSERT_EQ(outside.pushed.size(), 4U);
  EXPECT_EQ(outside.pushed[1].target.app, "com.example.phone");
  EXPECT_EQ(outside.pushed[3].target.app, "com.example.desk");
}

// --- a gateway on premises that speaks FCM's legacy API

class DoctorsGateway : public Doctor {
 protected:
  DoctorsGateway() {
    settings.apns.apps.clear();
    keep("server.key", "AAAA:key\n");
    config::fcm_app app;
    app.project = "on-premises";
    app.api = fcm_app_config::api::legacy;
    app.server_key_file = path("server.key");
    app.endpoint = "https://gw.example:8443/push/send";
    settings.fcm.apps = {app};
    outside.answers["on-premises"] = {{}, pns::suspect_token{prid("t")}, 200, "InvalidRegistration"};
  }
};

TEST_F(DoctorsGateway, IsLookedAtBeforeAnythingIsAskedOfIt) {
  EXPECT_EQ(complaints(), std::vector<std::string>());
  ASSERT_EQ(outside.looked_at.size(), 1U);
  EXPECT_EQ(outside.looked_at[0].where, (push_endpoint{"gw.example", 8443}));
  EXPECT_EQ(outside.looked_at[0].post, "/push/send");
  EXPECT_EQ(outside.pushed.size(), 1U);
  EXPECT_THAT(examine(), Contains("ok    fcm.app[0].endpoint: gw.example:8443 at 192.0.2.1:443, HTTP/1.1, certificate good for 90 days\n"));
}

TEST_F(DoctorsGateway, SaysWhetherItIsTcpOrTlsThatEndsTheWay) {
  for (const auto& [failed, words] : {std::pair{open_failure::connect, "no connection (system words)"},
                                      std::pair{open_failure::handshake, "no TLS (system words)"},
                                      std::pair{open_failure::certificate, "its certificate is not good (system words)"}}) {
    outside.pushed.clear();
    https_facts way;
    way.failed = failed;
    way.fault = "system words";
    outside.ways["gw.example:8443"] = way;
    EXPECT_THAT(complaints(), Contains(HasSubstr(std::string("FAIL  fcm.app[0].endpoint: gw.example:8443: ") + words)));
    EXPECT_TRUE(outside.pushed.empty()) << "a probe would only wait";
  }
}

TEST_F(DoctorsGateway, HasACertificateThatIsOursToRenew) {
  https_facts way = fake_outside::good_way();
  way.certificate_ends = today + std::chrono::hours(24 * 5 + 1);
  outside.ways["gw.example:8443"] = way;
  EXPECT_THAT(complaints(), Contains(HasSubstr("certificate good for 5 days\n      -> have the gateway's certificate renewed")));
}

TEST_F(DoctorsGateway, MayBePlainHttpWhereThatWasMeant) {
  settings.fcm.apps[0].endpoint = "http://gw.example:8080/send";
  https_facts way = fake_outside::good_way();
  way.certificate_ends.reset();
  outside.ways["gw.example:8080"] = way;
  EXPECT_THAT(examine(), Contains("ok    fcm.app[0].endpoint: gw.example:8080 at 192.0.2.1:443, HTTP/1.1 without TLS\n"));
  EXPECT_EQ(outside.looked_at.at(0).where.how, push_endpoint::scheme::http);
}

TEST_F(DoctorsGateway, IsAFaultWhenItAnswersNothing) {
  settings.fcm.apps[0].endpoint = "http://gw.example:8080/send";
  https_facts way = fake_outside::good_way();
  way.status = 0;
  outside.ways["gw.example:8080"] = way;
  EXPECT_THAT(complaints(), Contains(HasSubstr("without TLS, but no answer to a request\n      -> if it speaks TLS, its URL begins with https://")));
  EXPECT_TRUE(outside.pushed.empty());
}

TEST_F(DoctorsGateway, IsNotAskedWhileItsAppIsPaused) {
  settings.fcm.apps[0].paused = true;
  EXPECT_THAT(examine(), Contains("ok    fcm.app[0]: on-premises is switched off or paused: not asked\n"));
  EXPECT_TRUE(outside.looked_at.empty());
}

struct probe_row {
  const char* name;
  const char* app;
  pns::push_answer answer;
  const char* line;
};
class DoctorsProbe : public Doctor, public ::testing::WithParamInterface<probe_row> {};
TEST_P(DoctorsProbe, IsJudged) {
  outside.answers[GetParam().app] = GetParam().answer;
  EXPECT_THAT(examine(), Contains(HasSubstr(GetParam().line)));
}
INSTANTIATE_TEST_SUITE_P(
    Table, DoctorsProbe,
    ::testing::Values(
        probe_row{"WrongKey", "com.example.phone", {{}, pns::credential_fault{}, 403, "InvalidProviderToken"},
                  "FAIL  apns.app[0] com.example.phone: 403 InvalidProviderToken: Apple cannot verify the key's signature."},
        probe_row{"UnknownTopic", "com.example.phone.voip", {{}, pns::our_fault{}, 400, "TopicDisallowed"},
                  "FAIL  apns.app[0] com.example.phone.voip: 400 TopicDisallowed: The key or certificate is good, but"},
        probe_row{"ForeignTopic", "com.example.phone", {{}, pns::suspect_token{prid("0")}, 400, "DeviceTokenNotForTopic"},
                  "FAIL  apns.app[0] com.example.phone: 400 DeviceTokenNotForTopic"},
        probe_row{"Gone", "com.example.phone", {{}, pns::dead_token{prid("0"), today}, 410, "Unregistered"}, "ok    apns.app[0] com.example.phone: "},
        probe_row{"Mock", "com.example.phone", {{}, pns::accepted{"1"}, 200, ""}, "as by a mock"},
        probe_row{"Busy", "com.example.phone", {{}, pns::try_later{}, 503, "ServiceUnavailable"}, "warn  apns.app[0] com.example.phone: 503"},
        probe_row{"Silent", "com.example.phone", {{}, pns::dropped{pns::dropped::why::deadline}, 0, ""},
                  "FAIL  apns.app[0] com.example.phone: No answer came in time"},
        probe_row{"NoToken", "reveille-mock", {{}, pns::credential_fault{}, 0, "invalid_grant"},
                  "FAIL  fcm.app[0] reveille-mock: invalid_grant: Google refuses the service account"},
        probe_row{"NoPermission", "reveille-mock", {{}, pns::credential_fault{}, 403, "PERMISSION_DENIED"}, "FAIL  fcm.app[0] reveille-mock: 403"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST_F(Doctor, LooksAtSocketsThatAreTaken) {
  outside.port = {port_state::taken, "Address already in use"};
  EXPECT_THAT(complaints(), Contains(HasSubstr("FAIL  node.listen[0]: udp:10.0.0.1:5060 is taken by another program\n      -> find it with: ss -ulnp")));
  outside.alive = true;
  EXPECT_THAT(examine(), Contains(HasSubstr("ok    node.listen[0]: udp:10.0.0.1:5060 is held by the engine that runs here")));
  outside.port = {port_state::not_ours, "Cannot assign requested address"};
  EXPECT_THAT(complaints(), Contains(HasSubstr("FAIL  node.listen[0]: udp:10.0.0.1:5060 cannot be used: Cannot assign requested address")));
}

TEST_F(Doctor, LooksAtTheDisk) {
  outside.disk = {false, false, 0, "Permission denied in /var/lib"};
  EXPECT_THAT(complaints(), Contains(HasSubstr("FAIL  store.path: /var/lib/reveille cannot be made: Permission denied in /var/lib")));
  outside.disk = {true, true, 5 << 20, ""};
  EXPECT_THAT(complaints(), Contains(HasSubstr("warn  store.path: /var/lib/reveille has only 5 MiB free")));
  settings.store_kind = config::store_kind::memory;
  EXPECT_THAT(complaints(), Contains(HasSubstr("warn  store.kind: memory")));
}

TEST_F(Doctor, LooksAtTheMachinesLimits) {
  outside.limits = {1024, 212992};
  EXPECT_THAT(complaints(), ::testing::AllOf(Contains(HasSubstr("warn  open files: limit 1024")),
                                             Contains(HasSubstr("warn  net.core.rmem_max: 208 KiB"))));
}

TEST_F(Doctor, WarnsOfAnOpenNodeThatStrangersCanReach) {
  settings.node.listen = {"udp:0.0.0.0:5060"};
  EXPECT_THAT(complaints(), Contains(HasSubstr("warn  trust.open: udp:0.0.0.0:5060 listens on every address")));
  settings.node.listen = {"udp:198.51.100.7:5060"};
  EXPECT_THAT(complaints(), Contains(HasSubstr("warn  trust.open: udp:198.51.100.7:5060 is a public address")));
  for (const char* inside : {"udp:127.0.0.1:5060", "udp:192.168.1.1:5060", "udp:172.31.0.1:5060", "udp:[::1]:5060", "udp:[fd00::1]:5060"}) {
    settings.node.listen = {inside};
    EXPECT_THAT(complaints(), Not(Contains(HasSubstr("trust.open")))) << inside;
  }
}

TEST_F(Doctor, SaysThatWithoutAppsNobodyIsWoken) {
  settings.apns.apps.clear();
  settings.fcm.apps.clear();
  EXPECT_THAT(complaints(), Contains(HasSubstr("no app is configured")));
}

}  // namespace
}  // namespace reveille
