#include "sip/uri.hpp"

#include <gtest/gtest.h>

#include "core/random.hpp"
#include "sip/chars.hpp"

namespace reveille::sip {
namespace {

struct row {
  std::string_view text;
  std::string_view scheme, user, password, host;
  std::uint16_t port;
  std::string_view params, headers;
};
constexpr row sound[] = {
    {"sip:example.com", "sip", "", "", "example.com", 0, "", ""},
    {"SIPS:alice:secret@Example.com:5061", "SIPS", "alice", "secret", "Example.com", 5061, "", ""},
    {"sip:alice:@example.com", "sip", "alice", "", "example.com", 0, "", ""},
    {"sip:alice@192.0.2.1:1;transport=tcp;lr", "sip", "alice", "", "192.0.2.1", 1, ";transport=tcp;lr", ""},
    {"sip:alice@[2001:db8::1]:65535", "sip", "alice", "", "[2001:db8::1]", 65535, "", ""},
    {"sip:[::1]", "sip", "", "", "[::1]", 0, "", ""},
    {"sip:user;par=u%40example.net@example.com", "sip", "user;par=u%40example.net", "", "example.com", 0, "", ""},
    {"sip:host?h=a@example.com", "sip", "host?h=a", "", "example.com", 0, "", ""},
    {"sip:a@b.c?Route=%3Csip:x%3E&Subject=", "sip", "a", "", "b.c", 0, "", "Route=%3Csip:x%3E&Subject="},
    {"sip:a@b;p?h=v", "sip", "a", "", "b", 0, ";p", "h=v"},
    {"sip:*21*103#@pbx", "sip", "*21*103#", "", "pbx", 0, "", ""},
    {"sip:a@b_c", "sip", "a", "", "b_c", 0, "", ""},
    {"sip:%00@b", "sip", "%00", "", "b", 0, "", ""},
    {"sip:a@b;pn-prid=c29tZQ==;pn-provider", "sip", "a", "", "b", 0, ";pn-prid=c29tZQ==;pn-provider", ""},
    {"sip:a@b;pn-prid=", "sip", "a", "", "b", 0, ";pn-prid=", ""},
};

TEST(Uri, IsSplitBeforeAnythingIsUnescaped) {
  for (const row& r : sound) {
    const auto uri = parse_uri(r.text);
    ASSERT_TRUE(uri) << r.text;
    EXPECT_EQ(uri->text, r.text);
    EXPECT_EQ(uri->scheme, r.scheme) << r.text;
    EXPECT_EQ(uri->user, r.user) << r.text;
    EXPECT_EQ(uri->password, r.password) << r.text;
    EXPECT_EQ(uri->host, r.host) << r.text;
    EXPECT_EQ(uri->port, r.port) << r.text;
    EXPECT_EQ(uri->params.text(), r.params) << r.text;
    EXPECT_EQ(uri->headers, r.headers) << r.text;
    EXPECT_TRUE(uri->is_sip());
  }
}

TEST(Uri, RefusesWhatTheGrammarDoesNotAllow) {
  for (const std::string_view text : {
           "", "sip", "sip:", ":a@b", "1sip:a@b", "sip:@b", "sip:a@", "sip:a@b@c", "sip:a b@c", "sip: a@b", "sip:a@b ",
           "sip:a%@b", "sip:a%4@b", "sip:a%gg@b", "sip:a@b:", "sip:a@b:0", "sip:a@b:65536", "sip:a@b:99999999999",
           "sip:a@b:5060x", "sip:a@b:-1", "sip:a@b;", "sip:a@b;;lr", "sip:a@b;=x", "sip:a@b;p=%zz", "sip:a@b?", "sip:a@b?a b",
           "sip:a@[::1", "sip:a@::1", "sip:a@[1]", "sip:a@[::g]", "sip:a@b<c>", "<sip:a@b>", "sip:a\"@b", "sip:a@b;x=<y>",
           "sip:\xd0\x90@b", "sip:a:b:c@d", "tel:", "tel:abcx", "tel:---", "tel:+1 2", "tel:+1;", "http:", "mailto:a b", "x:<y>",
           "sip:a@b\r\n", "sip:a@b;p=\"q\""}) {
    EXPECT_FALSE(parse_uri(text)) << text;
  }
  EXPECT_FALSE(parse_uri(std::string("sip:a\0b@c", 9)));
}

TEST(Uri, KeepsOtherSchemesOpaque) {
  const auto tel = parse_uri("tel:+1-201-555-0123;phone-context=example.com");
  ASSERT_TRUE(tel);
  EXPECT_TRUE(tel->is_tel());
  EXPECT_EQ(tel->opaque, "+1-201-555-0123");
  EXPECT_EQ(tel->params.find("PHONE-CONTEXT"), "example.com");
  const auto beep = parse_uri("soap.beep://192.0.2.103:3002");
  ASSERT_TRUE(beep);
  EXPECT_FALSE(beep->is_sip());
  EXPECT_EQ(beep->scheme, "soap.beep");
  EXPECT_EQ(beep->opaque, "//192.0.2.103:3002");
}

TEST(Uri, BoundsItsParameters) {
  std::string text = "sip:a@b";
  for (int i = 0; i < 32; ++i) text += ";p" + std::to_string(i);
  EXPECT_TRUE(parse_uri(text));
  EXPECT_FALSE(parse_uri(text + ";more"));
}

// RFC 3261 19.1.4, its own examples among them.
TEST(UriEquality, FollowsRfc3261) {
  const std::pair<const char*, const char*> same[] = {
      {"sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"},
      {"sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"},
      {"sip:carol@chicago.com", "sip:carol@chicago.com;security=on"},
      {"sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
       "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com"},
      {"sip:alice@atlanta.com?subject=project%20x&priority=urgent", "sip:alice@atlanta.com?priority=urgent&subject=project%20x"},
      {"sip:a@b;%6Cr", "sip:a@b;lr"},
      {"sip:a%2b@b", "sip:a%2B@b"},
  };
  const std::pair<const char*, const char*> different[] = {
      {"SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"},
      {"sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"},
      {"sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"},
      {"sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"},
      {"sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"},
      {"sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"},
      {"sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"},
      {"sip:a@b", "sips:a@b"},
      {"sip:a:x@b", "sip:a@b"},
      {"sip:a+b@c", "sip:a%2Bb@c"},
      {"sip:%00@c", "sip:%00%00@c"},
      {"tel:1", "tel:2"},
  };
  for (const auto& [a, b] : same) {
    EXPECT_TRUE(equivalent(*parse_uri(a), *parse_uri(b))) << a << " " << b;
    EXPECT_TRUE(equivalent(*parse_uri(b), *parse_uri(a))) << a << " " << b;
  }
  for (const auto& [a, b] : different) {
    EXPECT_FALSE(equivalent(*parse_uri(a), *parse_uri(b))) << a << " " << b;
    EXPECT_FALSE(equivalent(*parse_uri(b), *parse_uri(a))) << a << " " << b;
  }
}

TEST(UriParams, OfACheckedUriAreFoundWithoutJudgingItAgain) {
  for (const row& r : sound) {
    if (!parse_uri(r.text)->is_sip()) continue;
    EXPECT_EQ(params_of_checked(r.text).text(), r.params) << r.text;
  }
}

/// Blocks of 16 and what is left over must say the same as one octet after the other.
TEST(OctetRuns, EndWhereOneByOneEnds) {
  seeded_random random(1);
  const std::string_view mixed = "abcXYZ0189-._~:;=/@<>\" \\%\x80\xe1\xff\x10\x19@[`{";
  for (const unsigned classes : {chars::token, chars::user, chars::uri_param, chars::host, chars::param_value, chars::digit,
                                 chars::hex, chars::display, chars::opaque}) {
    for (int round = 0; round < 400; ++round) {
      std::string text(random.below(70), 'a');
      for (char& c : text) {
        if (random.below(12) == 0) c = mixed[random.below(mixed.size())];
      }
      const char* const begin = text.data();
      const char* const end = begin + text.size();
      const char* one_by_one = begin;
      while (one_by_one != end && chars::is(*one_by_one, classes)) ++one_by_one;
      EXPECT_EQ(chars::skip(begin, end, classes) - begin, one_by_one - begin) << text;
    }
  }
}

TEST(QuotedStrings, EndBehindTheFirstQuoteThatNoBackslashHides) {
  const std::pair<std::string_view, int> rows[] = {{"abc\"d", 4}, {"\"", 1}, {"a\\\"b\"c", 5}, {"a\\\\\"b\"", 4},
                                                   {"abc", -1},  {"", -1},   {"a\\\"", -1},     {"a\\", -1}};
  for (const auto& [text, behind] : rows) {
    const char* const found = chars::skip_quoted(text.data(), text.data() + text.size());
    EXPECT_EQ(found == nullptr ? -1 : found - text.data(), behind) << text;
  }
}

TEST(AddressOfRecord, IsCanonical) {
  const std::pair<const char*, const char*> rows[] = {
      {"sip:Alice@EXAMPLE.com", "Alice@example.com"},
      {"sips:%61lice:pw@example.com:5061;transport=tls", "alice@example.com"},
      {"sip:%7euser%2f%3a@example.com", "~user%2F%3A@example.com"},
      {"sip:null-%00-null@example.com", "null-%00-null@example.com"},
      {"sip:*21#@example.com", "*21%23@example.com"},
      {"sip:*21%23@example.com", "*21%23@example.com"},
      {"sip:sips%3Auser%40example.com@example.net", "sips%3Auser%40example.com@example.net"},
      {"sip:103@[2001:DB8::1]", "103@[2001:db8::1]"},
  };
  std::string buffer;
  for (const auto& [text, expected] : rows) {
    EXPECT_EQ(aor_of(*parse_uri(text))->str(), expected);
    EXPECT_TRUE(write_aor(*parse_uri(text), buffer));
    EXPECT_EQ(buffer, expected);
  }
  EXPECT_EQ(aor_of(*parse_uri("tel:+1(201)555-01.23;ext=1"), "Example.com")->str(), "+12015550123@example.com");
  EXPECT_FALSE(aor_of(*parse_uri("tel:+12015550123")));
  EXPECT_FALSE(aor_of(*parse_uri("sip:example.com")));
  EXPECT_FALSE(aor_of(*parse_uri("isbn:2983792873"), "example.com"));
  EXPECT_FALSE(write_aor(*parse_uri("sip:example.com"), buffer));
}

TEST(Unescape, LeavesMalformedEscapesAlone) {
  EXPECT_EQ(unescape("a%20b%2Bc"), "a b+c");
  EXPECT_EQ(unescape("%"), "%");
  EXPECT_EQ(unescape("%4"), "%4");
  EXPECT_EQ(unescape("%zz%41"), "%zzA");
  EXPECT_EQ(unescape("%00"), std::string(1, '\0'));
}

}  // namespace
}  // namespace reveille::sip
