// What `reveille push` sends and prints, without sending it.
#include "engine/tools/one_push.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "engine/tools/push_command.hpp"
#include "mock_providers/accounts/credentials.hpp"

namespace reveille {
namespace {

const mock_providers::credentials& keys() {
  static const mock_providers::credentials made = mock_providers::credentials::generate().value();
  return made;
}
const instant now{steady_time(seconds(100)), wall_time(seconds(1'790'000'000))};

class OnePush : public ::testing::Test {
 protected:
  OnePush() {
    for (const char* bundle : {"com.example.one", "com.example.two"}) {
      config::apns_app app;
      app.team_id = "DEF123GHIJ";
      app.bundle = bundle;
      settings.apns.apps.push_back(app);
      apns_app_config out;
      out.team_id = app.team_id;
      out.bundle = bundle;
      out.key_id = "ABC123DEFG";
      out.key_pem = keys().apns_key_pem;
      config.apns.apps.push_back(out);
    }
    config::fcm_app google;
    google.project = "reveille-mock";
    settings.fcm.apps = {google};
    fcm_app_config out;
    out.service_account = mock_providers::service_account_json({}, keys(), "https://oauth2.example.com/token");
    config.fcm.apps = {out};
  }
  composed_request compose(const push_wish& wish) {
    seeded_random random(5);
    const auto order = order_of(wish, target_of(wish, settings).value(), seconds(10), now, random);
    const auto made = compose_one(config, order, now);
    EXPECT_TRUE(made.has_value()) << made.error().front().what;
    return made.value_or(composed_request{});
  }

  config::settings settings;
  push_config config;
};

TEST_F(OnePush, GoesToTheAppAndTokenThatAreNamed) {
  push_wish wish;
  wish.provider = "apns";
  wish.app = "com.example.two.voip";
  wish.token = "aabbcc";
  wish.name = "Alice \"A\"";
  const composed_request made = compose(wish);
  EXPECT_EQ(made.url, "https://api.push.apple.com/3/device/aabbcc");
  const auto header = [&](const std::string& name) {
    for (const auto& [n, v] : made.headers) {
      if (n == name) return v;
    }
    return std::string("none");
  };
  EXPECT_EQ(header("apns-topic"), "com.example.two.voip");
  EXPECT_EQ(header("apns-push-type"), "voip");
  EXPECT_EQ(header("apns-expiration"), "1790000010");
  EXPECT_EQ(nlohmann::json::parse(made.body)["acme"]["dispaly_name"], "Alice \"A\"");
}

TEST_F(OnePush, ShowsNoBearerToken) {
  push_wish wish;
  wish.provider = "apns";
  wish.token = "aabbcc";
  for (const auto& [name, value] : compose(wish).headers) {
    EXPECT_EQ(value.find("eyJ"), std::string::npos) << name;
    if (name == "authorization") {
      EXPECT_TRUE(value.starts_with("bearer (") && value.find("sha256 ") != std::string::npos) << value;
    }
  }
}

TEST_F(OnePush, SaysWhereAnAccessTokenWouldBeBought) {
  push_wish wish;
  wish.provider = "fcm";
  wish.token = "token";
  wish.kind = pns::payload_kind::missed_calls;
  const composed_request made = compose(wish);
  EXPECT_EQ(made.url, "https://fcm.googleapis.com/v1/projects/reveille-mock/messages:send");
  EXPECT_EQ(made.headers.back().second, "Bearer (to be bought from https://oauth2.example.com/token)");
  EXPECT_EQ(nlohmann::json::parse(made.body)["message"]["data"]["type"], "missed_calls");
}

TEST_F(OnePush, TakesTheDevicesOwnParameter) {
  push_wish wish;
  wish.provider = "apns.dev";
  wish.param = "DEF123GHIJ.com.example.two.voip";
  wish.token = "AABB";
  const auto target = target_of(wish, settings).value();
  EXPECT_EQ(target.app, "com.example.two");
  EXPECT_EQ(target.tokens.at(0).service, pns::token_service::voip);
  EXPECT_EQ(compose(wish).url, "https://api.sandbox.push.apple.com/3/device/aabb");
}

TEST_F(OnePush, NamesWhatIsWrongWithTheWish) {
  push_wish wish;
  wish.token = "aabb";
  wish.provider = "apple";
  EXPECT_EQ(target_of(wish, settings).error().what, "--provider apple: there are apns, apns.dev and fcm");
  wish.provider = "apns";
  wish.app = "com.example.three";
  EXPECT_EQ(target_of(wish, settings).error().what,
            "--app com.example.three: no such APNs app; there are com.example.one, com.example.two");
  wish.app.clear();
  wish.token = "not hex";
  EXPECT_EQ(target_of(wish, settings).error().what, "--token has characters that no token of apns has");
  wish.token.clear();
  EXPECT_EQ(target_of(wish, settings).error().what, "--token is empty");
}

TEST_F(OnePush, LeavesOtherAppsAlone) {
  push_wish wish;
  wish.provider = "apns";
  wish.app = "com.example.two";
  wish.token = "aabb";
  keep_only(settings, target_of(wish, settings).value());
  ASSERT_EQ(settings.apns.apps.size(), 1U);
  EXPECT_EQ(settings.apns.apps[0].bundle, "com.example.two");
  EXPECT_FALSE(settings.fcm.enabled);
}

TEST_F(OnePush, SaysWhyItCannotBeWritten) {
  push_wish wish;
  wish.provider = "apns";
  wish.token = "aabb";
  wish.from = std::string(6000, '1');
  seeded_random random(5);
  const auto order = order_of(wish, target_of(wish, settings).value(), seconds(10), now, random);
  const auto made = compose_one(config, order, now);
  ASSERT_FALSE(made.has_value());
  EXPECT_NE(made.error().front().what.find("does not fit"), std::string::npos);
}

TEST_F(OnePush, LooksAtTheWayThatThePushTook) {
  push_config c;
  c.apns.apps.resize(1);
  pns::push_target t;
  EXPECT_EQ(way_of(t, c).where.host, "api.push.apple.com");
  t.provider = pns::provider::apns_dev;
  EXPECT_EQ(way_of(t, c).where.host, "api.sandbox.push.apple.com");
  t.provider = pns::provider::apns;
  c.apns.apps[0].environment = apns_environment::sandbox;
  EXPECT_EQ(way_of(t, c).where.host, "api.sandbox.push.apple.com");
  c.apns.apps[0].endpoint = push_endpoint{"apns.example.net", 2197};
  EXPECT_EQ(way_of(t, c).where.host, "apns.example.net");
  t.provider = pns::provider::fcm;
  c.fcm.apps.resize(1);
  EXPECT_EQ(way_of(t, c).where.host, "fcm.googleapis.com");
  EXPECT_EQ(way_of(t, c).post, "");
  c.fcm.apps[0].speaks = fcm_app_config::api::legacy;
  c.fcm.apps[0].endpoint = "http://gw.example:8080/push";
  EXPECT_EQ(way_of(t, c).where, (push_endpoint{"gw.example", 8080, push_endpoint::scheme::http}));
  EXPECT_EQ(way_of(t, c).post, "/push");
}

TEST_F(OnePush, ShowsAPlainGatewayAsOne) {
  push_config c;
  fcm_app_config app;
  app.speaks = fcm_app_config::api::legacy;
  app.project = "acme";
  app.server_key = "k";
  app.endpoint = "http://gw.example:8080/push";
  c.fcm.apps = {app};
  push_wish wish;
  wish.provider = "fcm";
  wish.token = "t";
  wish.app = "acme";
  seeded_random random(5);
  const auto order = order_of(wish, target_of(wish, settings).value(), seconds(10), now, random);
  EXPECT_EQ(compose_one(c, order, now).value().url, "http://gw.example:8080/push");
  c.fcm.apps[0].sends = push_switch::off;
  EXPECT_EQ(compose_one(c, order, now).error().front().what, "the app, or its provider, is switched off or paused");
}

struct exit_row {
  pns::push_answer answer;
  push_exit exit;
};
TEST(PushReport, SortsEndsIntoExits) {
  using why = pns::dropped::why;
  const exit_row rows[] = {
      {{{}, pns::accepted{"id"}, 200, ""}, push_exit::accepted},
      {{{}, pns::suspect_token{prid("a")}, 400, "BadDeviceToken"}, push_exit::refused},
      {{{}, pns::credential_fault{}, 403, "InvalidProviderToken"}, push_exit::refused},
      {{{}, pns::try_later{}, 503, "Shutdown"}, push_exit::refused},
      {{{}, pns::try_later{}, 0, ""}, push_exit::unreachable},
      {{{}, pns::dropped{why::deadline}, 0, ""}, push_exit::unreachable},
      {{{}, pns::dropped{why::skipped}, 0, "voip_token_skipped"}, push_exit::refused},
      {{{}, pns::dropped{why::no_app}, 0, ""}, push_exit::bad_configuration},
  };
  for (const exit_row& r : rows) {
    EXPECT_EQ(report_of(pns::payload_wire::apns, r.answer).exit, r.exit) << r.answer.status << r.answer.reason;
  }
}

TEST(PushReport, IsTextOrJson) {
  const push_report r = report_of(pns::payload_wire::apns, {{}, pns::our_fault{}, 400, "TopicDisallowed"});
  EXPECT_TRUE(text_of(r).starts_with("our_fault: 400 TopicDisallowed\nThe key or certificate is good"));
  const auto parsed = nlohmann::json::parse(json_of(r));
  EXPECT_EQ(parsed["reason"], "TopicDisallowed");
  EXPECT_EQ(parsed["exit"], 1);
}

}  // namespace
}  // namespace reveille
