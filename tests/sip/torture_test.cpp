// The messages of RFC 4475, where a copy of them lies outside the project: REVEILLE_TORTURE names the folder with INDEX.tsv.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <sstream>

#include "make_message.hpp"
#include "sip/edit.hpp"

namespace reveille::sip {
namespace {

namespace fs = std::filesystem;

fs::path folder() {
  const char* named = std::getenv("REVEILLE_TORTURE");
  return named != nullptr ? named : "../shared/torture/rfc4475";
}

std::string contents_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string contacts_of(const message& m) {
  std::string out;
  m.for_each_element(header::contact, [&](std::string_view e) { out += std::string(parse_name_addr(e)->uri.text) + "|"; });
  return out;
}

using check = std::function<void(const message&)>;
/// Key facts of the messages that must parse; one without an entry need only parse.
const std::map<std::string, check> facts = {
    {"wsinv", [](const message& m) {
       EXPECT_EQ(m.max_forwards(), 68U);
       EXPECT_EQ(m.cseq().number, 9U);
       EXPECT_EQ(m.via_count(), 3U);
       EXPECT_EQ(m.top_via().branch, "390skdjuw");
       EXPECT_EQ(m.to_tag(), "1918181833n");
       EXPECT_EQ(m.from_tag(), "98asjd8");
       EXPECT_EQ(unquote(m.from().display_name), "J Rosenberg \\\"");
       EXPECT_EQ(m.first("Subject"), "");
       EXPECT_EQ(m.first("UnknownHeaderWithUnusualValue"), ";;,,;;,;");
       EXPECT_EQ(m.body().size(), 150U);
     }},
    {"intmeth", [](const message& m) {
       EXPECT_EQ(m.method_text(), "!interesting-Method0123456789_*+`.%indeed'~");
       EXPECT_EQ(m.method(), method::other);
       EXPECT_EQ(parse_uri(m.request_uri())->user, "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
       EXPECT_EQ(m.to().uri.host, "example.com");
       EXPECT_EQ(m.max_forwards(), 255U);
     }},
    {"esc01", [](const message& m) {
       EXPECT_EQ(unescape(parse_uri(m.request_uri())->user), "sips:user@example.com");
       EXPECT_EQ(parse_uri(m.request_uri())->host, "example.net");
       EXPECT_EQ(aor_of(m.to().uri)->str(), "user@example.com");
     }},
    {"escnull", [](const message& m) { EXPECT_EQ(contacts_of(m), "sip:%00@host5.example.com|sip:%00%00@host5.example.com|"); }},
    {"esc02", [](const message& m) {
       EXPECT_EQ(m.method(), method::other);
       EXPECT_EQ(m.count(header::contact), 2U);
       EXPECT_EQ(m.to().display_name, "\"%Z%45\"");
     }},
    {"lwsdisp", [](const message& m) { EXPECT_EQ(m.from().display_name, "caller"); }},
    {"longreq", [](const message& m) { EXPECT_EQ(m.via_count(), 34U); }},
    {"dblreq", [](const message& m) {
       EXPECT_EQ(m.method(), method::register_);
       EXPECT_EQ(m.body(), "");
       EXPECT_EQ(m.text().find("INVITE"), std::string_view::npos);
     }},
    {"semiuri", [](const message& m) {
       EXPECT_EQ(unescape(parse_uri(m.request_uri())->user), "user;par=u@example.net");
       EXPECT_EQ(parse_uri(m.request_uri())->params.text(), "");
     }},
    {"transports", [](const message& m) {
       std::string seen;
       m.for_each_element(header::via, [&](std::string_view e) { seen += std::string(parse_via(e)->transport) + " "; });
       EXPECT_EQ(seen, "UDP SCTP TLS UNKNOWN TCP ");
     }},
    {"mpart01", [](const message& m) { EXPECT_NE(m.body().find('\0'), std::string_view::npos); }},
    {"unreason", [](const message& m) {
       EXPECT_EQ(m.status(), 200);
       EXPECT_EQ(m.reason().substr(0, 14), "= 2**3 * 5**2 ");
       EXPECT_GT(m.reason().size(), 40U);
     }},
    {"noreason", [](const message& m) {
       EXPECT_EQ(m.status(), 100);
       EXPECT_EQ(m.reason(), "");
     }},
    {"badvers", [](const message& m) { EXPECT_EQ(m.version(), "SIP/7.0"); }},
    {"mismatch01", [](const message& m) { EXPECT_NE(m.method(), m.cseq().method); }},
    {"mismatch02", [](const message& m) { EXPECT_NE(m.method_text(), m.cseq().method_text); }},
    {"badbranch", [](const message& m) { EXPECT_EQ(m.top_via().branch, "z9hG4bK"); }},
    {"bcast", [](const message& m) {
       std::string last;
       m.for_each_element(header::via, [&](std::string_view e) { last = parse_via(e)->host; });
       EXPECT_EQ(last, "255.255.255.255");
     }},
    {"unkscm", [](const message& m) { EXPECT_EQ(parse_uri(m.request_uri())->scheme, "nobodyKnowsThisScheme"); }},
    {"novelsc", [](const message& m) { EXPECT_EQ(parse_uri(m.request_uri())->scheme, "soap.beep"); }},
    {"unksm2", [](const message& m) {
       EXPECT_EQ(m.to().uri.scheme, "isbn");
       EXPECT_EQ(contacts_of(m), "name:John_Smith|");
     }},
    {"bext01", [](const message& m) {
       std::string seen;
       m.for_each_element(header::proxy_require, [&](std::string_view e) { seen += std::string(e) + " "; });
       EXPECT_EQ(seen, "noProxiesSupportThis norDoAnyProxiesSupportThis ");
     }},
    {"zeromf", [](const message& m) { EXPECT_EQ(m.max_forwards(), 0U); }},
    {"cparam01", [](const message& m) {
       EXPECT_EQ(contacts_of(m), "sip:+19725552222@gw1.example.net|");
       EXPECT_TRUE(parse_name_addr(*m.first(header::contact))->params.find("unknownparam"));
     }},
    {"cparam02", [](const message& m) { EXPECT_EQ(contacts_of(m), "sip:+19725552222@gw1.example.net;unknownparam|"); }},
    {"regescrt", [](const message& m) {
       EXPECT_EQ(parse_name_addr(*m.first(header::contact))->uri.headers, "Route=%3Csip:sip.example.com%3E");
     }},
    {"inv2543", [](const message& m) {
       EXPECT_EQ(m.top_via().branch, "");
       EXPECT_EQ(m.from_tag(), "");
       EXPECT_EQ(m.max_forwards(), std::nullopt);
       EXPECT_NE(m.body(), "");
     }},
};

/// Layer messages that the parser itself refuses, and why.
const std::map<std::string, std::string_view> caught_early = {
    {"insuf", reasons::missing_from}, {"multi01", reasons::duplicate_from}, {"mcl01", reasons::duplicate_content_length}};
/// Malformed messages that are accepted, since what is wrong with them is nothing a proxy reads.
const std::map<std::string, bool> tolerated = {{"baddate", true}};

TEST(Rfc4475, EveryMessageIsTreatedAsItsClassSays) {
  const fs::path index = folder() / "INDEX.tsv";
  if (!fs::exists(index)) {
    GTEST_SKIP() << "no RFC 4475 messages at " << folder() << " (set REVEILLE_TORTURE); our own samples cover the ground";
  }
  std::istringstream rows(contents_of(index));
  int seen = 0;
  for (std::string row; std::getline(rows, row);) {
    if (row.empty() || row[0] == '#') continue;
    std::vector<std::string> column;
    std::istringstream cells(row);
    for (std::string cell; std::getline(cells, cell, '\t');) column.push_back(cell);
    ASSERT_GE(column.size(), 7U) << row;
    const std::string name = column[0].substr(0, column[0].find('.'));
    const std::string& wanted = column[6];
    const std::string octets = contents_of(folder() / column[0]);
    ASSERT_EQ(octets.size(), std::stoul(column[1])) << name;
    const auto m = parse_octets(octets);
    SCOPED_TRACE(name);
    ++seen;
    if (wanted == "REJECT" || (wanted == "LIBERAL" && !tolerated.contains(name))) {
      EXPECT_FALSE(m);
    } else if (const auto early = caught_early.find(name); early != caught_early.end()) {
      ASSERT_FALSE(m);
      EXPECT_EQ(m.error().reason, early->second);
      EXPECT_EQ(m.error().status, 400);
    } else {
      ASSERT_TRUE(m) << m.error().reason;
      if (const auto known = facts.find(name); known != facts.end()) known->second(**m);
      EXPECT_EQ(edits(**m).serialise(test_pool()).view(), (*m)->text());
    }
    if (!m && octets.substr(0, 4) == "SIP/") {
      EXPECT_EQ(m.error().status, 0);
    }
  }
  EXPECT_EQ(seen, 50);
}

}  // namespace
}  // namespace reveille::sip
