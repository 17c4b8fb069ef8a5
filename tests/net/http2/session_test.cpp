#include <gtest/gtest.h>

#include "core/random.hpp"
#include "tests/net/http2/session_pair.hpp"

namespace reveille::http2::testing {
namespace {

client_config eager(std::uint32_t initial = 100) {
  client_config c;
  c.initial_streams = initial;
  return c;
}

TEST(Http2Session, CarriesARequestAndItsAnswerWhenFedOneOctetAtATime) {
  session_pair p;
  p.headers = {{"authorization", "bearer x", indexing::never}, {"apns-topic", "com.example.phone.voip"}};
  p.post(7, R"({"aps":{}})");
  p.settle(1);
  ASSERT_EQ(p.server_side.requests.size(), 1u);
  const seen_request seen = p.server_side.requests[0];
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.scheme, "https");
  EXPECT_EQ(seen.authority, "localhost");
  EXPECT_EQ(seen.path, "/3/device/aa");
  EXPECT_EQ(seen.body, R"({"aps":{}})");
  EXPECT_EQ(seen.headers.at("authorization"), "bearer x");
  const header answer[] = {{"apns-id", "123", indexing::never}};
  p.server.respond(seen.stream, 400, answer, R"({"reason":"BadTopic"})");
  p.settle(1);
  const outcome got = p.client_side.outcomes.at(7);
  EXPECT_EQ(got.what, "answered");
  EXPECT_EQ(got.status, 400);
  EXPECT_EQ(got.body, R"({"reason":"BadTopic"})");
  EXPECT_EQ(got.headers.at("apns-id"), "123");
  EXPECT_FALSE(got.truncated);
  EXPECT_EQ(p.client.open_streams(), 0u);
  EXPECT_EQ(p.server.open_streams(), 0u);
}

TEST(Http2Session, SendsTheFirstRequestAloneUntilSettingsAllowMore) {
  server_config s;
  s.max_streams = 1;
  session_pair p({}, s);
  EXPECT_EQ(p.client.capacity(), 1u);
  p.post(1);
  EXPECT_EQ(p.client.capacity(), 0u);
  p.settle();
  EXPECT_EQ(p.client.stream_limit(), 1u);
  p.answer_all(200);
  p.server.set_max_streams(500);
  p.settle();
  EXPECT_EQ(p.client.stream_limit(), 500u);
  EXPECT_EQ(p.client.capacity(), client_config{}.unsent_limit);
  EXPECT_GE(p.client_side.settings, 2);
}

TEST(Http2Session, FollowsSettingsDownwards) {
  session_pair p(eager());
  p.settle();
  for (std::uint64_t i = 0; i < 5; ++i) p.post(i);
  p.settle();
  p.server.set_max_streams(1);
  p.settle();
  EXPECT_EQ(p.client.capacity(), 0u);
  p.answer_all(200);
  p.settle();
  EXPECT_EQ(p.client.capacity(), 1u);
  for (std::uint64_t i = 0; i < 5; ++i) EXPECT_EQ(p.client_side.what(i), "answered");
}

TEST(Http2Session, AnUnlimitedPeerIsBoundedByOurOwnLimit) {
  client_config c;
  c.streams_limit = 10;
  server_config s;
  s.max_streams = 0xffffffff;
  session_pair p(c, s);
  p.settle();
  EXPECT_EQ(p.client.stream_limit(), 10u);
}

TEST(Http2Session, ReportsStreamsAboveALoweredLimitAsRefused) {
  // The requests are on their way when the server lowers its limit (RFC 9113 8.7: not processed).
  session_pair p(eager());
  p.settle();
  p.server.set_max_streams(2);
  for (std::uint64_t i = 0; i < 6; ++i) p.post(i);
  p.to_server();
  p.answer_all(200);
  p.settle();
  p.answer_all(200);
  p.settle();
  int answered = 0, refused = 0;
  for (std::uint64_t i = 0; i < 6; ++i) {
    answered += p.client_side.what(i) == "answered" ? 1 : 0;
    refused += p.client_side.what(i) == "refused" ? 1 : 0;
  }
  EXPECT_EQ(answered, 2);
  EXPECT_EQ(refused, 4);
  EXPECT_FALSE(p.client.finished());
}

TEST(Http2Session, ReportsRefusedStreams) {
  session_pair p(eager());
  p.post(1);
  p.settle();
  p.server.reset(p.server_side.requests.at(0).stream, error_code::refused_stream);
  p.settle();
  EXPECT_EQ(p.client_side.what(1), "refused");
}

TEST(Http2Session, ReportsAStreamResetAfterEndStreamAsAmbiguous) {
  session_pair p(eager());
  p.post(1);
  p.settle();
  p.server.reset(p.server_side.requests.at(0).stream, error_code::internal_error);
  p.settle();
  EXPECT_EQ(p.client_side.what(1), "ambiguous");
  EXPECT_EQ(p.client_side.outcomes.at(1).code, 2u);
}

TEST(Http2Session, ReportsTheStreamsAboveGoawaysLastIdAsRefusedAndLetsTheOthersFinish) {
  session_pair p(eager());
  p.settle();
  for (std::uint64_t i = 0; i < 4; ++i) p.post(i);
  p.settle();
  const std::uint32_t last = p.server_side.requests.at(1).stream;
  p.server.goaway(last, error_code::no_error, R"({"reason":"Shutdown"})");
  p.settle();
  EXPECT_EQ(p.client.capacity(), 0u);
  EXPECT_TRUE(p.client.going_away());
  EXPECT_EQ(p.client_side.debug_data, R"({"reason":"Shutdown"})");
  EXPECT_EQ(p.client_side.what(2), "refused");
  EXPECT_EQ(p.client_side.what(3), "refused");
  EXPECT_EQ(p.client_side.what(0), "");
  p.answer_all(200);
  p.settle();
  EXPECT_EQ(p.client_side.what(0), "answered");
  EXPECT_EQ(p.client_side.what(1), "answered");
  EXPECT_TRUE(p.client.finished());
  EXPECT_TRUE(p.server.finished());
}

TEST(Http2Session, ASecondGoawayNeverRaisesTheLastIdOfOneThatHasNotLeftYet) {
  session_pair p(eager());
  p.settle();
  p.post(0);
  p.post(1);
  p.to_server();
  const std::uint32_t last = p.server.latest_stream();
  p.server.goaway(last, error_code::no_error, "");
  p.post(2);   // the client does not know yet
  p.to_server();
  p.server.goaway(p.server.latest_stream(), error_code::no_error, "");
  EXPECT_GT(p.server.latest_stream(), last);
  p.answer_all(200);
  p.settle();
  EXPECT_EQ(p.client_side.goaways, (std::vector<std::uint32_t>{last, last}));
  EXPECT_EQ(p.client_side.what(0), "answered");   // behind both: a broken connection would not have read it
  EXPECT_EQ(p.client_side.what(1), "answered");
  EXPECT_EQ(p.client_side.what(2), "refused");
}

TEST(Http2Session, GivesBackWhatWaitsWhenGoawayComes) {
  session_pair p(eager());
  p.settle();
  p.post(1);
  p.settle();
  p.server.goaway(p.server.latest_stream(), error_code::no_error, "");
  p.post(2);       // submitted, not yet taken by produce()
  p.to_client();
  EXPECT_EQ(p.client_side.what(2), "unsent");
  p.answer_all(200);
  p.settle();
  EXPECT_EQ(p.client_side.what(1), "answered");
  EXPECT_TRUE(p.client.finished());
}

TEST(Http2Session, ALostConnectionLeavesOnlyWhatWasSentWhollyAmbiguous) {
  server_config s;
  s.stream_window = 1000;
  session_pair p(eager(), s);
  p.settle();
  const std::string large(4000, 'x');
  p.post(1);            // wholly sent
  p.post(2, large);     // stuck in flow control: END_STREAM never left
  p.server.hold_windows();
  p.to_server();
  p.post(3);            // never taken
  p.client.disconnect();
  EXPECT_EQ(p.client_side.what(1), "ambiguous");
  EXPECT_EQ(p.client_side.what(2), "unsent");
  EXPECT_EQ(p.client_side.what(3), "unsent");
  EXPECT_EQ(p.client.capacity(), 0u);
  p.client.disconnect();
  for (std::uint64_t i = 1; i <= 3; ++i) EXPECT_EQ(p.client_side.calls[i], 1);
}

TEST(Http2Session, WithdrawsWhatIsNotOnTheWireAndOnlyThat) {
  session_pair p(eager());
  p.settle();
  const stream_handle early = p.post(1);
  EXPECT_TRUE(p.client.withdraw(early));
  EXPECT_FALSE(p.client.withdraw(early));
  const stream_handle late = p.post(2);
  p.settle();
  EXPECT_FALSE(p.client.withdraw(late));
  ASSERT_EQ(p.server_side.requests.size(), 1u);
  p.answer_all(200);
  p.settle();
  EXPECT_EQ(p.client_side.what(1), "");
  EXPECT_EQ(p.client_side.what(2), "answered");
  EXPECT_EQ(p.client.open_streams(), 0u);
  EXPECT_FALSE(p.client.withdraw(late));  // stale
}

TEST(Http2Session, AbandonsAStreamWhoseAnswerIsNotAwaitedAnyMore) {
  session_pair p(eager());
  p.settle();
  const stream_handle h = p.post(1);
  p.settle();
  EXPECT_EQ(p.client.abandon(h), parting::ambiguous);
  EXPECT_EQ(p.client.abandon(h), parting::stale);
  p.settle();
  EXPECT_EQ(p.server_side.resets.size(), 1u);
  EXPECT_EQ(p.client.open_streams(), 0u);
  p.answer_all(200);  // too late, harmless
  p.settle();
  EXPECT_EQ(p.client_side.what(1), "");
}

TEST(Http2Session, BoundsWhatItKeepsOfAnAnswer) {
  client_config c = eager();
  c.body_limit = 1000;
  c.header_limit = 200;
  session_pair p(c);
  p.settle();
  p.post(1);
  p.post(2);
  p.settle();
  ASSERT_EQ(p.server_side.requests.size(), 2u);
  const std::string endless(100'000, 'x');
  const std::string long_value(300, 'v');
  const header extra[] = {{"x-long", long_value}, {"retry-after", "7"}};
  p.server.respond(p.server_side.requests[0].stream, 503, {}, endless);
  p.server.respond(p.server_side.requests[1].stream, 503, extra, "");
  p.settle();
  EXPECT_EQ(p.client_side.outcomes.at(1).body.size(), 1000u);
  EXPECT_TRUE(p.client_side.outcomes.at(1).truncated);
  EXPECT_EQ(p.client_side.outcomes.at(1).status, 503);
  EXPECT_EQ(p.client_side.calls[1], 1);
  EXPECT_TRUE(p.client_side.outcomes.at(2).truncated);
  EXPECT_EQ(p.client_side.outcomes.at(2).headers.count("x-long"), 0u);
  EXPECT_EQ(p.client_side.outcomes.at(2).headers.at("retry-after"), "7");
  EXPECT_EQ(p.client.open_streams(), 0u);
}

TEST(Http2Session, CarriesBigBodiesThroughSmallWindows) {
  server_config s;
  s.stream_window = 3000;
  s.connection_window = 500'000;
  session_pair p(eager(), s);
  p.settle();
  const std::string big(60'000, 'b');
  for (std::uint64_t i = 0; i < 8; ++i) p.post(i, big);
  p.settle(977);
  ASSERT_EQ(p.server_side.requests.size(), 8u);
  for (const seen_request& r : p.server_side.requests) EXPECT_EQ(r.body, big);
  p.answer_all(200, big.substr(0, 10'000));
  p.settle(977);
  for (std::uint64_t i = 0; i < 8; ++i) EXPECT_EQ(p.client_side.outcomes.at(i).body.size(), 10'000u);
}

TEST(Http2Session, ASlowReaderHoldsBodiesBackUntilItReleasesThem) {
  server_config s;
  s.stream_window = 8000;
  session_pair p(eager(), s);
  p.settle();
  p.server.hold_windows();
  const std::string body(20'000, 'b');
  p.post(1, body);
  p.settle();
  EXPECT_TRUE(p.server_side.requests.empty());
  p.server.release_windows();
  p.settle();
  ASSERT_EQ(p.server_side.requests.size(), 1u);
  EXPECT_EQ(p.server_side.requests[0].body, body);
}

TEST(Http2Session, TheUnsentLimitStopsSubmissionsWhileTheSocketDoesNotDrain) {
  client_config c = eager();
  c.unsent_limit = 3;
  session_pair p(c);
  p.settle();
  for (std::uint64_t i = 0; i < 3; ++i) p.post(i);
  EXPECT_EQ(p.client.capacity(), 0u);
  p.to_server();
  EXPECT_EQ(p.client.capacity(), 3u);
}

TEST(Http2Session, StopsBeforeStreamIdsRunOut) {
  client_config c = eager();
  c.requests_limit = 2;
  session_pair p(c);
  p.settle();
  p.post(1);
  p.post(2);
  EXPECT_EQ(p.client.capacity(), 0u);
  p.settle();
  EXPECT_TRUE(p.client.going_away());
  EXPECT_FALSE(p.client.finished());
  p.answer_all(200);
  p.settle();
  EXPECT_EQ(p.client_side.what(1), "answered");
  EXPECT_EQ(p.client_side.what(2), "answered");
  EXPECT_TRUE(p.client.finished());  // its owner opens another
}

TEST(Http2Session, ShutsDownWhenTheOpenStreamsHaveTheirAnswers) {
  session_pair p(eager());
  p.settle();
  p.post(1);
  p.settle();
  p.post(2);
  p.client.shut_down();
  p.settle();
  EXPECT_EQ(p.client_side.what(2), "unsent");
  EXPECT_FALSE(p.client.finished());
  p.answer_all(200);
  p.settle();
  EXPECT_EQ(p.client_side.what(1), "answered");
  EXPECT_TRUE(p.client.finished());
}

TEST(Http2Session, AnswersPings) {
  session_pair p;
  p.client.ping();
  p.settle();
  EXPECT_EQ(p.client_side.pongs, 1);
}

TEST(Http2Session, SpellsRepeatedHeadersOnce) {
  session_pair p(eager());
  const std::string token(170, 'j');
  p.headers = {{"authorization", token, indexing::never},
               {"apns-topic", "com.example.phone.voip"},
               {"apns-push-type", "voip"},
               {"apns-priority", "10"},
               {"apns-id", "0cbb8b3d-8d3c-4f5c-9a62-000000000001", indexing::first}};
  p.settle();
  const std::size_t before = p.moved_to_server;
  p.post(1, "", "/3/device/aa");
  p.settle();
  const std::size_t first = p.moved_to_server - before;
  p.post(2, "", "/3/device/ab");
  p.settle();
  const std::size_t second = p.moved_to_server - before - first;
  EXPECT_LT(second + 60, first);
  EXPECT_LT(second, 270u);  // the token, the id and the path, and little else
}

// --- what firebase-admin does, and what a strict server must still refuse

struct raw_field {
  const char* name;
  const char* value;
};
/// A HEADERS frame of literal fields without indexing, END_STREAM and END_HEADERS set.
std::string headers_frame(std::uint32_t stream, const std::vector<raw_field>& fields) {
  std::string block;
  for (const raw_field& f : fields) {
    block += '\0';
    block += static_cast<char>(std::string_view(f.name).size());
    block += f.name;
    block += static_cast<char>(std::string_view(f.value).size());
    block += f.value;
  }
  std::string out;
  out += '\0';
  out += static_cast<char>(block.size() >> 8);
  out += static_cast<char>(block.size() & 255);
  out += '\1';   // HEADERS
  out += '\5';   // END_STREAM | END_HEADERS
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>((stream >> shift) & 255);
  return out + block;
}
const std::string preface = std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") + std::string("\0\0\0\4\0\0\0\0\0", 9);

void feed(server_session& s, const std::string& bytes) {
  s.receive({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

TEST(Http2Server, TakesTheSchemeWithAColonThatFirebaseAdminSends) {
  session_pair p;
  feed(p.server, preface + headers_frame(1, {{":method", "POST"}, {":scheme", "https:"}, {":path", "/v1"}, {":authority", "h:443"}}));
  ASSERT_EQ(p.server_side.requests.size(), 1u);
  EXPECT_EQ(p.server_side.requests[0].scheme, "https:");
}

TEST(Http2Server, ResetsMalformedRequests) {
  const std::vector<std::vector<raw_field>> bad = {
      {{":method", "POST"}, {":scheme", "https"}},                                              // no :path
      {{":method", "POST"}, {":scheme", "https"}, {":path", "/"}, {":path", "/"}},              // twice
      {{":method", "POST"}, {":scheme", "https"}, {"a", "b"}, {":path", "/"}},                  // pseudo after regular
      {{":method", "POST"}, {":scheme", "https"}, {":path", "/"}, {":status", "200"}},          // not a request's
      {{":method", "POST"}, {":scheme", "https"}, {":path", "/"}, {"Upper", "b"}},              // RFC 9113 8.2
      {{":method", "POST"}, {":scheme", "https"}, {":path", "/"}, {"connection", "close"}},     // 8.2.2
      {{":method", "POST"}, {":scheme", "https"}, {":path", "/"}, {"content-length", "5"}},     // 8.1.1: no DATA came
      {{":method", "POST"}, {":scheme", "https"}, {":path", "/"}, {"x", "a\r\nb: c"}},
      {{":method", ""}, {":scheme", "https"}, {":path", "/"}},
  };
  for (const auto& fields : bad) {
    session_pair p;
    feed(p.server, preface + headers_frame(1, fields));
    EXPECT_TRUE(p.server_side.requests.empty()) << fields.back().name;
    EXPECT_TRUE(p.server.wants_write());
    std::vector<std::uint8_t> out;
    p.server.produce(out, 1 << 16);
    EXPECT_EQ(p.server.open_streams(), 0u) << fields.back().name;
    feed(p.server, headers_frame(3, {{":method", "GET"}, {":scheme", "https"}, {":path", "/"}}));
    EXPECT_EQ(p.server_side.requests.size(), 1u) << "the connection goes on";
  }
}

TEST(Http2Server, AnswersTooLargeHeadersWith431) {
  server_config s;
  s.header_limit = 100;
  session_pair p(eager(), s);
  const std::string large(200, 'l');
  p.headers = {{"x", large}};
  p.post(1);
  p.settle();
  EXPECT_TRUE(p.server_side.requests.empty());
  EXPECT_EQ(p.client_side.outcomes.at(1).status, 431);
}

TEST(Http2Server, CutsBodiesAtItsBound) {
  server_config s;
  s.body_limit = 5000;
  session_pair p(eager(), s);
  const std::string large(6000, 'l');
  p.post(1, large);
  p.settle();
  ASSERT_EQ(p.server_side.requests.size(), 1u);
  EXPECT_TRUE(p.server_side.requests[0].truncated);
  EXPECT_EQ(p.server_side.requests[0].body.size(), 5000u);
}

TEST(Http2Server, EndsTheConnectionWhenTheClientIgnoresAnAcknowledgedLimit) {
  client_config greedy = eager();
  server_config s;
  s.max_streams = 1;
  session_pair p(greedy, s);
  // Five at once before SETTINGS arrived: refused one by one, the connection lives (PROVIDERS 1.6).
  for (std::uint64_t i = 0; i < 5; ++i) p.post(i);
  p.settle();
  EXPECT_EQ(p.client_side.what(4), "refused");
  EXPECT_FALSE(p.server.finished());
  // Once the ACK has come, one more is an error of the connection (raw frames: our client would not).
  const std::string more = headers_frame(101, {{":method", "POST"}, {":scheme", "https"}, {":path", "/"}});
  feed(p.server, more);
  p.to_client();
  EXPECT_TRUE(p.client.going_away());
  EXPECT_TRUE(p.server.finished());
}

TEST(Http2Server, IgnoresAnswersToStreamsItDoesNotHave) {
  session_pair p(eager());
  EXPECT_FALSE(p.server.respond(99, 200, {}, ""));
  EXPECT_FALSE(p.server.reset(99, error_code::cancel));
  p.post(1);
  p.settle();
  const std::uint32_t stream = p.server_side.requests.at(0).stream;
  EXPECT_TRUE(p.server.respond(stream, 200, {}, "x"));
  EXPECT_FALSE(p.server.respond(stream, 200, {}, "x"));
  p.settle();
  EXPECT_FALSE(p.server.respond(stream, 200, {}, "x"));
}

// --- hostile peers

TEST(Http2Hostile, GarbageEndsTheSessionAndEveryRequestHasOneOutcome) {
  seeded_random random(4711);
  for (int round = 0; round < 300; ++round) {
    session_pair p(eager());
    for (std::uint64_t i = 0; i < 5; ++i) p.post(i);
    std::vector<std::uint8_t> sent;
    p.client.produce(sent, 1 << 20);
    std::vector<std::uint8_t> noise(1 + random.below(400));
    random.fill(noise);
    p.client.receive(noise);
    std::vector<std::uint8_t> server_noise(noise);
    p.server.receive(server_noise);
    p.client.disconnect();
    for (std::uint64_t i = 0; i < 5; ++i) EXPECT_EQ(p.client_side.calls[i], 1);
  }
}

TEST(Http2Hostile, AChangedOctetInAnyPlaceNeverLosesOrDoublesAnOutcome) {
  seeded_random random(815);
  for (int round = 0; round < 400; ++round) {
    session_pair p(eager());
    p.settle();
    for (std::uint64_t i = 0; i < 3; ++i) p.post(i);
    p.to_server();
    p.answer_all(400, R"({"reason":"BadDeviceToken"})");
    p.server.goaway(p.server.latest_stream(), error_code::no_error, R"({"reason":"Shutdown"})");
    std::vector<std::uint8_t> bytes;
    p.server.produce(bytes, 1 << 20);
    ASSERT_FALSE(bytes.empty());
    bytes[random.below(bytes.size())] = static_cast<std::uint8_t>(random.below(256));
    for (std::uint8_t b : bytes) p.client.receive({&b, 1});
    std::vector<std::uint8_t> out;
    p.client.produce(out, 1 << 20);
    p.client.disconnect();
    for (std::uint64_t i = 0; i < 3; ++i) EXPECT_EQ(p.client_side.calls[i], 1) << "round " << round;
  }
}

TEST(Http2Hostile, AServerThatPingsWithoutEndIsCutOff) {
  session_pair p(eager());
  p.settle();
  static constexpr char ping[] = "\0\0\x8\x6\0\0\0\0\0" "12345678";
  std::string flood;
  for (int i = 0; i < 1000; ++i) flood.append(ping, 17);
  bool alive = true;
  for (int i = 0; i < 100 && alive; ++i) {
    alive = p.client.receive({reinterpret_cast<const std::uint8_t*>(flood.data()), flood.size()});
  }
  EXPECT_FALSE(alive);
  EXPECT_TRUE(p.client.finished());
}

/// A listener that acts from inside its calls, as senders do.
class reentrant : public recording_client {
 public:
  void answered(std::uint64_t tag, const response& a) override {
    recording_client::answered(tag, a);
    if (session != nullptr && session->capacity() > 0 && tag < 50) {
      request r;
      r.authority = "h";
      r.path = "/";
      session->submit(r, tag + 1);
    }
  }
  client_session* session = nullptr;
};

TEST(Http2Session, AListenerMaySubmitFromItsOwnCall) {
  reentrant listener;
  recording_server server_side;
  client_session client(listener, eager());
  listener.session = &client;
  server_session server(server_side, {});
  request r;
  r.authority = "h";
  r.path = "/";
  client.submit(r, 0);
  for (int i = 0; i < 200; ++i) {
    std::vector<std::uint8_t> there, back;
    client.produce(there, 1 << 16);
    server.receive(there);
    for (const seen_request& s : server_side.requests) server.respond(s.stream, 200, {}, {});
    server_side.requests.clear();
    server.produce(back, 1 << 16);
    client.receive(back);
  }
  EXPECT_EQ(listener.outcomes.size(), 51u);
}

}  // namespace
}  // namespace reveille::http2::testing
