#include <gtest/gtest.h>

#include "core/random.hpp"
#include "pns/apns_answer.hpp"
#include "pns/apns_request.hpp"
#include "pns/fcm_answer.hpp"
#include "pns/fcm_request.hpp"
#include "tests/pns/sample_orders.hpp"

namespace reveille::pns {
namespace {

const prid token{"aabb"};
const wall_time now = samples::invite_at;

std::string kind_of(const push_outcome& outcome) {
  struct namer {
    std::string operator()(const accepted&) const { return "accepted"; }
    std::string operator()(const dead_token& d) const { return d.since ? "dead since" : "dead"; }
    std::string operator()(const suspect_token&) const { return "suspect"; }
    std::string operator()(const our_fault&) const { return "ours"; }
    std::string operator()(const credential_fault&) const { return "credential"; }
    std::string operator()(const dropped&) const { return "dropped"; }
    std::string operator()(const try_later&) const { return "later"; }
  };
  return std::visit(namer{}, outcome);
}

struct row {
  const char* name;
  int status;
  std::string body;
  const char* outcome;
  remedy how;
};
std::string apns_reason(const std::string& word) { return "{\"reason\":\"" + word + "\"}"; }

class ApnsAnswer : public ::testing::TestWithParam<row> {};
TEST_P(ApnsAnswer, IsSortedByWhatWeDoNext) {
  const row& r = GetParam();
  const verdict v = sort_apns_answer({r.status, r.body, "", ""}, token, now);
  EXPECT_EQ(kind_of(v.outcome), r.outcome);
  EXPECT_EQ(v.remedy, r.how);
}
const auto named = [](const auto& row_of) { return std::string(row_of.param.name); };
#define OURS(word) row{#word, 400, apns_reason(#word), "ours", remedy::none}
INSTANTIATE_TEST_SUITE_P(
    Table, ApnsAnswer,
    ::testing::Values(
        row{"Accepted", 200, "", "accepted", remedy::none}, OURS(BadCollapseId), OURS(BadExpirationDate),
        OURS(BadMessageId), OURS(BadPriority), OURS(BadTopic), OURS(DuplicateHeaders), OURS(InvalidPushType),
        OURS(MissingDeviceToken), OURS(MissingTopic), OURS(PayloadEmpty), OURS(TopicDisallowed),
        row{"BadDeviceToken", 400, apns_reason("BadDeviceToken"), "suspect", remedy::none},
        row{"DeviceTokenNotForTopic", 400, apns_reason("DeviceTokenNotForTopic"), "suspect", remedy::none},
        row{"IdleTimeout", 400, apns_reason("IdleTimeout"), "later", remedy::other_connection},
        row{"BadCertificate", 403, apns_reason("BadCertificate"), "credential", remedy::none},
        row{"BadCertificateEnvironment", 403, apns_reason("BadCertificateEnvironment"), "credential", remedy::none},
        row{"Forbidden", 403, apns_reason("Forbidden"), "credential", remedy::none},
        row{"InvalidProviderToken", 403, apns_reason("InvalidProviderToken"), "credential", remedy::none},
        row{"MissingProviderToken", 403, apns_reason("MissingProviderToken"), "credential", remedy::none},
        row{"ExpiredProviderToken", 403, apns_reason("ExpiredProviderToken"), "credential", remedy::new_bearer_token},
        row{"UnrelatedKeyIdInToken", 403, apns_reason("UnrelatedKeyIdInToken"), "credential", remedy::other_connection},
        row{"BadEnvironmentKeyIdInToken", 403, apns_reason("BadEnvironmentKeyIdInToken"), "credential", remedy::other_connection},
        row{"BadEnvironmentKeyInToken", 403, apns_reason("BadEnvironmentKeyInToken"), "credential", remedy::other_connection},
        row{"BadPath", 404, apns_reason("BadPath"), "ours", remedy::none},
        row{"MethodNotAllowed", 405, apns_reason("MethodNotAllowed"), "ours", remedy::none},
        row{"Unregistered", 410, R"({"reason":"Unregistered","timestamp":1623753000000})", "dead since", remedy::none},
        row{"ExpiredToken", 410, R"({"reason":"ExpiredToken","timestamp":1623753000000})", "dead since", remedy::none},
        row{"UnregisteredWithoutStamp", 410, apns_reason("Unregistered"), "suspect", remedy::none},
        row{"UnregisteredWithAbsurdStamp", 410, R"({"reason":"Unregistered","timestamp":99999999999999999})", "suspect", remedy::none},
        row{"UnregisteredAsHtml", 410, "<html>gone</html>", "suspect", remedy::none},
        row{"PayloadTooLarge", 413, apns_reason("PayloadTooLarge"), "ours", remedy::none},
        row{"TooManyRequests", 429, apns_reason("TooManyRequests"), "later", remedy::wait},
        row{"TooManyProviderTokenUpdates", 429, apns_reason("TooManyProviderTokenUpdates"), "later", remedy::wait},
        row{"InternalServerError", 500, apns_reason("InternalServerError"), "later", remedy::other_connection},
        row{"ServiceUnavailable", 503, apns_reason("ServiceUnavailable"), "later", remedy::other_connection},
        row{"Shutdown", 503, apns_reason("Shutdown"), "later", remedy::other_connection},
        row{"FrontEndPage", 502, "<html>", "later", remedy::other_connection},
        row{"UnknownReason", 400, apns_reason("NeverHeardOf"), "ours", remedy::none},
        row{"UnknownReason403", 403, apns_reason("NeverHeardOf"), "credential", remedy::none},
        row{"UnknownStatus", 299, "[1]", "ours", remedy::none}),
    named);

TEST(ApnsAnswerDetail, CarriesStampWordAndSpentConnection) {
  const verdict gone = sort_apns_answer({410, R"({"reason":"Unregistered","timestamp":1623753000123})", "", ""}, token, now);
  EXPECT_EQ(std::get<dead_token>(gone.outcome).since, wall_time(milliseconds(1623753000123)));
  EXPECT_EQ(gone.reason, "Unregistered");
  EXPECT_TRUE(sort_apns_answer({503, apns_reason("Shutdown"), "", ""}, token, now).connection_spent);
  EXPECT_TRUE(sort_apns_answer({503, apns_reason("ServiceUnavailable"), "", ""}, token, now).then_wait);
  EXPECT_TRUE(sort_apns_answer({403, apns_reason("ExpiredProviderToken"), "", ""}, token, now).connection_spent);
  EXPECT_EQ(apns_goaway_reason(R"({"reason":"Shutdown","timestamp":1})"), "Shutdown");
  EXPECT_EQ(apns_goaway_reason("\xff\xfe"), "");
}

std::string fcm_error(int code, const std::string& status, const std::string& error_code, const std::string& message = "m") {
  return R"({"error":{"code":)" + std::to_string(code) + R"(,"message":")" + message + R"(","status":")" + status +
         R"(","details":[{"@type":"type.googleapis.com/google.rpc.Help"},{"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":")" +
         error_code + R"("}]}})";
}
std::string plain_error(const std::string& status) { return R"({"error":{"code":1,"status":")" + status + R"("}})"; }

