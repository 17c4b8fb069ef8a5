#include "sip/caller_identity.hpp"

#include <gtest/gtest.h>

#include "make_message.hpp"

namespace reveille::sip {
namespace {

struct row {
  const char* what;
  std::string from;
  std::string more;
  asserted_identity trust;
  const char* number;
  std::string display_name;
};
constexpr auto ignore = asserted_identity::ignore;
constexpr auto believe = asserted_identity::believe;

const row rows[] = {
    {"user alone in the callee's domain", "<sip:103@Example.com>;tag=1", "", ignore, "103", ""},
    {"user@host elsewhere", "\"Ann\" <sip:ann@example.net:5070>;tag=1", "", ignore, "ann@example.net", "Ann"},
    {"name of tokens", "Ann Example <sip:ann@example.net>", "", ignore, "ann@example.net", "Ann Example"},
    {"escaped name", "\"A \\\"B\\\" \\\\\" <sip:103@example.com>", "", ignore, "103", "A \"B\" \\"},
    {"asserted by a stranger", "<sip:103@example.com>", "P-Asserted-Identity: <sip:999@example.com>\n", ignore, "103", ""},
    {"asserted by a trusted peer", "<sip:103@example.com>", "P-Asserted-Identity: \"Eve\" <sip:999@example.com>\n", believe, "999", "Eve"},
    {"asserted without name", "\"Ann\" <sip:103@example.com>", "P-Asserted-Identity: <sip:999@example.com>\n", believe, "999", "Ann"},
    {"asserted tel", "<sip:103@example.com>", "P-Asserted-Identity: <tel:+1-201-555-0123>\n", believe, "+12015550123", ""},
    {"malformed assertion", "<sip:103@example.com>", "P-Asserted-Identity: <sip:\n", believe, "103", ""},
    {"two assertions", "<sip:103@example.com>", "P-Asserted-Identity: <sip:5@example.com>, <tel:+7>\n", believe, "5", ""},
    {"anonymous From", "\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=1", "", ignore, "anonymous", ""},
    {"anonymous user", "\"A\" <sip:Anonymous@example.com>", "", ignore, "anonymous", ""},
    {"anonymous domain", "<sip:x7@u.anonymous.invalid>", "", ignore, "anonymous", ""},
    {"anonymous From, asserted", "\"Anonymous\" <sip:anonymous@anonymous.invalid>", "P-Asserted-Identity: <sip:5@example.com>\n", believe, "5", ""},
    {"anonymous From, asserted, private", "\"Anonymous\" <sip:anonymous@anonymous.invalid>",
     "P-Asserted-Identity: \"Ann\" <sip:5@example.com>\nPrivacy: id\n", believe, "anonymous", ""},
    {"Privacy: user;critical", "\"Ann\" <sip:5@example.com>", "Privacy: user;critical\n", ignore, "anonymous", ""},
    {"Privacy: header", "\"Ann\" <sip:5@example.com>", "Privacy: header\n", ignore, "anonymous", ""},
    {"Privacy: none", "\"Ann\" <sip:5@example.com>", "Privacy: none\n", ignore, "5", "Ann"},
    {"Privacy: session", "\"Ann\" <sip:5@example.com>", "Privacy: session\n", ignore, "5", "Ann"},
    {"From of another scheme", "<isbn:2983792873>", "", ignore, "isbn:2983792873", ""},
    {"From without user", "<sip:gw.example.net>", "", ignore, "gw.example.net", ""},
    {"escaped user", "<sip:%61nn%2f@example.com>", "", ignore, "ann%2F", ""},
    {"name in broken UTF-8", "\"A\xff\xc3\" <sip:5@example.com>", "", ignore, "5", "A\xef\xbf\xbd\xef\xbf\xbd"},
    {"name with escaped controls", "\"A\\\x07" "B\\\x7f\" <sip:5@example.com>", "", ignore, "5", "A B"},
    {"surrogates are no UTF-8", "\"\xed\xa0\x80\" <sip:5@example.com>", "", ignore, "5", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
};

TEST(CallerIdentity, FollowsSpec37) {
  for (const row& r : rows) {
    const message_ptr m = make_message("INVITE sip:104@example.com SIP/2.0\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\nFrom: " + r.from +
                                       "\nTo: <sip:104@example.com>\nCall-ID: 1\nCSeq: 1 INVITE\n" + r.more + "\n");
    const caller_identity who = caller_identity_of(*m, r.trust, "example.COM");
    EXPECT_EQ(who.number, r.number) << r.what;
    EXPECT_EQ(who.display_name, r.display_name) << r.what;
  }
}

TEST(CallerIdentity, CutsLongNamesBetweenCharacters) {
  std::string name;
  for (int i = 0; i < 100; ++i) name += "\xd1\x8f";
  const message_ptr m = make_message("INVITE sip:104@example.com SIP/2.0\nVia: SIP/2.0/UDP h\nFrom: \"x" + name +
                                     "\" <sip:5@example.com>\nTo: <sip:104@example.com>\nCall-ID: 1\nCSeq: 1 INVITE\n\n");
  const std::string shown = caller_identity_of(*m, ignore, "example.com").display_name;
  EXPECT_EQ(shown.size(), 127U);
  EXPECT_EQ(shown, ("x" + name).substr(0, 127));
}

}  // namespace
}  // namespace reveille::sip
