#include <gtest/gtest.h>

#include "sip/list.hpp"
#include "sip/uri.hpp"
#include "sip/via.hpp"

namespace reveille::sip {
namespace {

struct row {
  std::string_view text, display_name, uri, params;
};
constexpr row sound[] = {
    {"sip:a@b", "", "sip:a@b", ""},
    {"<sip:a@b>", "", "sip:a@b", ""},
    {"sip:a@b;tag=1", "", "sip:a@b", ";tag=1"},
    {"<sip:a@b;lr>;tag=1", "", "sip:a@b;lr", ";tag=1"},
    {"sip:a@b ;   tag    = 1918181833n", "", "sip:a@b", " ;   tag    = 1918181833n"},
    {"caller<sip:a@b>", "caller", "sip:a@b", ""},
    {"A. Bell  <sip:a@b>", "A. Bell", "sip:a@b", ""},
    {"\"J \\\\\\\"\"  <sip:a@b>\t ; tag = 9", "\"J \\\\\\\"\"", "sip:a@b", "\t ; tag = 9"},
    {"\"<sip:x@y>, \" <sip:a@b>", "\"<sip:x@y>, \"", "sip:a@b", ""},
    {"\"\"<sip:a@b>", "\"\"", "sip:a@b", ""},
    {"\xd0\x98\xd0\xb2\xd0\xb0\xd0\xbd <sip:a@b>", "\xd0\x98\xd0\xb2\xd0\xb0\xd0\xbd", "sip:a@b", ""},
    {"<sip:a@b?Route=%3Csip:x%3E>", "", "sip:a@b?Route=%3Csip:x%3E", ""},
    {"<sip:a@b>;+sip.instance=\"<urn:uuid:1>\";q=0.33;ob", "", "sip:a@b", ";+sip.instance=\"<urn:uuid:1>\";q=0.33;ob"},
    {"<sip:a@b>;pn-prid=c29:tZQ==", "", "sip:a@b", ";pn-prid=c29:tZQ=="},
    {"isbn:2983792873", "", "isbn:2983792873", ""},
};

TEST(NameAddr, IsSplit) {
  for (const row& r : sound) {
    const auto parsed = parse_name_addr(r.text);
    ASSERT_TRUE(parsed) << r.text;
    EXPECT_EQ(parsed->display_name, r.display_name) << r.text;
    EXPECT_EQ(parsed->uri.text, r.uri) << r.text;
    EXPECT_EQ(parsed->params.text(), r.params) << r.text;
  }
}

TEST(NameAddr, RefusesWhatIsAmbiguousOrMalformed) {
  for (const std::string_view text : {
           "", " ", "*", "<>", "<sip:a@b", "sip:a@b>", "\"open <sip:a@b>", "\"x\" sip:a@b", "\"x\"", "< sip:a@b >", "<sip:a@b >",
           "Bell, A <sip:a@b>", "a@b <sip:a@b>", "sip:a@b?Route=x", "sip:a@b,", "<sip:a@b>,", "<sip:a@b>,<sip:c@d>",
           "<sip:a@b>;", "<sip:a@b>;;", "<sip:a@b>;=1", "<sip:a@b>;a=\"x", "<sip:a@b> x", "<sip:a@b>x", "<sip:a@b>;a=b c",
           "<sip:a@b>;a=<x>", "\"a\" \"b\" <sip:a@b>", "<<sip:a@b>>", "\"a\\", "sip:a@b;a=b?c"}) {
    EXPECT_FALSE(parse_name_addr(text)) << text;
  }
}

TEST(NameAddr, UnquotesDisplayNames) {
  EXPECT_EQ(unquote("\"J \\\\\\\"\""), "J \\\"");
  EXPECT_EQ(unquote("Alice"), "Alice");
  EXPECT_EQ(unquote("\""), "\"");
  EXPECT_EQ(unquote("\"\""), "");
  EXPECT_EQ(unquote(""), "");
  EXPECT_EQ(unquote("\"a\\\""), "a\\");
}

TEST(Params, AreFoundByNameWithoutRegardToCase) {
  const params_view params(";Tag=a;ob; q = 0.5 ;x=\"a;b=c\";e=;tag=b");
  EXPECT_EQ(params.find("tag"), "a");
  EXPECT_EQ(params.find("OB"), "");
  EXPECT_EQ(params.find("q"), "0.5");
  EXPECT_EQ(params.find("x"), "\"a;b=c\"");
  EXPECT_EQ(params.find("e"), "");
  EXPECT_EQ(params.find("b"), std::nullopt);
  EXPECT_EQ(params.find(""), std::nullopt);
  std::string seen;
  params.for_each([&](std::string_view name, const std::optional<std::string_view>& value) {
    seen += std::string(name) + (value ? "=" : "") + std::string(value.value_or("")) + "|";
    return name != "x";
  });
  EXPECT_EQ(seen, "Tag=a|ob|q=0.5|x=\"a;b=c\"|");
}

TEST(Params, SurviveGarbage) {
  for (const std::string_view text : {"", ";", ";;;", "=", ";=", ";a=\"", ";a=\"\\", " ; ", "a", ";a==b", ";a=\"x\"y;b"}) {
    int n = 0;
    params_view(text).for_each([&](std::string_view, const std::optional<std::string_view>&) { return ++n < 100; });
    EXPECT_LT(n, 10) << text;
  }
  EXPECT_EQ(params_view("a=1;b=2").find("a"), "1");
}

TEST(CommaList, SplitsOutsideQuotesAndBrackets) {
  const std::pair<std::string_view, std::vector<std::string_view>> rows[] = {
      {"", {""}},
      {"a", {"a"}},
      {" a ,\tb ", {"a", "b"}},
      {"<sip:a,b@c>, d", {"<sip:a,b@c>", "d"}},
      {"\"x, \\\"y\" <sip:a@b>;p=\"1,2\", <sip:c@d>", {"\"x, \\\"y\" <sip:a@b>;p=\"1,2\"", "<sip:c@d>"}},
      {"a,,b,", {"a", "", "b", ""}},
      {"\"open, a", {"\"open, a"}},
      {"<open, a", {"<open, a"}},
      {"a>b,c", {"a>b", "c"}},
      {"<\">,b\"", {"<\">", "b\""}},
  };
  for (const auto& [text, expected] : rows) {
    std::vector<std::string_view> seen;
    std::string_view rest = text;
    std::string_view element;
    while (next_element(rest, element)) seen.push_back(element);
    EXPECT_EQ(seen, expected) << text;
  }
  int n = 0;
  for_each_in_list(",a,, b,", [&](std::string_view) { ++n; });
  EXPECT_EQ(n, 2);
}

TEST(Via, IsSplit) {
  const auto via = parse_via("SIP  /   2.0 /UDP    [2001:db8::9] : 5070 ; received=192.0.2.1;rport=;Branch=z9hG4bKx ; ttl=1");
  ASSERT_TRUE(via);
  EXPECT_EQ(via->protocol, "SIP  /   2.0");
  EXPECT_EQ(via->transport, "UDP");
  EXPECT_EQ(via->host, "[2001:db8::9]");
  EXPECT_EQ(via->port, 5070);
  EXPECT_EQ(via->branch, "z9hG4bKx");
  EXPECT_EQ(via->received, "192.0.2.1");
  EXPECT_EQ(via->rport, "");
  EXPECT_EQ(via->params.find("ttl"), "1");
}

TEST(Via, OfRfc2543HasNoBranch) {
  const auto via = parse_via("SIP/2.0/UNKNOWN iftgw.example.com");
  ASSERT_TRUE(via);
  EXPECT_EQ(via->branch, "");
  EXPECT_EQ(via->port, 0);
  EXPECT_EQ(via->rport, std::nullopt);
  EXPECT_EQ(via->text, "SIP/2.0/UNKNOWN iftgw.example.com");
}

TEST(Via, ToleratesThreeColonsAndBracketsInReceived) {
  EXPECT_TRUE(parse_via("SIP/2.0/UDP [2001:db8:::192.0.2.1];branch=z9hG4bK1"));
  EXPECT_EQ(parse_via("SIP/2.0/UDP h;received=[2001:db8::9]")->received, "[2001:db8::9]");
  EXPECT_EQ(parse_via("SIP/2.0/UDP h;received=2001:db8::9")->received, "2001:db8::9");
}

TEST(Via, RefusesMalformedElements) {
  for (const std::string_view text : {
           "", "SIP/2.0", "SIP/2.0/UDP", "SIP/2.0/UDP ", "SIP/2.0/UDPhost", "SIP/2.0 UDP host", "/2.0/UDP host", "SIP//UDP host",
           "SIP/2.0/UDP host;", "SIP/2.0/UDP host;;", "SIP/2.0/UDP host;;,;,,", "SIP/2.0/UDP host:", "SIP/2.0/UDP host:0",
           "SIP/2.0/UDP host:70000", "SIP/2.0/UDP a b", "SIP/2.0/UDP h;rport=x", "SIP/2.0/UDP h;rport=65536", "SIP/2.0/UDP h;branch=\"q\"",
           "SIP/2.0/UDP h;branch=a/b", "SIP/2.0/UDP 2001:db8::9", "SIP/2.0/UDP [::1", "SIP/2.0/UDP h,SIP/2.0/UDP i"}) {
    EXPECT_FALSE(parse_via(text)) << text;
  }
}

}  // namespace
}  // namespace reveille::sip
