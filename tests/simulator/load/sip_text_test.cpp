#include "simulator/load/sip_text.hpp"

#include <gtest/gtest.h>

#include "simulator/load/engine_probe.hpp"
#include "simulator/load/live_call.hpp"
#include "simulator/load/push_payload.hpp"

namespace reveille::load {
namespace {

constexpr std::string_view invite =
    "INVITE sip:200000001@127.0.1.1:4000 SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKone, SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKtwo\r\n"
    "v: SIP/2.0/UDP 10.0.0.2;branch=z9hG4bKthree\r\n"
    "f: \"A;tag=no <x>\" <sip:103@example.com>;tag=f1\r\n"
    "TO: <sip:200000001@example.com>\r\n"
    "i: abc@x\r\nCSeq: 7 INVITE\r\nm: <sip:103@10.0.0.1:5070>\r\n"
    "Record-Route: <sip:127.0.0.1:5060;lr>\r\nContent-Length: 2\r\n\r\nhi";

TEST(SipText, ReadsWhatAPhoneNeeds) {
  const auto m = read_sip(invite);
  ASSERT_TRUE(m);
  EXPECT_EQ(m->method, "INVITE");
  EXPECT_EQ(user_of(m->request_uri), "200000001");
  EXPECT_EQ(m->branch, "z9hG4bKone");
  EXPECT_EQ(m->vias().size(), 2U);
  EXPECT_EQ(parameter(m->from, "tag"), "f1");
  EXPECT_EQ(uri_in(m->from), "sip:103@example.com");
  EXPECT_EQ(m->call_id, "abc@x");
  EXPECT_EQ(m->cseq, 7U);
  EXPECT_EQ(address_of(uri_in(m->contact)), parse_endpoint("10.0.0.1:5070").value());
  EXPECT_EQ(m->record_routes().size(), 1U);
}

TEST(SipText, SurvivesEveryPrefixOfAMessage) {
  for (std::size_t n = 0; n <= invite.size(); ++n) (void)read_sip(invite.substr(0, n));
}

class RefusedText : public ::testing::TestWithParam<const char*> {};
TEST_P(RefusedText, IsNoMessage) { EXPECT_FALSE(read_sip(GetParam())); }
INSTANTIATE_TEST_SUITE_P(Table, RefusedText,
                         ::testing::Values("", "\r\n\r\n", "SIP/2.0 99 X\r\n\r\n", "SIP/2.0 200 OK\r\n\r\n", "INVITE x SIP/3.0\r\n\r\n",
                                           "INVITE  SIP/2.0", "SIP/2.0 200 OK\r\nVia x\r\n\r\n",
                                           "SIP/2.0 200 OK\r\nVia: a\r\nFrom: b\r\nTo: c\r\nCall-ID: d\r\nCSeq: x INVITE\r\n\r\n"));

TEST(RouteLines, AreReversedForTheCallerAndLeadToTheFirstHop) {
  const std::vector<std::string_view> records{"<sip:10.0.0.1:5061;lr>,<sip:10.0.0.2;lr;x=\"a,b\">", "<sip:10.0.0.3:7;lr>"};
  endpoint hop;
  EXPECT_EQ(route_lines(records, route_order::as_received, hop),
            "Route: <sip:10.0.0.1:5061;lr>\r\nRoute: <sip:10.0.0.2;lr;x=\"a,b\">\r\nRoute: <sip:10.0.0.3:7;lr>\r\n");
  EXPECT_EQ(hop.text(), "10.0.0.1:5061");
  EXPECT_TRUE(route_lines(records, route_order::reversed, hop).starts_with("Route: <sip:10.0.0.3:7;lr>"));
  EXPECT_EQ(hop.text(), "10.0.0.3:7");
}

TEST(PushPayload, ReadsBothProfilesOfBothProviders) {
  const auto caller = [](std::string_view json) { return std::get<invite_payload>(read_push_payload(json)).number; };
  EXPECT_EQ(caller(R"({"aps":{"badge":"10"},"acme":{"type":"invite","number":"103"}})"), "103");
  EXPECT_EQ(caller(R"({"type":"invite","date":"1"})"), "");
  const auto missed = [](std::string_view json) { return std::get<missed_calls_payload>(read_push_payload(json)).callers; };
  EXPECT_EQ(missed(R"({"aps":{},"acme":{"type":"missed_calls","calls":[{"id":0,"remote_uri":"1"},{"id":1,"remote_uri":"2"}]}})"),
            (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(missed(R"({"type":"missed_calls","calls":"[{\"remote_uri\":\"9\"}]"})"), std::vector<std::string>{"9"});
}

class StrangePayload : public ::testing::TestWithParam<const char*> {};
TEST_P(StrangePayload, IsUnknown) {
  EXPECT_TRUE(std::holds_alternative<unknown_payload>(read_push_payload(GetParam())));
}
INSTANTIATE_TEST_SUITE_P(Table, StrangePayload,
                         ::testing::Values("", "{", "[]", "1", "{}", R"({"type":1})", R"({"type":"other"})",
                                           R"({"type":"missed_calls"})", R"({"type":"missed_calls","calls":"["})",
                                           R"({"type":"missed_calls","calls":[1]})", R"({"aps":{"type":"invite"}})"));

TEST(EngineProbe, ReadsTheStatOfAProcessWithAStrangeName) {
  const auto usage = read_stat("12 (a) b) S 1 1 1 0 -1 4 0 0 0 0 150 50 0 0 20 0 3 0 100 4096 25 18446744073709551615", 100, 4096);
  ASSERT_TRUE(usage);
  EXPECT_EQ(usage->cpu_seconds, 2.0);
  EXPECT_EQ(usage->rss_bytes, 25U * 4096U);
  EXPECT_FALSE(read_stat("", 100, 4096));
  EXPECT_TRUE(usage_of(static_cast<std::uint32_t>(::getpid())));
}

TEST(EngineProbe, AddsTheSeriesOfAHistogramAndTakesDifferences) {
  const auto before = read_histogram("h_bucket{le=\"0.001\"} 1\nh_bucket{le=\"+Inf\"} 1\n", "h");
  const auto after = read_histogram(
      "# TYPE h histogram\nh_bucket{shard=\"0\",le=\"0.001\"} 51\nh_bucket{shard=\"1\",le=\"0.001\"} 50\n"
      "h_bucket{shard=\"0\",le=\"+Inf\"} 51\nh_bucket{shard=\"1\",le=\"+Inf\"} 150\nhh_bucket{le=\"1\"} 5\nh_sum 3\n",
      "h");
  const auto added = difference(after, before);
  EXPECT_EQ(added.count, 200);
  EXPECT_DOUBLE_EQ(added.quantile_seconds(0.25).value(), 0.0005);
  EXPECT_DOUBLE_EQ(added.quantile_seconds(0.9).value(), 0.001);
  EXPECT_FALSE(read_histogram("", "h").quantile_seconds(0.5));
}

TEST(EngineProbe, RefusesWhatIsNoUrl) {
  for (const char* url : {"", "https://127.0.0.1:1/", "http://localhost:1/", "http://127.0.0.1/"}) EXPECT_FALSE(fetch(url)) << url;
}

}  // namespace
}  // namespace reveille::load
