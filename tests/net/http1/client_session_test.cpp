// One HTTP/1.1 keep-alive connection, fed by hand: every request has one outcome, whatever the gateway does.
#include "net/http1/client_session.hpp"

#include <gtest/gtest.h>

#include "core/random.hpp"

namespace reveille::http1 {
namespace {

class heard final : public http2::client_listener {
 public:
  void answered(std::uint64_t tag, const http2::response& a) override {
    said += std::to_string(tag) + ":" + std::to_string(a.status) + (a.truncated ? "+" : "") + " ";
    body = a.body;
    retry_after = a.headers.value_of("retry-after");
    ++outcomes;
  }
  void lost(std::uint64_t tag, http2::loss how, std::uint32_t) override {
    const char* const names[] = {"unsent", "refused", "ambiguous"};
    said += std::to_string(tag) + ":" + names[static_cast<int>(how)] + " ";
    ++outcomes;
  }
  void settings_changed() override {}
  void goaway_received(const http2::goaway_notice&) override {}
  void pong() override {}
  std::string said, body, retry_after;
  int outcomes = 0;
};

class Http1Session : public ::testing::Test {
 protected:
  http2::stream_handle post(std::uint64_t tag, std::string_view body = "{}") {
    const http2::header fields[] = {{"authorization", "key=k", http2::indexing::never}, {"content-type", "application/json"}};
    http2::request r;
    r.authority = "gateway.example:8080";
    r.path = "/fcm/send";
    r.headers = fields;
    r.body = body;
    return session.submit(r, tag);
  }
  std::string produce(std::size_t limit = 1 << 20) {
    std::vector<std::uint8_t> out;
    session.produce(out, limit);
    return {out.begin(), out.end()};
  }
  void receive(std::string_view text) {
    session.receive({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  }
  heard ear;
  client_session session{ear, {}};
};

constexpr std::string_view ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

TEST_F(Http1Session, CarriesOneRequestAfterTheOther) {
  EXPECT_EQ(session.capacity(), 1U);
  post(1);
  EXPECT_EQ(session.capacity(), 0U);
  EXPECT_EQ(produce(),
            "POST /fcm/send HTTP/1.1\r\nHost: gateway.example:8080\r\nauthorization: key=k\r\ncontent-type: application/json\r\n"
            "content-length: 2\r\n\r\n{}");
  receive(ok);
  EXPECT_EQ(session.capacity(), 1U);
  post(2);
  produce();
  receive("HTTP/1.1 503 Unavailable\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(ear.said, "1:200 2:503 ");
  EXPECT_EQ(ear.retry_after, "7");
  EXPECT_FALSE(session.finished());
}

TEST_F(Http1Session, ReadsAnswersOneOctetAtATimePastInformationalOnes) {
  post(1);
  produce();
  for (const char c : std::string("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")) {
    receive(std::string(1, c));
  }
  EXPECT_EQ(ear.said, "1:200 ");
  EXPECT_EQ(ear.body, "abc");
}

TEST_F(Http1Session, AnAnswerThatSaysCloseIsTheLast) {
  for (const char* last : {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"}) {
    heard other;
    client_session s(other, {});
    http2::request r;
    r.path = "/";
    s.submit(r, 1);
    std::vector<std::uint8_t> out;
    s.produce(out, 4096);
    s.receive({reinterpret_cast<const std::uint8_t*>(last), std::char_traits<char>::length(last)});
    EXPECT_EQ(other.said, "1:200 ");
    EXPECT_EQ(s.capacity(), 0U);
    EXPECT_TRUE(s.finished());
  }
}

TEST_F(Http1Session, ABodyWithoutLengthEndsWithTheConnection) {
  post(1);
  produce();
  receive("HTTP/1.1 401 Unauthorized\r\n\r\n<html>");
  EXPECT_EQ(ear.said, "");
  session.disconnect();
  EXPECT_EQ(ear.said, "1:401 ");
}

TEST_F(Http1Session, ALostConnectionIsAmbiguousOnlyOnceTheRequestWasAllOut) {
  post(1);
  produce(10);
  session.disconnect();
  EXPECT_EQ(ear.said, "1:unsent ");
  heard other;
  client_session s(other, {});
  http2::request r;
  r.path = "/";
  s.submit(r, 2);
  std::vector<std::uint8_t> out;
  s.produce(out, 4096);
  s.disconnect();
  s.disconnect();
  EXPECT_EQ(other.said, "2:ambiguous ");
}

TEST_F(Http1Session, WithdrawsWhatHasNotBegunToLeave) {
  const auto first = post(1);
  EXPECT_TRUE(session.withdraw(first));
  EXPECT_EQ(produce(), "");
  EXPECT_EQ(session.capacity(), 1U);
  const auto second = post(2);
  EXPECT_FALSE(session.withdraw(first)) << "stale";
  produce(1);
  EXPECT_FALSE(session.withdraw(second));
  EXPECT_EQ(ear.outcomes, 0);
}

TEST_F(Http1Session, AnAbandonedRequestTakesItsConnectionAlong) {
  const auto handle = post(1);
  produce();
  EXPECT_EQ(session.abandon(handle), http2::parting::ambiguous);
  EXPECT_EQ(session.abandon(handle), http2::parting::stale);
  EXPECT_TRUE(session.finished());
  receive(ok);  // late: it must not be taken for another's
  session.disconnect();
  EXPECT_EQ(ear.outcomes, 0);
}

TEST_F(Http1Session, AnAbandonedRequestWhoseStatusHasComeIsAnswered) {
  const auto handle = post(1);
  produce();
  receive("HTTP/1.1 401 Unauthorized\r\nContent-Length: 100\r\n\r\n<html>");
  EXPECT_EQ(session.abandon(handle), http2::parting::answered);
  EXPECT_EQ(ear.said, "1:401+ ");
  EXPECT_TRUE(session.finished());
}

TEST_F(Http1Session, WhatNobodyAskedForEndsIt) {
  receive("HTTP/1.1 408 Request Timeout\r\n\r\n");
  EXPECT_TRUE(session.finished());
  EXPECT_EQ(session.capacity(), 0U);
}

TEST_F(Http1Session, AnEarlyAnswerCountsAndEndsIt) {
  post(1, std::string(100'000, 'x'));
  produce(1000);
  receive("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(ear.said, "1:413 ");
  EXPECT_EQ(session.capacity(), 0U);
  EXPECT_EQ(produce(), "");
}

TEST_F(Http1Session, BoundsWhatItKeepsOfAnAnswer) {
  post(1);
  produce();
  receive("HTTP/1.1 401 Unauthorized\r\nContent-Length: 100000\r\n\r\n" + std::string(100'000, 'x'));
  EXPECT_EQ(ear.said, "1:401+ ");
  EXPECT_LE(ear.body.size(), client_config{}.body_limit);
  EXPECT_TRUE(session.finished());
}

TEST_F(Http1Session, LetsNoValueEndItsLine) {
  const http2::header fields[] = {{"x", "a\r\nevil: 1"}};
  http2::request r;
  r.path = "/ HTTP/1.1\r\nevil: 2\r\n";
  r.headers = fields;
  session.submit(r, 1);
  EXPECT_EQ(produce().find("\nevil"), std::string::npos);
}

TEST(Http1Hostile, GarbageEndsTheSessionAndEveryRequestHasOneOutcome) {
  seeded_random random(7);
  for (int i = 0; i < 3000; ++i) {
    heard ear;
    client_session s(ear, {});
    http2::request r;
    r.path = "/";
    s.submit(r, 1);
    std::vector<std::uint8_t> out;
    s.produce(out, 4096);
    std::string text("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n");
    for (int n = 0; n < 4; ++n) text[random.below(text.size())] = static_cast<char>(random.below(256));
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t n = std::min<std::size_t>(1 + random.below(20), text.size() - at);
      s.receive({reinterpret_cast<const std::uint8_t*>(text.data()) + at, n});
      at += n;
    }
    s.disconnect();
    ASSERT_EQ(ear.outcomes, 1) << text;
  }
}

}  // namespace
}  // namespace reveille::http1
