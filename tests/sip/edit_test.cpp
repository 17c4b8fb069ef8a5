#include "sip/edit.hpp"

#include <gtest/gtest.h>

#include "make_message.hpp"
#include "samples.hpp"

namespace reveille::sip {
namespace {

const endpoint source = *parse_endpoint("192.0.2.77:49152");

std::string text_of(const edits& e) {
  const packet p = e.serialise(test_pool());
  EXPECT_TRUE(p.bytes);
  return std::string(p.view());
}

std::string invite() {
  return with_crlf(R"(INVITE sip:bob@example.com SIP/2.0
Via: SIP/2.0/UDP 198.51.100.4:5060;branch=z9hG4bK87 , SIP/2.0/UDP 192.0.2.77;branch=z9hG4bKna
v:  SIP/2.0/TCP h3;branch=z9hG4bK3
Route: <sip:edge.example.com;lr>,  <sip:next.example.com;lr>
X-Odd  :   spaced	out  
Max-Forwards: 69
From: "Ann" <sip:ann@example.com>;tag=19
To: <sip:bob@example.com>
Call-ID: a84@192.0.2.77
CSeq: 314 INVITE
Content-Type: application/sdp
Content-Length: 5

v=0
)");
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  if (at == std::string::npos) throw std::logic_error("no " + std::string(from));
  return text.replace(at, from.size(), to);
}

TEST(Edits, WithoutAnyTheMessageLeavesOctetForOctet) {
  for (const good_sample& s : good_samples()) {
    const message_ptr m = *parse_octets(s.octets);
    EXPECT_EQ(text_of(edits(*m)), m->text()) << s.name;
  }
}

TEST(Edits, RelayTouchesOnlyWhatItMust) {
  const std::string original = invite();
  const message_ptr m = *parse_octets(original);
  edits e(*m);
  e.replace_request_uri("sip:bob@203.0.113.9:40404");
  e.insert_before_first_via("Via: SIP/2.0/UDP 203.0.113.1;branch=z9hG4bKours\r\n");
  e.insert_before_first_via("Record-Route: <sip:203.0.113.1;lr>\r\n");
  e.decrement_max_forwards();
  e.append("X-Last: 1\r\n");
  std::string expected = original;
  expected = replaced(expected, "sip:bob@example.com SIP", "sip:bob@203.0.113.9:40404 SIP");
  expected = replaced(expected, "Via: SIP/2.0/UDP 198", "Via: SIP/2.0/UDP 203.0.113.1;branch=z9hG4bKours\r\n"
                                                        "Record-Route: <sip:203.0.113.1;lr>\r\nVia: SIP/2.0/UDP 198");
  expected = replaced(expected, "Max-Forwards: 69", "Max-Forwards: 68");
  expected = replaced(expected, "Content-Length: 5\r\n", "Content-Length: 5\r\nX-Last: 1\r\n");
  EXPECT_EQ(text_of(e), expected);
  EXPECT_EQ(text_of(e), expected) << "serialise() may be called again";
}

TEST(Edits, RemoveTheTopViaWithinItsList) {
  const message_ptr m = *parse_octets(invite());
  edits e(*m);
  e.remove_top_via();
  EXPECT_EQ(text_of(e), replaced(invite(), "SIP/2.0/UDP 198.51.100.4:5060;branch=z9hG4bK87 , ", ""));
}

TEST(Edits, RemoveTheTopViaWithItsLineWhenAlone) {
  const std::string text = replaced(invite(), " , SIP/2.0/UDP 192.0.2.77;branch=z9hG4bKna", "");
  const message_ptr m = *parse_octets(text);
  edits e(*m);
  e.remove_top_via();
  e.remove_top_via();  // the same edit twice is the edit once
  EXPECT_EQ(text_of(e), replaced(text, "Via: SIP/2.0/UDP 198.51.100.4:5060;branch=z9hG4bK87\r\n", ""));
}

TEST(Edits, OurViaMayGoWhereTheTopOneLeaves) {
  const message_ptr m = *parse_octets(invite());
  edits e(*m);
  e.remove_all(header::via);
  e.set_top_via_received(source);  // inside what is gone
  e.insert_before_first_via("Via: SIP/2.0/UDP ours\r\n");
  const message_ptr out = *parse_octets(text_of(e));
  EXPECT_EQ(out->via_count(), 1U);
  EXPECT_EQ(out->top_via().host, "ours");
  EXPECT_EQ(out->top_via().received, std::nullopt);
}

TEST(Edits, RemoveTheFirstRoute) {
  const message_ptr m = *parse_octets(invite());
  edits e(*m);
  e.remove_first_element(header::route);
  e.remove_first_element(header::path);  // there is none
  EXPECT_EQ(text_of(e), replaced(invite(), "<sip:edge.example.com;lr>,  ", ""));
}

TEST(Edits, ReplaceOrAppendAValue) {
  const message_ptr m = *parse_octets(invite());
  edits e(*m);
  e.replace_value(header::call_id, "new");
  e.replace_value(header::expires, "60");
  std::string expected = replaced(invite(), "a84@192.0.2.77", "new");
  expected = replaced(expected, "Content-Length: 5\r\n", "Content-Length: 5\r\nExpires: 60\r\n");
  EXPECT_EQ(text_of(e), expected);
}

TEST(Edits, GiveMaxForwardsToRfc2543) {
  const message_ptr m = make_message("INVITE sip:a@b SIP/2.0\nVia: SIP/2.0/UDP h\nFrom: sip:x@y\nTo: sip:a@b\nCall-ID: 1\nCSeq: 1 INVITE\n\nv=0\n");
  edits e(*m);
  e.decrement_max_forwards();
  const message_ptr out = *parse_octets(text_of(e));
  EXPECT_EQ(out->max_forwards(), 70U);
  EXPECT_EQ(out->body(), "v=0\r\n");
}

TEST(Edits, ReplaceTheBodyWithItsLengthAndType) {
  const message_ptr m = *parse_octets(invite());
  edits e(*m);
  e.replace_body("text/plain", "hello world");
  const message_ptr out = *parse_octets(text_of(e));
  EXPECT_EQ(out->body(), "hello world");
  EXPECT_EQ(out->first(header::content_type), "text/plain");
  EXPECT_EQ(out->first(header::content_length), "11");
  edits none(*m);
  none.replace_body({}, {});
  const message_ptr empty = *parse_octets(text_of(none));
  EXPECT_EQ(empty->body(), "");
  EXPECT_EQ(empty->first(header::content_type), std::nullopt);
}

struct via_row {
  std::string_view via, source, expected;
};
// RFC 3261 18.2.1 and RFC 3581 4.
constexpr via_row via_rows[] = {
    {"SIP/2.0/UDP 192.0.2.77;branch=z9", "192.0.2.77:49152", "SIP/2.0/UDP 192.0.2.77;branch=z9"},
    {"SIP/2.0/UDP 192.0.2.77:5060;branch=z9", "192.0.2.77:49152", "SIP/2.0/UDP 192.0.2.77:5060;branch=z9"},
    {"SIP/2.0/UDP 10.0.0.1;branch=z9", "192.0.2.77:49152", "SIP/2.0/UDP 10.0.0.1;branch=z9;received=192.0.2.77"},
    {"SIP/2.0/UDP phone.local", "192.0.2.77:49152", "SIP/2.0/UDP phone.local;received=192.0.2.77"},
    {"SIP/2.0/UDP 10.0.0.1;rport;branch=z9", "192.0.2.77:49152", "SIP/2.0/UDP 10.0.0.1;branch=z9;rport=49152;received=192.0.2.77"},
    {"SIP/2.0/UDP 192.0.2.77;branch=z9;rport", "192.0.2.77:5060", "SIP/2.0/UDP 192.0.2.77;branch=z9;rport=5060;received=192.0.2.77"},
    {"SIP/2.0/UDP 10.0.0.1;rport=1;received=8.8.8.8;branch=z9", "192.0.2.77:2", "SIP/2.0/UDP 10.0.0.1;branch=z9;rport=2;received=192.0.2.77"},
    {"SIP/2.0/UDP 192.0.2.77;received=8.8.8.8", "192.0.2.77:2", "SIP/2.0/UDP 192.0.2.77"},
    {"SIP/2.0/UDP [2001:DB8:0::1];branch=z9", "[2001:db8::1]:5060", "SIP/2.0/UDP [2001:DB8:0::1];branch=z9"},
    {"SIP/2.0/UDP [2001:db8::2];rport", "[2001:db8::1]:5060", "SIP/2.0/UDP [2001:db8::2];rport=5060;received=2001:db8::1"},
};

TEST(Edits, SetReceivedAndRport) {
  for (const via_row& r : via_rows) {
    for (const std::string_view more : {"", ", SIP/2.0/UDP below;branch=z9x", "\r\nVia: SIP/2.0/UDP below;rport"}) {
      const std::string text = replaced(request_with(""), "SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKabc", std::string(r.via) + std::string(more));
      const message_ptr m = *parse_octets(text);
      edits e(*m);
      e.set_top_via_received(*parse_endpoint(r.source));
      EXPECT_EQ(text_of(e), replaced(text, r.via, r.expected)) << r.via;
    }
  }
}

TEST(Response, SetsReceivedAndRportTheSameWay) {
  for (const via_row& r : via_rows) {
    for (const std::string_view more : {"", ", SIP/2.0/UDP below;branch=z9x", "\r\nVia: SIP/2.0/UDP below;rport"}) {
      const std::string text = replaced(request_with(""), "SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKabc", std::string(r.via) + std::string(more));
      const packet p = build_response(**parse_octets(text), *parse_endpoint(r.source), 100, {}, {}, test_pool());
      EXPECT_EQ(p.view().substr(0, p.view().find("From: ")), "SIP/2.0 100 Trying\r\nVia: " + std::string(r.expected) + std::string(more) + "\r\n");
    }
  }
}

bool is_pn(std::string_view name) { return name.substr(0, 3) == "pn-"; }

TEST(Edits, StripPushParametersOfEveryContact) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"<sip:a@b;pn-provider=apns;pn-prid=x;pn-param=y;ob>;reg-id=1;pn-prid=z;q=1", "<sip:a@b;ob>;reg-id=1;q=1"},
      {"<sip:a@b;transport=tcp;pn-provider>", "<sip:a@b;transport=tcp>"},
      {"\"pn-x;pn-y\" <sip:pn-a;pn-b@c;pn-d>", "\"pn-x;pn-y\" <sip:pn-a;pn-b@c>"},
      {"sip:a@b;pn-prid=\"x;pn-y\";lr", "sip:a@b;lr"},
      {"<sip:a@b> ; pn-prid = x ; lr", "<sip:a@b> ; lr"},
      {"<sip:a@b;pn-a>, <sip:c@d;x;pn-b;y>;pn-c", "<sip:a@b>, <sip:c@d;x;y>"},
      {"<sip:a@b?pn-x=1>", "<sip:a@b?pn-x=1>"},
  };
  for (const auto& [contact, expected] : rows) {
    const std::string text = request_with("Contact: " + std::string(contact) + "\r\nm: <sip:z@z;pn-e=1>\r\n");
    const message_ptr m = *parse_octets(text);
    edits e(*m);
    e.strip_contact_params(is_pn);
    EXPECT_EQ(text_of(e), replaced(replaced(text, contact, expected), ";pn-e=1", "")) << contact;
  }
}

