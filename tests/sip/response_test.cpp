#include "sip/received.hpp"
#include "sip/response.hpp"

#include <gtest/gtest.h>

#include "make_message.hpp"
#include "samples.hpp"
#include "sip/call_ref.hpp"

namespace reveille::sip {
namespace {

const endpoint source = *parse_endpoint("192.0.2.10:5060");

TEST(Response, CopiesWhatRfc3261Names) {
  const message_ptr m = *parse_octets(request_with("Via: SIP/2.0/TCP below\r\nX: not this\r\n"));
  const packet p = build_response(*m, source, 480, "t1", "Warning: 399 x \"y\"\r\n", test_pool());
  EXPECT_EQ(p.view(),
            "SIP/2.0 480 Temporarily Unavailable\r\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKabc\r\nVia: SIP/2.0/TCP below\r\n"
            "From: <sip:ann@example.com>;tag=f1\r\nTo: <sip:bob@example.com>;tag=t1\r\nCall-ID: c1@192.0.2.10\r\nCSeq: 7 OPTIONS\r\n"
            "Warning: 399 x \"y\"\r\nContent-Length: 0\r\n\r\n");
}

TEST(Response, ToAnySampleParsesAndMatchesIt) {
  for (const good_sample& s : good_samples()) {
    const message_ptr m = *parse_octets(s.octets);
    if (!m->is_request()) continue;
    for (const int status : {100, 200, 404}) {
      const packet p = build_response(*m, source, status, "ours", {}, test_pool());
      const auto parsed = parse_octets(p.view(), false);
      ASSERT_TRUE(parsed) << s.name << ": " << parsed.error().reason << "\n" << p.view();
      const message& r = **parsed;
      EXPECT_EQ(r.status(), status);
      EXPECT_EQ(r.via_count(), m->via_count()) << s.name;
      EXPECT_EQ(r.top_via().branch, m->top_via().branch) << s.name;
      EXPECT_EQ(r.call_id(), m->call_id());
      EXPECT_EQ(r.cseq().number, m->cseq().number);
      EXPECT_EQ(r.cseq().method_text, m->cseq().method_text);
      EXPECT_EQ(r.from_tag(), m->from_tag());
      EXPECT_EQ(r.to_tag(), !m->to_tag().empty() ? m->to_tag() : status == 100 ? "" : "ours") << s.name;
    }
  }
}

TEST(Response, TakesAReasonOfTheCallers) {
  const message_ptr m = *parse_octets(request_with(""));
  const packet p = build_response(*m, source, 400, "t", {}, test_pool(), "Bad CSeq");
  EXPECT_EQ(p.view().substr(0, p.view().find('\r')), "SIP/2.0 400 Bad CSeq");
}

TEST(Response, EchoesTimestampInA100Only) {
  const message_ptr m = *parse_octets(request_with("Timestamp: 54\r\n"));
  EXPECT_NE(build_response(*m, source, 100, {}, {}, test_pool()).view().find("Timestamp: 54\r\n"), std::string_view::npos);
  EXPECT_EQ(build_response(*m, source, 180, "t", {}, test_pool()).view().find("Timestamp"), std::string_view::npos);
}

TEST(Response, GrowsForLinesThatTheCallerWrites) {
  const message_ptr m = *parse_octets(request_with("", "REGISTER"));
  const packet p = build_response_with(*m, source, 200, "t", test_pool(), 10, [](writer& out) {
    for (int i = 0; i < 300; ++i) out.text("Contact: <sip:a@192.0.2.").number(static_cast<std::uint64_t>(i)).text(">;expires=60\r\n");
  });
  ASSERT_TRUE(p.bytes);
  EXPECT_NE(p.view().find("192.0.2.299>"), std::string_view::npos);
  EXPECT_EQ(p.view().substr(p.view().size() - 23), "\r\nContent-Length: 0\r\n\r\n");
}

TEST(Writer, DropsEverythingOnceThePoolRefuses) {
  slab_pool small(4096);
  writer out(small, 100);
  out.text(std::string(400, 'x')).text(std::string(5000, 'y')).text("z");
  EXPECT_FALSE(out.ok());
  const packet p = out.finish();
  EXPECT_FALSE(p.bytes);
  EXPECT_EQ(p.size, 0U);
}

TEST(Writer, WritesNumbersAndAddresses) {
  writer out(test_pool(), 10);
  out.number(0).text(" ").number(18446744073709551615U).text(" ").address(*parse_endpoint("255.255.255.255:1"));
  out.text(" ").address(*parse_endpoint("[2001:db8::1]:1")).text(" ").line("A", "b");
  EXPECT_EQ(out.finish().view(), "0 18446744073709551615 255.255.255.255 2001:db8::1 A: b\r\n");
}

TEST(Refusal, AnswersWhateverCanBeAnsweredAndNothingElse) {
  for (const bad_sample& s : bad_samples()) {
    const packet p = build_refusal(s.octets, source, {s.status, s.reason}, test_pool()).packet;
    EXPECT_EQ(p.bytes != nullptr, s.status != 0) << s.name;
    if (!p.bytes) continue;
    EXPECT_EQ(p.view().substr(0, 12), "SIP/2.0 " + std::to_string(s.status) + " ") << s.name;
    // What was sound of the request makes the answer a message again; where it was not, the lines are still whole.
    std::string lines(p.view());
    std::array<line, limits::lines + 1> table;
    head_index index;
    EXPECT_EQ(scan_head_scalar(lines.data(), lines.size(), index, table.data()), "") << s.name << "\n" << lines;
  }
}

TEST(Refusal, GoesBackWhereTheRequestCameFrom) {
  std::string octets = request_with("Max-Forwards: x\r\n");
  octets.replace(octets.find(";branch"), 7, ";rport;received=8.8.8.8;branch");
  const auto refused = parse_octets(octets);
  ASSERT_FALSE(refused);
  const auto [p, to] = build_refusal(octets, *parse_endpoint("198.51.100.1:7777"), refused.error(), test_pool());
  EXPECT_EQ(to, *parse_endpoint("198.51.100.1:7777"));
  const message_ptr m = *parse_octets(p.view(), false);
  EXPECT_EQ(m->status(), 400);
  EXPECT_EQ(m->top_via().rport, "7777");
  EXPECT_EQ(m->top_via().received, "198.51.100.1");
  EXPECT_EQ(m->top_via().branch, "z9hG4bKabc");
  EXPECT_EQ(m->first("Warning"), "399 reveille \"max-forwards\"");
}

TEST(Refusal, WithoutRportGoesToThePortOfSentBy) {
  const std::string octets = request_with("Max-Forwards: x\r\n");
  const auto refused = parse_octets(octets);
  ASSERT_FALSE(refused);
  const auto answer = build_refusal(octets, *parse_endpoint("198.51.100.1:7777"), refused.error(), test_pool());
  EXPECT_EQ(answer.to, *parse_endpoint("198.51.100.1:5060"));
}

TEST(AnswersTo, FollowsRportElseThePortOfSentByAndNeverMaddr) {
  const endpoint from = *parse_endpoint("198.51.100.1:7777");
  const auto port = [&](std::string_view via) {
    const endpoint to = answers_to(*parse_via(via), from);
    EXPECT_EQ(to.address, from.address) << via;
    return to.port;
  };
  EXPECT_EQ(port("SIP/2.0/UDP 198.51.100.1:5070;branch=z9hG4bK1;rport"), 7777);
  EXPECT_EQ(port("SIP/2.0/UDP 198.51.100.1:5070;branch=z9hG4bK1"), 5070);
  EXPECT_EQ(port("SIP/2.0/UDP 198.51.100.1;branch=z9hG4bK1"), 5060);
  EXPECT_EQ(port("SIP/2.0/UDP 203.0.113.5:5070;maddr=203.0.113.9"), 5070);
  EXPECT_EQ(port("SIP/2.0/UDP phone.example.com:5070;rport;maddr=203.0.113.9"), 7777);
}

TEST(Refusal, NeverAnswersAnAckOrAResponse) {
  EXPECT_EQ(parse_octets(request_with("Max-Forwards: x\r\n", "ACK")).error().status, 0);
  std::string response = request_with("Max-Forwards: x\r\n");
  response.replace(0, response.find('\r'), "SIP/2.0 200 OK");
  EXPECT_EQ(parse_octets(response).error().status, 0);
}

TEST(CallRef, IsTheFirstHalfOfSha256) {
  EXPECT_EQ(call_ref_of(std::string_view("abc")).hex(), "ba7816bf8f01cfea414140de5dae2223");
  EXPECT_EQ(call_ref_of(std::string_view("")).hex(), "e3b0c44298fc1c149afbf4c8996fb924");
  EXPECT_EQ(call_ref_of(*make_message(request_with(""))), call_ref_of(std::string_view("c1@192.0.2.10")));
}

}  // namespace
}  // namespace reveille::sip
