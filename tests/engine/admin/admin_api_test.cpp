#include "engine/admin/admin_api.hpp"

#include "actors/registration.hpp"
#include "engine/admin/store_lookup.hpp"
#include "engine/store/rocksdb_store.hpp"
#include "tests/engine/store/store_inbox.hpp"
#include "tests/sip/make_message.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fstream>

namespace reveille {
namespace {

class fake_lookup final : public subscriber_lookup {
 public:
  result<std::optional<subscriber_record>> find(const aor& of) override {
    asked = of.str();
    return answer;
  }
  std::string asked;
  result<std::optional<subscriber_record>> answer = std::optional<subscriber_record>();
};

class AdminApi : public ::testing::Test {
 protected:
  http1::response get(std::string path, std::string authorization = "", std::string method = "GET") {
    const admin_api api({page_, {"1.2.3", "abc", "reveille"}, token_, [this] { return unready_; }, &lookup_, [this] { return remarks_; }});
    http1::request r;
    r.method = std::move(method);
    r.path = std::move(path);
    r.authorization = std::move(authorization);
    return api.answer(r);
  }
  metrics_page page_;
  fake_lookup lookup_;
  std::string token_;
  std::optional<std::string> unready_;
  std::string remarks_;
};

TEST_F(AdminApi, IsAliveWhateverHappens) {
  unready_ = "the store is failing";
  EXPECT_EQ(get("/livez").status, 200);
}

TEST_F(AdminApi, SaysWhyItIsNotReady) {
  EXPECT_EQ(get("/readyz").status, 200);
  unready_ = "draining";
  EXPECT_EQ(get("/readyz").status, 503);
  EXPECT_EQ(get("/readyz").body, "draining\n");
}

TEST_F(AdminApi, AddsToItsReadinessWhatAnOperatorShouldKnow) {
  remarks_ = "the store: 3 acknowledged writes are missing in the log\n";
  EXPECT_EQ(get("/readyz").status, 200) << "it serves all the same";
  EXPECT_EQ(get("/readyz").body, "ready\n" + remarks_);
  unready_ = "draining";
  EXPECT_EQ(get("/readyz").body, "draining\n" + remarks_);
}

TEST_F(AdminApi, ShowsMetricsInPrometheusForm) {
  page_.add_source([](metric_sink& to) { to.gauge("x", "X.", {}, 1); });
  const http1::response got = get("/metrics");
  EXPECT_TRUE(got.content_type.starts_with("text/plain; version=0.0.4"));
  EXPECT_NE(got.body.find("\nx 1\n"), std::string::npos);
}

TEST_F(AdminApi, TellsItsBuild) {
  const auto body = nlohmann::json::parse(get("/api/v1/build").body);
  EXPECT_EQ(body["version"], "1.2.3");
}

TEST_F(AdminApi, AnswersErrorsAsJson) {
  for (const auto& [got, status] :
       {std::pair(get("/nothing"), 404), std::pair(get("/livez", "", "POST"), 405),
        std::pair(get("/api/v1/subscribers/"), 400), std::pair(get("/api/v1/subscribers/nobody"), 400),
        std::pair(get("/api/v1/subscribers/ann@example.com"), 404)}) {
    EXPECT_EQ(got.status, status);
    EXPECT_EQ(nlohmann::json::parse(got.body)["error"]["status"], status);
  }
}

TEST_F(AdminApi, WantsTheTokenForAllButHealth) {
  token_ = "0123456789abcdef";
  EXPECT_EQ(get("/livez").status, 200);
  EXPECT_EQ(get("/readyz").status, 200);
  for (const char* wrong : {"", "Bearer", "Bearer ", "Bearer 0123456789abcdeg", "Bearer 0123456789abcdef0",
                            "Bearer 0123456789abcde", "Basic 0123456789abcdef"}) {
    EXPECT_EQ(get("/metrics", wrong).status, 401) << wrong;
    EXPECT_EQ(get("/api/v1/build", wrong).status, 401) << wrong;
  }
  EXPECT_EQ(get("/metrics", "Bearer 0123456789abcdef").status, 200);
}

/// What a browser sends for a page of attacker.example whose name now leads to the admin server.
TEST_F(AdminApi, TellsNothingToAWebPage) {
  const admin_api api({page_, {}, "", nullptr, &lookup_, nullptr, host_rules(*parse_endpoint("127.0.0.1:8080"), {})});
  http1::request r;
  r.method = "GET";
  for (const char* path : {"/metrics", "/readyz", "/livez", "/api/v1/build", "/api/v1/subscribers/ann@example.com"}) {
    r.path = path;
    r.host = "attacker.example:8080";
    r.origin = "";
    EXPECT_EQ(api.answer(r).status, 421) << path;
    r.host = "127.0.0.1:8080";
    r.origin = "http://attacker.example";
    EXPECT_EQ(api.answer(r).status, 403) << path;
  }
  EXPECT_TRUE(lookup_.asked.empty());
  EXPECT_NE(api.answer(r).body.find("admin.allowed_hosts"), std::string::npos);
}

TEST_F(AdminApi, ShowsASubscriberWithoutItsTokens) {
  const auto request = sip::make_message(
      "REGISTER sip:example.com SIP/2.0\n"
      "Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK1\n"
      "From: <sip:ann@example.com>;tag=1\nTo: <sip:ann@example.com>\nCall-ID: c1\nCSeq: 1 REGISTER\n"
      "Contact: <sip:ann@10.0.0.1;pn-provider=apns;pn-param=TEAM123456.com.example.phone;"
      "pn-prid=00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0>;label=phone\n"
      "Content-Length: 0\n\n");
  registration bindings;
  flow source;
  source.remote = *parse_endpoint("10.0.0.1:5060");
  ASSERT_EQ(bindings.apply(*request, source, instant{}, subscriber_config{}, false).status, 200);
  subscriber_record record;
  record.bindings = bindings.encode();
  record.bucket.push_back(store_testing::entry_number(1));
  lookup_.answer = std::optional(record);
  const http1::response got = get("/api/v1/subscribers/Ann%40Example.com");
  EXPECT_EQ(lookup_.asked, "Ann@example.com");
  ASSERT_EQ(got.status, 200) << got.body;
  EXPECT_EQ(got.body.find("Ann@"), std::string::npos) << "the full address must not be repeated";
  const auto body = nlohmann::json::parse(got.body);
  EXPECT_EQ(body["push_bucket"][0]["remote_uri"], "101");
  EXPECT_EQ(body["bindings"][0]["provider"], "apns");
  EXPECT_EQ(body["bindings"][0]["label"], "phone");
  EXPECT_EQ(body["bindings"][0]["tokens"][0], "00fc13ad...");
}

TEST_F(AdminApi, SaysSoWhenBindingsCannotBeRead) {
  subscriber_record record;
  record.bindings = "\xff not bindings";
  lookup_.answer = std::optional(record);
  const auto body = nlohmann::json::parse(get("/api/v1/subscribers/ann@example.com").body);
  EXPECT_TRUE(body["bindings_unreadable"]);
}

TEST_F(AdminApi, KeepsItsJsonWholeWhateverACallerIsCalled) {
  subscriber_record record;
  record.bucket.push_back(store_testing::entry_number(1));
  record.bucket[0].remote_uri = "\"},\xff\xfe{";
  lookup_.answer = std::optional(record);
  EXPECT_TRUE(nlohmann::json::accept(get("/api/v1/subscribers/ann@example.com").body));
}

TEST(StoreLookup, FindsWhatTheStoreHolds) {
  store_testing::scratch_directory directory;
  const store_testing::calendar time;
  rocksdb_options options;
  options.path = directory.path();
  auto opened = rocksdb_store::open(options, time);
  ASSERT_TRUE(opened);
  store_lookup lookup(**opened, shard_id{255});
  (*opened)->answer_to(shard_id{255}, lookup);
  const aor ann("ann@example.com");
  EXPECT_FALSE(lookup.find(ann)->has_value());
  ASSERT_TRUE((*opened)->try_write(shard_id{255}, {1}, ann, put_bindings{"b"}, {}));
  ASSERT_TRUE(lookup.find(ann)->has_value());
  EXPECT_EQ((*lookup.find(ann))->bindings, "b");
  opened->reset();
}

TEST(BearerToken, MustBeLongEnoughToBeNoGuess) {
  const std::string file = std::string(::testing::TempDir()) + "reveille-token";
  std::ofstream(file) << "short\n";
  EXPECT_FALSE(read_bearer_token(file));
  std::ofstream(file) << "0123456789abcdef\r\nsecond line\n";
  EXPECT_EQ(*read_bearer_token(file), "0123456789abcdef");
  std::remove(file.c_str());
  EXPECT_FALSE(read_bearer_token(file));
}

}  // namespace
}  // namespace reveille
