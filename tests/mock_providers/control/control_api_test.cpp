// The control port's HTTP: what each endpoint shows and does, and what it says to mistakes.
#include "tests/mock_providers/control/control_fixture.hpp"

#include <gmock/gmock.h>

namespace reveille::mock_providers {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::vector<std::uint64_t> numbers(const nlohmann::json& answer, const char* list, const char* key) {
  std::vector<std::uint64_t> out;
  for (const auto& one : answer[list]) out.push_back(one[key].get<std::uint64_t>());
  return out;
}
using ids = std::vector<std::uint64_t>;

TEST_F(Control, ListsItsEndpoints) {
  const control_answer a = answer_control({"GET", "/", ""}, mock);
  EXPECT_EQ(a.status, 200);
  EXPECT_EQ(a.body, control_help());
  EXPECT_THAT(a.body, HasSubstr("GET    /record"));
}

TEST_F(Control, AnswersMistakesWithJson) {
  EXPECT_THAT(fault("GET", "/nothing"), StartsWith("404 : no such endpoint"));
  EXPECT_THAT(fault("DELETE", "/state"), StartsWith("405 : that path takes GET"));
  EXPECT_EQ(answer_control({"PATCH", "/faults", ""}, mock).allow, "GET, POST, PUT, DELETE");
  EXPECT_THAT(fault("GET", "/record?limit=0"), StartsWith("400 limit: wants a whole number from 1 to"));
  EXPECT_THAT(fault("GET", "/record?limit=ten"), StartsWith("400 limit"));
  EXPECT_THAT(fault("GET", "/record?colour=red"), StartsWith("400 colour: unknown"));
  EXPECT_THAT(fault("GET", "/record?limit=1&limit=2"), StartsWith("400 limit: unknown, doubled"));
  EXPECT_THAT(fault("GET", "/record?provider=huawei"), StartsWith("400 provider: is apns"));
  EXPECT_THAT(fault("GET", "/devices?state=lost"), StartsWith("400 state: is away"));
  EXPECT_THAT(fault("GET", "/connections?service=fcm"), StartsWith("400 service: is apns"));
  EXPECT_THAT(fault("GET", "/ledger?id=x"), StartsWith("400 id: wants an apns-id"));
  EXPECT_EQ(answer_control({"GET", "/state", "", true}, mock).status, 403) << "a web page asks";
}

TEST_F(Control, ShowsTheRecordInPages) {
  for (int i = 0; i < 5; ++i) voip();
  voip({}, "");
  json a = ask("GET", "/record?limit=2");
  EXPECT_EQ(numbers(a, "pushes", "number"), (ids{1, 2}));
  EXPECT_EQ(a["next"], 2);
  a = ask("GET", "/record?after=2&limit=10");
  EXPECT_EQ(numbers(a, "pushes", "number"), (ids{3, 4, 5, 6}));
  EXPECT_TRUE(a["next"].is_null());
  EXPECT_EQ(a["pushes"][3]["reason"], "PayloadEmpty");
  EXPECT_TRUE(ask("GET", "/record?after=6")["pushes"].empty());
  EXPECT_TRUE(ask("GET", "/record?after=99999999999")["pushes"].empty());
}

TEST_F(Control, FindsPushesInTheRecord) {
  const std::string id = "123e4567-e89b-12d3-a456-4266554400a0";
  voip({{"apns-id", id}});
  pass(seconds(10));
  voip({}, "{\"aps\":{}}", "/3/device/ccdd");
  voip({{"apns-topic", "x"}});
  const auto found = [&](const char* query) { return numbers(ask("GET", std::string("/record?") + query), "pushes", "number"); };
  EXPECT_EQ(found(("id=" + id).c_str()), (ids{1}));
  EXPECT_EQ(found("token=ccdd"), (ids{2}));
  EXPECT_EQ(found("status=400"), (ids{3}));
  EXPECT_EQ(found("reason=BadTopic&status=400"), (ids{3}));
  EXPECT_EQ(found("provider=apns"), (ids{1, 2, 3}));
  EXPECT_EQ(found("provider=fcm"), ids{});
  EXPECT_EQ(found(("since=" + std::to_string(now.wall.time_since_epoch().count())).c_str()), (ids{2, 3}));
}

TEST_F(Control, BoundsAPageByItsOctetsToo) {
  behaviour how;
  how.record_limit = 2000;
  open(how);
  fake_controlled_mock big(*backend, now);
  const std::string body = "{\"aps\":{},\"pad\":\"" + std::string(5000, 'x') + "\"}";
  for (int i = 0; i < 1000; ++i) voip({}, body);
  const control_answer a = answer_control({"GET", "/record?limit=10000", ""}, big);
  EXPECT_LT(a.body.size(), 4'200'000U);
  const json page = json::parse(a.body);
  ASSERT_FALSE(page["next"].is_null());
  const json rest = json::parse(answer_control({"GET", "/record?limit=10000&after=" + page["next"].dump(), ""}, big).body);
  EXPECT_EQ(page["pushes"].size() + rest["pushes"].size(), 1000U) << "none is left out between two pages";
}

TEST_F(Control, ForgetsRecordAndLedger) {
  voip({{"apns-id", "123e4567-e89b-12d3-a456-4266554400a0"}});
  EXPECT_EQ(ask("GET", "/ledger?id=123e4567-e89b-12d3-a456-4266554400a0")["times"], 1);
  EXPECT_EQ(ask("DELETE", "/record")["forgotten"], 1);
  EXPECT_TRUE(ask("GET", "/record")["pushes"].empty());
  EXPECT_EQ(ask("GET", "/ledger")["accepted"], 0);
  voip();
  EXPECT_EQ(numbers(ask("GET", "/record"), "pushes", "number"), (ids{2})) << "numbers are not used again";
}

TEST_F(Control, ReplacesAddsAndClearsFaults) {
  EXPECT_EQ(ask("PUT", "/faults", R"([{"every": 2, "answer": {"status": 503, "reason": "Shutdown"}}])")["rules"], 1);
  EXPECT_EQ(voip().answer.status, 200);
  EXPECT_EQ(voip().answer.status, 503);
  pass(seconds(5));
  EXPECT_EQ(ask("POST", "/faults", R"({"from": 1, "until": 2, "answer": {"status": 500, "reason": "InternalServerError"}})")["rules"], 2);
  EXPECT_EQ(voip().answer.status, 200) << "the new rule's clock has just started";
  pass(milliseconds(1500));
  EXPECT_EQ(voip().answer.status, 503) << "the first rule that decides";
  EXPECT_EQ(voip().answer.status, 500);
  const json a = ask("GET", "/faults");
  EXPECT_EQ(a["since_ms"], 6500);
  EXPECT_EQ(a["rules"][0]["fired"], 2);
  EXPECT_EQ(a["rules"][1]["since_ms"], 1500);
  EXPECT_EQ(a["rules"][1]["rule"]["until"], 2) << "as it was given";
  EXPECT_EQ(ask("DELETE", "/faults")["rules"], 0);
  EXPECT_EQ(voip().answer.status, 200);
}

TEST_F(Control, SaysWhereAScriptIsWrong) {
  struct row {
    const char* text;
    std::size_t line, column, rule;
    const char* field;
  };
  const row rows[] = {
      {"[{\"silence\": true},\n {\"silence\" true}]", 2, 16, 0, ""},
      {"[", 1, 2, 0, ""},
      {"[{\"silence\": true},\n\n  {\"answer\": {\"status\": 99}}]", 3, 3, 2, "answer.status"},
      {"[{\"token\": \"a]\\\"[,\", \"silence\": true}, {\"x\": 1}]", 1, 40, 2, ""},
      {" {\"goaway\": {\"code\": \"x\"}}", 1, 2, 1, "goaway.code"},
      {"[[1, 2], 3]", 1, 2, 1, ""},
      {"[{\"silence\": true},\n {\"from\": 1e999}]", 2, 11, 0, ""}};
  for (const row& r : rows) {
    for (const char* method : {"PUT", "POST"}) {
      const json e = ask(method, "/faults", r.text)["error"];
      EXPECT_EQ(status, 400);
      EXPECT_EQ(e["line"], r.line) << r.text;
      EXPECT_EQ(e["column"], r.column) << r.text;
      EXPECT_EQ(e.value("rule", 0U), r.rule) << r.text;
      EXPECT_EQ(e.value("field", ""), r.field) << r.text;
    }
  }
  EXPECT_THAT(fault("PUT", "/faults", "3"), StartsWith("400 : a fault script is a JSON array"));
  EXPECT_EQ(ask("GET", "/faults")["rules"].size(), 0U) << "a wrong script changes nothing";
}

TEST_F(Control, BoundsTheRulesThatAreAdded) {
  std::string many = "[{\"silence\":true}";
  for (std::size_t i = 1; i < fault_script::max_rules; ++i) many += ",{\"silence\":true}";
  EXPECT_EQ(ask("POST", "/faults", many + "]")["rules"], fault_script::max_rules);
  EXPECT_THAT(fault("POST", "/faults", "{\"silence\":true}"), StartsWith("409"));
}

TEST_F(Control, ShowsDevicesAndWhatWaitsForThem) {
  for (const char* token : {"aa01", "aa02", "aa03"}) {
    ask("POST", "/devices", std::string(R"({"provider":"apns","token":")") + token + R"(","reachable":false})");
    EXPECT_EQ(status, 200);
  }
  const std::string later = std::to_string(now.wall.time_since_epoch().count() / 1000 + 60);
  voip({{"apns-expiration", later}, {"apns-collapse-id", "call-1"}}, "{\"aps\":{}}", "/3/device/AA02");
  const json a = ask("GET", "/devices?state=waiting");
  ASSERT_EQ(a["devices"].size(), 1U);
  EXPECT_EQ(a["devices"][0]["token"], "aa02") << "of either case";
  const json& waiting = a["devices"][0]["waiting"][0];
  EXPECT_EQ(waiting["app"], "com.example.phone");
  EXPECT_EQ(waiting["collapse_key"], "call-1");
  EXPECT_EQ(waiting["expires"], std::stoll(later) * 1000);
  EXPECT_EQ(ask("GET", "/devices?state=away&limit=2")["next"], "0aa02");
  EXPECT_EQ(ask("GET", "/devices?state=away&limit=2&after=0aa02")["devices"].size(), 1U);
  EXPECT_EQ(ask("GET", "/devices?token=aa03")["devices"].size(), 1U);
  ask("POST", "/devices", R"({"provider":"apns","token":"aa02","reachable":true})");
  EXPECT_EQ(sink.all.size(), 1U) << "what waited has gone out";
  EXPECT_TRUE(ask("GET", "/devices?state=waiting")["devices"].empty());
}

TEST_F(Control, DeliversWhatWaitedToADeviceThatRegistersAgain) {
  ask("POST", "/devices", R"({"provider":"apns","token":"aabb","reachable":false})");
  voip({{"apns-expiration", std::to_string(now.wall.time_since_epoch().count() / 1000 + 60)}});
  EXPECT_TRUE(sink.all.empty());
  ask("POST", "/devices", R"({"provider":"apns","token":"aabb","register":"com.example.phone.voip"})");
  EXPECT_EQ(sink.all.size(), 1U);
  EXPECT_TRUE(ask("GET", "/devices?state=waiting")["devices"].empty());
}

TEST_F(Control, SaysWhichTokensAreDead) {
  ask("POST", "/devices", R"({"provider":"apns","token":"aabb","unregister":1623753691000})");
  ask("POST", "/devices", R"({"provider":"apns","token":"aacc","expire":1623753691000})");
  ask("POST", "/devices", R"({"provider":"fcm","token":"c:d","canonical":"c:new"})");
  EXPECT_EQ(voip({}, "{\"aps\":{}}", "/3/device/aacc").answer.reason, "ExpiredToken");
  const json a = ask("GET", "/devices?state=dead");
  ASSERT_EQ(a["devices"].size(), 2U);
  EXPECT_EQ(a["devices"][0]["unregistered_at"], 1623753691000);
  EXPECT_EQ(a["devices"][1]["expired"], true);
  EXPECT_EQ(ask("GET", "/devices?provider=fcm")["devices"][0]["canonical"], "c:new");
}

TEST_F(Control, RefusesWrongWordsAboutDevices) {
  EXPECT_THAT(fault("POST", "/devices", "[]"), StartsWith("400 : the body wants to be a JSON object"));
  EXPECT_THAT(fault("POST", "/devices", R"({"token":1e999})"), StartsWith("400 : a number that is too great"));
  EXPECT_THAT(fault("POST", "/devices", R"({"token":"aa"})"), StartsWith("400 provider"));
  EXPECT_THAT(fault("POST", "/devices", R"({"provider":"apns"})"), StartsWith("400 token"));
  EXPECT_THAT(fault("POST", "/devices", R"({"provider":"apns","token":"aa"})"), StartsWith("400 : wants one of"));
  EXPECT_THAT(fault("POST", "/devices", R"({"provider":"apns","token":"aa","reachable":1})"), StartsWith("400 reachable"));
  EXPECT_THAT(fault("POST", "/devices", R"({"provider":"apns","token":"aa","unregister":-1})"), StartsWith("400 unregister"));
  EXPECT_THAT(fault("POST", "/devices", R"({"provider":"apns","token":"aa","canonical":"b"})"), StartsWith("400 canonical"));
  EXPECT_THAT(fault("POST", "/devices", R"({"provider":"apns","token":"aa","register":"a","reachable":true})"), StartsWith("400 reachable: does not go"));
}

TEST_F(Control, ShowsAndEndsConnections) {
  for (std::uint64_t id = 3; id <= 5; ++id) {
    connection_facts c;
    c.id = id;
    c.service = id == 4 ? front::google : front::apns;
    c.peer = "127.0.0.1:4000" + std::to_string(id);
    c.protocol = id == 4 ? "http/1.1" : "h2";
    c.since = now.steady - seconds(2);
    c.max_streams = 1000;
    c.team_id = "DEF123GHIJ";
    mock.open.push_back(c);
  }
  const json a = ask("GET", "/connections?limit=2");
  EXPECT_EQ(numbers(a, "connections", "id"), (ids{3, 4}));
  EXPECT_EQ(a["next"], 4);
  EXPECT_EQ(numbers(ask("GET", "/connections?after=4"), "connections", "id"), (ids{5}));
  EXPECT_EQ(numbers(ask("GET", "/connections?service=google"), "connections", "id"), (ids{4}));
  const json one = ask("GET", "/connections/3");
  EXPECT_EQ(one["age_ms"], 2000);
  EXPECT_EQ(one["settings"]["max_concurrent_streams"], 1000);
  EXPECT_EQ(one["team_id"], "DEF123GHIJ");
  EXPECT_THAT(fault("GET", "/connections/6"), StartsWith("404"));
  EXPECT_THAT(fault("GET", "/connections/x"), StartsWith("404 : no such endpoint"));
  ask("POST", "/connections/3/goaway", R"({"reason":"Shutdown","drop_unjudged":true})");
  ASSERT_EQ(mock.said.size(), 1U);
  EXPECT_EQ(mock.said[0].reason, "Shutdown");
  EXPECT_FALSE(mock.said[0].spares_open);
  EXPECT_EQ(ask("POST", "/connections/5/goaway")["ok"], true) << "without a word";
  EXPECT_THAT(fault("POST", "/connections/4/goaway"), StartsWith("409 : HTTP/1.1"));
  EXPECT_THAT(fault("POST", "/connections/9/goaway"), StartsWith("404"));
  EXPECT_THAT(fault("POST", "/connections/3/goaway", R"({"code":"x"})"), StartsWith("400 goaway.code"));
  EXPECT_THAT(fault("POST", "/connections/3/goaway", "nonsense"), StartsWith("400"));
  EXPECT_THAT(fault("POST", "/connections/3/goaway", R"({"code":1e999})"), StartsWith("400"));
  EXPECT_EQ(ask("DELETE", "/connections/3")["ok"], true);
  EXPECT_THAT(fault("DELETE", "/connections/3"), StartsWith("404"));
  ask("DELETE", "/connections");
  EXPECT_TRUE(mock.open.empty());
}

TEST_F(Control, AddsCustomersAndShowsNoKeys) {
  const json made = ask("POST", "/accounts", R"({"teams":[{"team_id":"TEAM000002","bundles":["com.other"],"keys":[{"key_id":"KEY0000002"}]}]})");
  EXPECT_EQ(status, 200);
  ASSERT_EQ(made["made_keys"].size(), 1U);
  pns::bearer_token token("KEY0000002", "TEAM000002", pns::signing_key::from_pem(made["made_keys"][0]["key_pem"].get<std::string>()).value());
  EXPECT_EQ(voip({{"apns-topic", "com.other.voip"}, {"authorization", std::string(*token.authorization(now))}}).answer.status, 200);
  const std::string shown = ask("GET", "/accounts").dump();
  EXPECT_THAT(shown, HasSubstr("TEAM000002"));
  EXPECT_THAT(shown, HasSubstr("reveille-mock"));
  EXPECT_EQ(shown.find("PRIVATE"), std::string::npos);
  EXPECT_THAT(fault("POST", "/accounts", R"({"teams":[{"team_id":7}]})"), HasSubstr("teams[0].team_id"));
  EXPECT_THAT(fault("POST", "/accounts", "x"), StartsWith("400"));
  EXPECT_THAT(fault("POST", "/accounts", R"({"teams":1e999})"), HasSubstr("number overflow"));
  std::string many = R"({"projects":[{"project":"a"})";
  for (int i = 0; i < 8; ++i) many += R"(,{"project":"b"})";
  EXPECT_THAT(fault("POST", "/accounts", many + "]}"), StartsWith("400 : at most 8 keys"));
}

TEST_F(Control, ShowsWhoIsOverQuota) {
  behaviour how;
  how.apns_per_device_per_minute = 2;
  open(how);
  fake_controlled_mock strict(*backend, now);
  for (int i = 0; i < 3; ++i) voip();
  pass(seconds(20));
  const json a = json::parse(answer_control({"GET", "/state", ""}, strict).body);
  const json& q = a["quotas"]["apns_devices"];
  EXPECT_EQ(q["per_minute"], 2);
  ASSERT_EQ(q["over"].size(), 1U);
  EXPECT_EQ(q["over"][0]["key"], "aabb");
  EXPECT_EQ(q["over"][0]["seconds_left"], 40);
  EXPECT_EQ(a["pushes"]["apns"]["accepted"], 2);
  EXPECT_EQ(a["uptime_ms"], 20'000);
}

TEST_F(Control, RevokesAccessTokens) {
  access = buy_token();
  const std::string body = R"({"message":{"token":"cdefghijk:APA91bExample"}})";
  EXPECT_EQ(fcm(body).answer.status, 200);
  ask("DELETE", "/access-tokens");
  EXPECT_EQ(fcm(body).answer.status, 401);
}

TEST_F(Control, SaysInTheRecordWhatTheOrderOfChecksHides) {
  behaviour how;
  how.unknown = unknown_tokens::refused;
  open(how);
  fake_controlled_mock strict(*backend, now);
  voip({{"authorization", "bearer " + std::string(20, 'x')}});
  voip();
  const json a = json::parse(answer_control({"GET", "/record", ""}, strict).body);
  EXPECT_EQ(a["pushes"][0]["reason"], "BadDeviceToken") << "the token is looked at first";
  EXPECT_EQ(a["pushes"][0]["also"], "InvalidProviderToken");
  EXPECT_FALSE(a["pushes"][1].contains("also"));
}

}  // namespace
}  // namespace reveille::mock_providers