TEST(Edits, SurviveAContactListMadeToExceedThem) {
  std::string uri_params;
  for (int i = 0; i < 16; ++i) uri_params += ";pn-a;x" + std::to_string(i);
  std::string contacts;
  for (int i = 0; i < 16; ++i) contacts += "m: <sip:a@b" + uri_params + ">" + uri_params + "\r\n";
  // Past 4 KiB a line, so the head stays within its bound with 16 lines.
  const message_ptr m = *parse_octets(request_with(contacts));
  edits e(*m);
  e.decrement_max_forwards();
  e.strip_contact_params(is_pn);
  e.append("X: 1\r\n");
  const message_ptr out = *parse_octets(text_of(e));
  EXPECT_EQ(out->text().find("pn-a"), std::string_view::npos);
  EXPECT_EQ(out->count(header::contact), 16U);
  EXPECT_EQ(out->max_forwards(), 70U);
  EXPECT_EQ(out->first("X"), "1");
}

TEST(Edits, GiveANullPacketWhenThePoolIsAtItsBound) {
  slab_pool full(0);
  const message_ptr m = *parse_octets(invite());
  edits e(*m);
  e.append("X: 1\r\n");
  EXPECT_FALSE(e.serialise(full).bytes);
  EXPECT_FALSE(build_response(*m, source, 200, "t", "", full).bytes);
}

TEST(Edits, GiveANullPacketBeyondTheLargestSlab) {
  const message_ptr m = *parse_octets(invite());
  edits e(*m);
  const std::string huge(70000, 'x');
  e.replace_body("text/plain", huge);
  EXPECT_FALSE(e.serialise(test_pool()).bytes);
}

}  // namespace
}  // namespace reveille::sip