class FcmAnswer : public ::testing::TestWithParam<row> {};
TEST_P(FcmAnswer, IsSortedByWhatWeDoNext) {
  const row& r = GetParam();
  const verdict v = sort_fcm_answer({r.status, r.body, "", ""}, token, now);
  EXPECT_EQ(kind_of(v.outcome), r.outcome);
  EXPECT_EQ(v.remedy, r.how);
}
INSTANTIATE_TEST_SUITE_P(
    Table, FcmAnswer,
    ::testing::Values(
        row{"Accepted", 200, R"({"name":"projects/p/messages/0:1%2"})", "accepted", remedy::none},
        row{"InvalidArgument", 400, fcm_error(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"), "ours", remedy::none},
        row{"MalformedToken", 400,
            fcm_error(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", "The registration token is not a valid FCM registration token"),
            "suspect", remedy::none},
        row{"ThirdParty", 401, fcm_error(401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR"), "credential", remedy::none},
        row{"OurTokenIsOld", 401, plain_error("UNAUTHENTICATED"), "credential", remedy::new_access_token},
        row{"UnauthenticatedHtml", 401, "<html>", "credential", remedy::new_access_token},
        row{"SenderMismatch", 403, fcm_error(403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH"), "suspect", remedy::none},
        row{"NoPermission", 403, plain_error("PERMISSION_DENIED"), "credential", remedy::none},
        row{"Unregistered", 404, fcm_error(404, "NOT_FOUND", "UNREGISTERED"), "dead", remedy::none},
        row{"WrongProjectKeepsTheToken", 404, plain_error("NOT_FOUND"), "credential", remedy::none},
        row{"NotFoundHtml", 404, "<html>", "credential", remedy::none},
        row{"Quota", 429, fcm_error(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"), "later", remedy::wait},
        row{"Exhausted", 429, plain_error("RESOURCE_EXHAUSTED"), "later", remedy::wait},
        row{"Unspecified", 500, fcm_error(500, "UNKNOWN", "UNSPECIFIED_ERROR"), "later", remedy::wait},
        row{"UnknownStatus", 418, "<html>", "ours", remedy::none},
        row{"Internal", 500, fcm_error(500, "INTERNAL", "INTERNAL"), "later", remedy::wait},
        row{"BadGateway", 502, "<html><body>502</body></html>", "later", remedy::wait},
        row{"Unavailable", 503, fcm_error(503, "UNAVAILABLE", "UNAVAILABLE"), "later", remedy::wait}),
    named);

std::string quota_error(const std::string& subject, const std::string& description) {
  return R"({"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"Quota exceeded","details":[
    {"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":"QUOTA_EXCEEDED"},
    {"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"subject":")" +
         subject + R"(","description":")" + description + R"("}]}]}})";
}
TEST(FcmAnswerDetail, AQuotaOfTheDeviceHoldsBackThatPushOnly) {
  const auto waits = [](const std::string& body) { return sort_fcm_answer({429, body, "", ""}, token, now).waits; };
  EXPECT_EQ(waits(quota_error("project:acme", "Message rate exceeded")), pause_of::credential);
  EXPECT_EQ(waits(quota_error("project:acme", "Device message rate exceeded")), pause_of::push);
  EXPECT_EQ(waits(quota_error("device:1", "rate")), pause_of::push);
  EXPECT_EQ(waits(fcm_error(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED")), pause_of::credential);
  EXPECT_EQ(waits("<html>"), pause_of::credential);
  EXPECT_EQ(sort_fcm_answer({429, quota_error("device:1", ""), "", ""}, token, now).reason, "QUOTA_EXCEEDED");
}

std::string legacy(const std::string& error) { return R"({"success":0,"failure":1,"results":[{"error":")" + error + R"("}]})"; }
class LegacyAnswer : public ::testing::TestWithParam<row> {};
TEST_P(LegacyAnswer, IsSortedByWhatWeDoNext) {
  const row& r = GetParam();
  const verdict v = sort_fcm_legacy_answer({r.status, r.body, "", ""}, token, now);
  EXPECT_EQ(kind_of(v.outcome), r.outcome);
  EXPECT_EQ(v.remedy, r.how);
}
INSTANTIATE_TEST_SUITE_P(
    Table, LegacyAnswer,
    ::testing::Values(row{"Accepted", 200, R"({"success":1,"results":[{"message_id":"0:1"}]})", "accepted", remedy::none},
                      row{"NotRegistered", 200, legacy("NotRegistered"), "dead", remedy::none},
                      row{"InvalidRegistration", 200, legacy("InvalidRegistration"), "suspect", remedy::none},
                      row{"MismatchSenderId", 200, legacy("MismatchSenderId"), "suspect", remedy::none},
                      row{"MissingRegistration", 200, legacy("MissingRegistration"), "ours", remedy::none},
                      row{"InvalidPackageName", 200, legacy("InvalidPackageName"), "ours", remedy::none},
                      row{"InvalidDataKey", 200, legacy("InvalidDataKey"), "ours", remedy::none},
                      row{"InvalidTtl", 200, legacy("InvalidTtl"), "ours", remedy::none},
                      row{"InvalidParameters", 200, legacy("InvalidParameters"), "ours", remedy::none},
                      row{"InternalServerError", 200, legacy("InternalServerError"), "later", remedy::wait},
                      row{"TopicsRate", 200, legacy("TopicsMessageRateExceeded"), "later", remedy::wait},
                      row{"ForbiddenKey", 403, "", "credential", remedy::none},
                      row{"TooMany", 429, "", "later", remedy::wait},
                      row{"MessageTooBig", 200, legacy("MessageTooBig"), "ours", remedy::none},
                      row{"InvalidApnsCredential", 200, legacy("InvalidApnsCredential"), "credential", remedy::none},
                      row{"Unavailable", 200, legacy("Unavailable"), "later", remedy::wait},
                      row{"DeviceRate", 200, legacy("DeviceMessageRateExceeded"), "later", remedy::wait},
                      row{"UnknownWord", 200, legacy("Whatever"), "ours", remedy::none},
                      row{"NoResults", 200, "OK", "ours", remedy::none},
                      row{"EmptyResults", 200, R"({"results":[]})", "ours", remedy::none},
                      row{"BadKey", 401, "<html>", "credential", remedy::none},
                      row{"BadJson", 400, "JSON_PARSING_ERROR", "ours", remedy::none},
                      row{"ServerError", 503, "", "later", remedy::wait}),
    named);

TEST(LegacyAnswerDetail, ReportsTheCanonicalToken) {
  const auto renamed = [](const std::string& canonical) {
    const std::string body = R"({"results":[{"message_id":"0:1","registration_id":")" + canonical + R"("}]})";
    return std::get<accepted>(sort_fcm_legacy_answer({200, body, "", ""}, token, now).outcome).renamed;
  };
  ASSERT_NE(renamed("new:APA91b-_x"), nullptr);
  EXPECT_EQ(renamed("new:APA91b-_x")->to.str(), "new:APA91b-_x");
  EXPECT_EQ(renamed("new:APA91b-_x")->from, token);
  EXPECT_EQ(renamed(token.str()), nullptr);
  EXPECT_EQ(renamed(""), nullptr);
  EXPECT_EQ(renamed("no;token>"), nullptr) << "it would become part of a Contact";
  EXPECT_EQ(renamed(std::string(5000, 'a')), nullptr);
}

TEST(Answers, NeverFailWhateverTheBody) {
  seeded_random random(9);
  for (int i = 0; i < 5000; ++i) {
    std::string body(random.below(200), '\0');
    for (char& c : body) c = "{}[]\":,\\reasontimp@1234567890\xff\x00"[random.below(31)];
    const http_answer a{static_cast<int>(100 + random.below(500)), body, body, body};
    for (const verdict& v : {sort_apns_answer(a, token, now), sort_fcm_answer(a, token, now), sort_fcm_legacy_answer(a, token, now)}) {
      ASSERT_LE(v.reason.size(), 64U);
      ASSERT_LE(v.delay, milliseconds(3600 * 1000));
    }
  }
  const std::string deep(100'000, '[');
  EXPECT_EQ(kind_of(sort_fcm_answer({400, deep, "", ""}, token, now).outcome), "ours");
}

TEST(RetryAfter, TakesSecondsAndDates) {
  EXPECT_EQ(parse_retry_after("7", now), milliseconds(7000));
  EXPECT_EQ(parse_retry_after(" 7 ", now), milliseconds(7000));
  EXPECT_EQ(parse_retry_after("99999999999", now), milliseconds(3600 * 1000));
  EXPECT_EQ(parse_retry_after("Tue, 15 Jun 2021 10:41:41 GMT", wall_time(seconds(1623753691))), milliseconds(10'000));
  for (const char* bad : {"", "-1", "1.5", "soon", "Tue, 15 Jun 2001 10:41:41 GMT", "Tue, 99 Jun 2021 10:41:41 GMT"}) {
    EXPECT_FALSE(parse_retry_after(bad, now)) << bad;
  }
  EXPECT_EQ(sort_fcm_answer({429, "", "", "5"}, token, now).delay, milliseconds(5000));
  EXPECT_EQ(sort_fcm_answer({429, "", "", ""}, token, now).delay, milliseconds(60'000));
}

TEST(ReasonLabel, KeepsOnlyDocumentedWords) {
  EXPECT_EQ(reason_label("Unregistered"), "Unregistered");
  EXPECT_EQ(reason_label("sip:alice@example.com"), "other");
  EXPECT_EQ(reason_label(""), "none");
}

TEST(HttpDate, ReadsBackWhatItPrints) {
  EXPECT_EQ(http_date_text(wall_time(seconds(784111777))), "Sun, 06 Nov 1994 08:49:37 GMT");
  for (const std::int64_t at : {std::int64_t{0}, std::int64_t{951782400}, std::int64_t{1795537057}, std::int64_t{4102444799}}) {
    EXPECT_EQ(parse_http_date(http_date_text(wall_time(seconds(at)))), wall_time(seconds(at))) << at;
  }
}

// Requests: which token, which headers (SPEC 5).
struct request_row {
  const char* name;
  std::vector<push_token> tokens;
  bool missed;
  missed_calls_on_voip_token on_voip;
  std::string path, topic, type;      ///< path "" = a fault
  request_fault fault = request_fault::no_token;
};
class ApnsRequest : public ::testing::TestWithParam<request_row> {};
TEST_P(ApnsRequest, ChoosesTokenTopicAndType) {
  const request_row& r = GetParam();
  const payload_profile profile = builtin_profile("ecss10").value();
  push_order order = r.missed ? samples::three_missed() : samples::invite("103", "Ann");
  order.target = samples::apple(r.tokens);
  apns_request out;
  const auto made = make_apns_request(order, {"com.example.phone", &profile, r.on_voip}, now, out);
  ASSERT_EQ(made.has_value(), !r.path.empty());
  if (!made) {
    EXPECT_EQ(made.error(), r.fault);
    return;
  }
  EXPECT_EQ(out.path, r.path);
  EXPECT_EQ(out.topic, r.topic);
  EXPECT_EQ(out.push_type, r.type);
  EXPECT_EQ(out.priority, "10");
  EXPECT_EQ(out.expiration, std::to_string(unix_seconds(order.expires)));
  // A voip push is shown by the app alone; an alert that is sent again replaces itself.
  EXPECT_EQ(out.collapse_id, r.missed ? "part-0" : r.type == "alert" ? "ab000000000000000000000000000000" : "");
}
using how = missed_calls_on_voip_token;
INSTANTIATE_TEST_SUITE_P(
    Table, ApnsRequest,
    ::testing::Values(
        request_row{"CallToVoip", {samples::voip_token}, false, how::skip, "/3/device/aabb", "com.example.phone.voip", "voip"},
        request_row{"CallToPlain", {samples::plain_token}, false, how::skip, "/3/device/ccdd", "com.example.phone", "alert"},
        request_row{"CallPrefersVoip", {samples::plain_token, samples::voip_token}, false, how::skip, "/3/device/aabb", "com.example.phone.voip", "voip"},
        request_row{"MissedPrefersPlain", {samples::voip_token, samples::plain_token}, true, how::send, "/3/device/ccdd", "com.example.phone", "alert"},
        request_row{"MissedToVoipIfSent", {samples::voip_token}, true, how::send, "/3/device/aabb", "com.example.phone.voip", "voip"},
        request_row{"MissedSkipsVoip", {samples::voip_token}, true, how::skip, "", "", "", request_fault::voip_token_skipped},
        request_row{"NoToken", {}, false, how::skip, "", "", "", request_fault::no_token}),
    named);

TEST(ApnsId, IsAUuidThatStaysAndTellsPushesApart) {
  push_order a = samples::invite("103", "");
  a.target = samples::apple({samples::voip_token});
  std::string first, again, other;
  write_apns_id(a, first);
  a.id.number = 99;  // after a restart, say
  write_apns_id(a, again);
  a.call.bytes[3] = 1;
  write_apns_id(a, other);
  EXPECT_EQ(first, again);
  EXPECT_NE(first, other);
  ASSERT_EQ(first.size(), 36U);
  EXPECT_EQ(first[14], '5');
  EXPECT_NE(std::string("89ab").find(first[19]), std::string::npos);
}

TEST(FcmRequest, GoesToTheProjectWithTheToken) {
  const payload_profile profile = builtin_profile("ecss10").value();
  push_order order = samples::invite("103", "");
  order.target = samples::firebase();
  fcm_request out;
  ASSERT_TRUE(make_fcm_request(order, {"project", &profile}, now, out).has_value());
  EXPECT_EQ(out.path, "/v1/projects/project/messages:send");
  EXPECT_EQ(out.token->value.str(), "device_token");
  ASSERT_TRUE(make_fcm_legacy_request(order, {"project", &profile}, now, out).has_value());
  EXPECT_EQ(out.path, "/fcm/send");
  const payload_profile apple = payload_profile::compile(
      R"({"profile":"apple","apns":{"invite":{"aps":{},"n":"${number}"},"missed_calls":{"aps":{}}}})").value();
  EXPECT_EQ(make_fcm_legacy_request(order, {"project", &apple}, now, out).error(), request_fault::no_template);
}

}  // namespace
}  // namespace reveille::pns
