/// The client half against peers that do what RFC 9113 allows, and what it forbids.
#include <gtest/gtest.h>

#include "tests/net/http2/raw_peer.hpp"

namespace reveille::http2::testing {
namespace {

using fields = std::vector<std::pair<std::string, std::string>>;

client_config many() {
  client_config c;
  c.initial_streams = 100;
  return c;
}

// --- one outcome, and the true one

TEST(Http2Client, AStreamAbandonedAfterItsStatusCameIsAnswered) {
  raw_peer p;
  const stream_handle h = p.post(1);
  p.listen();
  p.settings({});
  p.headers(1, {{":status", "200"}, {"apns-id", "x"}}, end_headers);
  p.say(data_frame, 0, 1, "{\"na");  // and nothing more
  EXPECT_EQ(p.client.abandon(h), parting::answered);
  EXPECT_EQ(p.client_side.what(1), "answered");
  EXPECT_EQ(p.client_side.outcomes.at(1).status, 200);
  EXPECT_EQ(p.client_side.outcomes.at(1).headers.at("apns-id"), "x");
  EXPECT_TRUE(p.client_side.outcomes.at(1).truncated);
  EXPECT_EQ(p.client.abandon(h), parting::stale);
  bool reset = false;
  for (const seen_frame& f : p.listen()) reset |= f.type == rst_stream_frame && f.stream == 1;
  EXPECT_TRUE(reset);
  EXPECT_EQ(p.client.open_streams(), 0u);
  EXPECT_EQ(p.client_side.calls[1], 1);
}

TEST(Http2Client, AStatusThatCameIsTheAnswerHoweverTheStreamEnds) {
  for (const bool whole_connection : {false, true}) {
    raw_peer p;
    p.post(1);
    p.listen();
    p.settings({});
    p.headers(1, {{":status", "410"}}, end_headers);
    if (whole_connection) {
      p.client.disconnect();
    } else {
      p.reset(1, 2);
    }
    EXPECT_EQ(p.client_side.what(1), "answered");
    EXPECT_EQ(p.client_side.outcomes.at(1).status, 410);
    EXPECT_TRUE(p.client_side.outcomes.at(1).truncated);
  }
}

TEST(Http2Client, PassesOverInformationalAnswersWithoutEnd) {
  raw_peer p;
  p.post(1);
  p.listen();
  p.settings({});
  for (int i = 0; i < 2000; ++i) p.headers(1, {{":status", "103"}, {"link", std::string(100, 'l')}}, end_headers);
  EXPECT_EQ(p.client_side.what(1), "");
  p.headers(1, {{":status", "200"}, {"apns-id", "x"}});
  EXPECT_EQ(p.client_side.what(1), "answered");
  EXPECT_EQ(p.client_side.outcomes.at(1).headers, (std::map<std::string, std::string>{{"apns-id", "x"}}));
}

TEST(Http2Client, InformationalAnswersAloneAreNoAnswer) {
  raw_peer p;
  const stream_handle h = p.post(1);
  p.listen();
  p.settings({});
  p.headers(1, {{":status", "100"}}, end_headers);
  EXPECT_EQ(p.client.abandon(h), parting::ambiguous);
  EXPECT_EQ(p.client_side.what(1), "");
}

TEST(Http2Client, TrailersAreNotTheAnswersFields) {
  raw_peer p;
  p.post(1);
  p.listen();
  p.settings({});
  p.headers(1, {{":status", "200"}}, end_headers);
  p.say(data_frame, 0, 1, "{}");
  p.headers(1, {{"retry-after", "9"}});
  EXPECT_EQ(p.client_side.what(1), "answered");
  EXPECT_EQ(p.client_side.outcomes.at(1).body, "{}");
  EXPECT_TRUE(p.client_side.outcomes.at(1).headers.empty());
}

TEST(Http2Client, AnAnswerBeforeTheBodyHasLeftEndsTheUpload) {
  raw_peer p(many());
  p.settings({{initial_window_size, 10}});
  p.post(1, std::string(1000, 'b'));
  EXPECT_EQ(raw_peer::data_of(p.listen()).size(), 10u);
  p.headers(1, {{":status", "413"}});
  EXPECT_EQ(p.client_side.outcomes.at(1).status, 413);
  p.reset(1, 0);  // RFC 9113 8.1: NO_ERROR, please stop
  p.window_update(1, 10'000);
  EXPECT_EQ(raw_peer::data_of(p.listen()), "");
  EXPECT_EQ(p.client_side.calls[1], 1);
  EXPECT_EQ(p.client.open_streams(), 0u);
}

TEST(Http2Client, ARequestWhoseBodyHasNotAllLeftIsWithdrawnByAReset) {
  raw_peer p(many());
  p.settings({{initial_window_size, 10}});
  const stream_handle h = p.post(1, std::string(1000, 'b'));
  EXPECT_EQ(raw_peer::data_of(p.listen()).size(), 10u);
  EXPECT_TRUE(p.client.withdraw(h));
  EXPECT_FALSE(p.client.withdraw(h));
  p.window_update(1, 10'000);
  bool reset = false;
  for (const seen_frame& f : p.listen()) {
    EXPECT_NE(f.type, data_frame);
    reset |= f.type == rst_stream_frame && f.stream == 1;
  }
  EXPECT_TRUE(reset);
  EXPECT_EQ(p.client_side.calls[1], 0);
  EXPECT_EQ(p.client.open_streams(), 0u);
  p.post(2, "{}");  // what it held of the connection's window is free again
  EXPECT_EQ(raw_peer::data_of(p.listen()), "{}");
}

TEST(Http2Client, ARequestThatIsAnsweredBeforeItHasAllLeftIsNotWithdrawn) {
  raw_peer p(many());
  p.settings({{initial_window_size, 10}});
  const stream_handle h = p.post(1, std::string(1000, 'b'));
  p.listen();
  p.headers(1, {{":status", "413"}}, end_headers);
  EXPECT_FALSE(p.client.withdraw(h));
  p.say(data_frame, end_stream, 1, "");
  EXPECT_EQ(p.client_side.outcomes.at(1).status, 413);
}

TEST(Http2Client, AConnectionThatEndsInMidFrameLeavesItsRequestsAmbiguous) {
  raw_peer p(many());
  p.settings({});
  p.post(1);
  p.post(2);
  p.listen();
  const std::string block = raw_peer::block({{":status", "200"}});
  const std::string whole = number(block.size(), 3) + number(headers_frame_type, 1) + number(end_stream | end_headers, 1) +
                            number(1, 4) + block;
  p.feed(std::string_view(whole).substr(0, whole.size() - 1));
  p.client.disconnect();
  EXPECT_EQ(p.client_side.what(1), "ambiguous");
  EXPECT_EQ(p.client_side.what(2), "ambiguous");
}

// --- GOAWAY

TEST(Http2Client, AGoawayWithoutBoundIsFollowedByOneThatNamesTheLast) {
  raw_peer p(many());
  p.settings({});
  for (std::uint64_t i = 0; i < 4; ++i) p.post(i);  // streams 1, 3, 5, 7
  p.listen();
  p.goaway(0x7fffffff);  // RFC 9113 6.8: a warning; all may still be answered
  EXPECT_EQ(p.client.capacity(), 0u);
  for (std::uint64_t i = 0; i < 4; ++i) EXPECT_EQ(p.client_side.what(i), "");
  p.headers(5, {{":status", "200"}});
  p.goaway(5);
  EXPECT_EQ(p.client_side.what(3), "refused");
  EXPECT_EQ(p.client_side.what(0), "");
  p.goaway(3);  // lower still
  p.headers(1, {{":status", "200"}});
  p.headers(3, {{":status", "200"}});
  EXPECT_EQ(p.client_side.what(0), "answered");
  EXPECT_EQ(p.client_side.what(1), "answered");
  EXPECT_EQ(p.client_side.what(2), "answered");
  for (std::uint64_t i = 0; i < 4; ++i) EXPECT_EQ(p.client_side.calls[i], 1);
  EXPECT_EQ(p.client_side.goaways, (std::vector<std::uint32_t>{0x7fffffff, 5, 3}));
}

TEST(Http2Client, AGoawayThatRaisesItsLastIdEndsTheConnection) {
  raw_peer p(many());
  p.settings({});
  p.post(0);
  p.post(1);
  p.listen();
  p.goaway(1);
  EXPECT_EQ(p.client_side.what(1), "refused");
  p.goaway(3);
  p.listen();
  EXPECT_TRUE(p.client.finished());
  p.client.disconnect();
  EXPECT_EQ(p.client_side.what(0), "ambiguous");
  EXPECT_EQ(p.client_side.calls[1], 1);
}

TEST(Http2Client, TheSameGoawayTwiceIsHarmless) {
  raw_peer p(many());
  p.settings({});
  p.post(0);
  p.post(1);
  p.listen();
  p.goaway(1);
  p.goaway(1);
  p.headers(1, {{":status", "200"}});
  EXPECT_EQ(p.client_side.what(0), "answered");
  EXPECT_EQ(p.client_side.what(1), "refused");
  EXPECT_EQ(p.client_side.calls[1], 1);
}

// --- SETTINGS

TEST(Http2Client, NoStreamsAtAllMeansNoneUntilTheyAreAllowedAgain) {
  raw_peer p(many());
  p.settings({{max_concurrent_streams, 0}});
  EXPECT_EQ(p.client.capacity(), 0u);
  p.settings({{max_concurrent_streams, 2}});
  EXPECT_EQ(p.client.capacity(), 2u);
}

TEST(Http2Client, ALimitLoweredInABurstHoldsBackWhatHasNotLeft) {
  raw_peer p(many());
  p.settings({{max_concurrent_streams, 50}});
  for (std::uint64_t i = 0; i < 50; ++i) p.post(i);
  p.settings({{max_concurrent_streams, 3}});
  std::size_t begun = 0;
  for (const seen_frame& f : p.listen()) begun += f.type == headers_frame_type ? 1 : 0;
  EXPECT_EQ(begun, 3u);
  EXPECT_EQ(p.client.capacity(), 0u);
  p.headers(1, {{":status", "200"}});
  begun = 0;
  for (const seen_frame& f : p.listen()) begun += f.type == headers_frame_type ? 1 : 0;
  EXPECT_EQ(begun, 1u);
}

TEST(Http2Client, AWindowOfOneOctetCarriesABodyOctetByOctet) {
  raw_peer p(many());
  p.settings({{initial_window_size, 1}});
  p.post(1, "0123456789");
  std::string got = raw_peer::data_of(p.listen());
  EXPECT_EQ(got, "0");
  for (int i = 0; i < 9; ++i) {
    p.window_update(1, 1);
    got += raw_peer::data_of(p.listen());
  }
  EXPECT_EQ(got, "0123456789");
  p.headers(1, {{":status", "200"}});
  EXPECT_EQ(p.client_side.what(1), "answered");
}

TEST(Http2Client, AWindowTakenBackBelowWhatWasSentHoldsTheRest) {
  raw_peer p(many());
  p.settings({{initial_window_size, 100}});
  p.post(1, std::string(300, 'b'));
  EXPECT_EQ(raw_peer::data_of(p.listen()).size(), 100u);
  p.settings({{initial_window_size, 20}});  // the stream's window is now 80 below nothing (RFC 9113 6.9.2)
  p.window_update(1, 80);
  EXPECT_EQ(raw_peer::data_of(p.listen()).size(), 0u);
  p.window_update(1, 5);
  EXPECT_EQ(raw_peer::data_of(p.listen()).size(), 5u);
  p.settings({{initial_window_size, 1000}});
  EXPECT_EQ(raw_peer::data_of(p.listen()).size(), 195u);
}

TEST(Http2Client, CapacityEndsWithThePeersConnectionWindowAndComesBackWithIt) {
  raw_peer p(many());
  p.settings({{max_concurrent_streams, 1000}, {initial_window_size, 1 << 20}});
  const std::string body(4096, 'b');
  std::uint64_t submitted = 0;
  while (p.client.capacity() > 0) p.post(submitted++, body);
  EXPECT_EQ(submitted, 16u);  // 65,535 octets to begin with
  EXPECT_EQ(raw_peer::data_of(p.listen()).size(), 65'535u);
  EXPECT_EQ(p.client.capacity(), 0u);
  p.window_update(0, 8192);
  EXPECT_GT(p.client.capacity(), 0u);
  EXPECT_EQ(raw_peer::data_of(p.listen()).size(), 1u);
}

TEST(Http2Client, OneRequestMayAlwaysTryAWindowThatIsShut) {
  raw_peer p(many());
  p.settings({{max_concurrent_streams, 10}});
  p.post(0, std::string(65'535, 'b'));
  p.listen();
  p.headers(1, {{":status", "200"}});  // but the connection's window stays shut
  EXPECT_EQ(p.client.capacity(), 10u);
  p.post(1, "{}");
  EXPECT_EQ(p.client.capacity(), 0u);
}

TEST(Http2Client, FramesKeepToThePeersLargestSize) {
  for (const std::uint32_t allowed : {16'384u, 16'777'215u}) {
    raw_peer p(many());
    p.settings({{max_frame_size, allowed}, {initial_window_size, 1 << 20}});
    p.window_update(0, 1 << 20);
    p.post(1, std::string(100'000, 'b'));
    const auto frames = p.listen();
    for (const seen_frame& f : frames) EXPECT_LE(f.payload.size(), 16'384u);  // ours never grow, whatever is allowed
    EXPECT_EQ(raw_peer::data_of(frames).size(), 100'000u);
  }
}

TEST(Http2Client, APeerWithoutAHeaderTableGetsEveryFieldSpelled) {
  raw_peer p(many());
  p.fields = {{"authorization", "bearer x", indexing::never}, {"apns-topic", "com.example.phone.voip"}};
  nghttp2_hd_inflater* inflater = nullptr;
  ASSERT_EQ(nghttp2_hd_inflate_new(&inflater), 0);
  const std::unique_ptr<nghttp2_hd_inflater, void (*)(nghttp2_hd_inflater*)> owner(inflater, &nghttp2_hd_inflate_del);
  p.settings({{header_table_size, 0}});
  ASSERT_EQ(nghttp2_hd_inflate_change_table_size(inflater, 0), 0);
  for (std::uint64_t i = 0; i < 3; ++i) p.post(i);
  std::size_t seen = 0;
  for (const seen_frame& f : p.listen()) {
    if (f.type != headers_frame_type) continue;
    std::map<std::string, std::string> got;
    const auto* at = reinterpret_cast<const std::uint8_t*>(f.payload.data());
    std::size_t left = f.payload.size();
    for (;;) {
      nghttp2_nv nv;
      int flags = 0;
      const ssize_t n = nghttp2_hd_inflate_hd2(inflater, &nv, &flags, at, left, 1);
      ASSERT_GE(n, 0);
      at += n;
      left -= static_cast<std::size_t>(n);
      if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
        got[std::string(reinterpret_cast<char*>(nv.name), nv.namelen)] = std::string(reinterpret_cast<char*>(nv.value), nv.valuelen);
      }
      if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) break;
    }
    nghttp2_hd_inflate_end_headers(inflater);
    EXPECT_EQ(got["authorization"], "bearer x");
    EXPECT_EQ(got["apns-topic"], "com.example.phone.voip");
    ++seen;
  }
  EXPECT_EQ(seen, 3u);
  EXPECT_EQ(nghttp2_hd_inflate_get_dynamic_table_size(inflater), 0u);
}

// --- what no peer may do

/// Every request has exactly one outcome, and the connection ends.
void expect_end_of_connection(raw_peer& p, std::uint64_t requests) {
  p.listen();  // perhaps a GOAWAY
  EXPECT_TRUE(p.client.finished());
  p.client.disconnect();
  for (std::uint64_t i = 0; i < requests; ++i) EXPECT_EQ(p.client_side.calls[i], 1) << i;
}

TEST(Http2ClientHostile, ContinuationsWithoutEndEndTheConnection) {
  raw_peer p(many());
  p.settings({});
  p.post(0);
  p.post(1);
  p.listen();
  p.headers(1, {{":status", "200"}}, 0);
  for (int i = 0; i < 1000; ++i) p.say(continuation_frame, 0, 1, raw_peer::block({{"x", std::string(100, 'x')}}));
  expect_end_of_connection(p, 2);
}

TEST(Http2ClientHostile, AnotherFrameInsideAHeaderBlockEndsTheConnection) {
  raw_peer p(many());
  p.settings({});
  p.post(0);
  p.listen();
  p.headers(1, {{":status", "200"}}, 0);
  p.say(data_frame, end_stream, 1, "{}");
  expect_end_of_connection(p, 1);
}

TEST(Http2ClientHostile, AWindowBeyondItsBoundEndsTheConnection) {
  raw_peer p(many());
  p.settings({});
  p.post(0);
  p.listen();
  p.window_update(0, 0x7fffffff);
  expect_end_of_connection(p, 1);
}

TEST(Http2ClientHostile, SettingsWithoutEndEndTheConnection) {
  raw_peer p(many());
  p.post(0);
  p.listen();
  for (int i = 0; i < 20'000; ++i) p.settings({{max_concurrent_streams, 5}});  // each wants an ACK, none is read
  expect_end_of_connection(p, 1);
}

TEST(Http2ClientHostile, AFrameLongerThanWeAllowEndsTheConnection) {
  raw_peer p(many());
  p.settings({});
  p.post(0);
  p.listen();
  p.headers(1, {{":status", "200"}}, end_headers);
  p.say(data_frame, 0, 1, std::string(20'000, 'x'));
  p.listen();
  EXPECT_TRUE(p.client.finished());
  p.client.disconnect();
  EXPECT_EQ(p.client_side.what(0), "answered");  // its status had come
}

TEST(Http2ClientHostile, AStreamThatWeNeverOpenedEndsTheConnection) {
  raw_peer p(many());
  p.settings({});
  p.post(0);
  p.listen();
  p.headers(9, {{":status", "200"}});
  expect_end_of_connection(p, 1);
}

TEST(Http2ClientHostile, AnAnswerWithoutAStatusIsNone) {
  for (const fields& bad : {fields{{"apns-id", "x"}}, fields{{":status", "abc"}}, fields{{":status", "20"}},
                            fields{{":status", "200"}, {":status", "410"}}}) {
    raw_peer p(many());
    p.settings({});
    p.post(0);
    p.listen();
    p.headers(1, bad);
    p.listen();
    p.client.disconnect();
    EXPECT_EQ(p.client_side.what(0), "ambiguous") << bad.front().second;
  }
}

}  // namespace
}  // namespace reveille::http2::testing
