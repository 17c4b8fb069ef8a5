// RFC 4475 at the level of proxy and registrar: messages of our own that cover its sections, and the RFC's where they
// lie beside the project (they are not ours to ship).
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/engine/shard/shard_bench.hpp"

namespace reveille {
namespace {

constexpr std::uint16_t sender = 5099;

/// Status of the last thing sent back to the sender; 0 = nothing. Requests that went elsewhere count in `forwarded`.
struct outcome {
  int status = 0;
  std::size_t events = 0;
};
outcome send(std::string_view octets) {
  shard_bench bench(1, [](shard_config& c) {
    c.domains = {"example.com", "example.net", "biloxi.example.com", "company.com"};
  });
  bench.arrive_octets(octets, sender);
  outcome out;
  for (const auto& s : bench.take()) {
    EXPECT_EQ(s.to.remote.address, shard_bench::phone(sender).address);  // the port is its Via's (SPEC 2.8)
    out.status = std::stoi(s.line().substr(8, 3));  // an answer to "insuf" has no From to parse
  }
  out.events = bench.logs().size();
  return out;
}

struct expectation {
  const char* file;
  std::vector<int> statuses;   ///< any of them; 0 = silence
};

const expectation table[] = {
    {"badvers", {505}},
    {"mismatch01", {400}},
    {"mismatch02", {501}},
    {"badbranch", {400, 404}},     // or matched as RFC 2543 would; then nobody is registered
    {"insuf", {400}},
    {"unkscm", {416}},
    {"novelsc", {416}},
    {"unksm2", {400}},
    {"bext01", {420}},
    {"invut", {404}},              // nobody is registered: it reached the subscriber
    {"regaut01", {200}},
    {"multi01", {400}},
    {"mcl01", {400}},
    {"bcast", {0}},
    {"zeromf", {483, 200}},
    {"cparam01", {200}},
    {"cparam02", {200}},
    {"regescrt", {200}},
    {"sdp01", {404}},
};

std::string name_of_row(const ::testing::TestParamInfo<expectation>& row) { return row.param.file; }

class Rfc4475 : public ::testing::TestWithParam<expectation> {};

TEST_P(Rfc4475, IsAnsweredAsItsIndexSays) {
  const std::filesystem::path file = std::filesystem::path("../shared/torture/rfc4475") /
                                     (std::string(GetParam().file) + ".dat");
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "the RFC's own messages are not here";
  std::ifstream in(file, std::ios::binary);
  const std::string octets{std::istreambuf_iterator<char>(in), {}};
  const outcome got = send(octets);
  const auto& wanted = GetParam().statuses;
  EXPECT_NE(std::find(wanted.begin(), wanted.end(), got.status), wanted.end()) << got.status;
}
INSTANTIATE_TEST_SUITE_P(Files, Rfc4475, ::testing::ValuesIn(table), name_of_row);

/// A request with one line changed or added.
std::string with(std::string_view method, std::string_view uri, std::string_view lines_after_via,
                 std::string_view cseq_method = {}) {
  const std::string m(method);
  return sip::with_crlf(m + " " + std::string(uri) +
                        " SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1:5099;branch=z9hG4bKq\n" + std::string(lines_after_via) +
                        "From: <sip:caller@example.org>;tag=1\nTo: <sip:user@example.com>\nCall-ID: q\nCSeq: 8 " +
                        std::string(cseq_method.empty() ? method : cseq_method) + "\nContent-Length: 0\n\n");
}

struct own_message {
  const char* name;
  std::string octets;
  int status;
};
const own_message own[] = {
    {"MismatchedMethod", with("OPTIONS", "sip:user@example.com", "", "INVITE"), 400},
    {"MismatchedUnknownMethod", with("NEWMETHOD", "sip:user@example.com", "", "INVITE"), 501},
    {"UnknownScheme", with("OPTIONS", "nobodyknows:this", ""), 416},
    {"AtypicalScheme", with("OPTIONS", "soap.beep://192.0.2.103:3002", ""), 416},
    {"ProxyRequire", with("OPTIONS", "sip:user@example.com", "Proxy-Require: nothingSupportsThis, norThis\n"), 420},
    {"RequireIsNotTheProxys", with("MESSAGE", "sip:user@example.com", "Require: nothingSupportsThis\n"), 404},
    {"UnknownContentType", with("INVITE", "sip:user@example.com", "Content-Type: application/unknownformat\n"), 404},
    {"UnknownAuthorization", with("REGISTER", "sip:example.com", "Authorization: NoOneKnowsThisScheme a=b\n"), 200},
    {"TwoCallIds", with("INVITE", "sip:user@example.com", "Call-ID: other\n"), 400},
    {"TwoContentLengths", with("OPTIONS", "sip:user@example.com", "Content-Length: 13\n"), 400},
    {"MaxForwardsZero", with("OPTIONS", "sip:user@example.com", "Max-Forwards: 0\n"), 483},
    {"ContactHeaderParameter", with("REGISTER", "sip:example.com", "Contact: sip:+19725552222@gw1.example.net;unknownparam\n"), 200},
    {"ContactUriParameter", with("REGISTER", "sip:example.com", "Contact: <sip:+19725552222@gw1.example.net;unknownparam>\n"), 200},
    {"EscapedHeaderInContact", with("REGISTER", "sip:example.com", "Contact: <sip:user@example.com?Route=%3Csip:sip.example.com%3E>\n"), 200},
    {"UnacceptableAccept", with("INVITE", "sip:user@example.com", "Accept: text/nobodyKnowsThis\n"), 404},
};

class OwnTortures : public ::testing::TestWithParam<own_message> {};
TEST_P(OwnTortures, AreAnsweredAsRfc4475Says) { EXPECT_EQ(send(GetParam().octets).status, GetParam().status); }
INSTANTIATE_TEST_SUITE_P(Table, OwnTortures, ::testing::ValuesIn(own),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(OwnTorture, AResponseWithABroadcastViaGoesNowhere) {
  EXPECT_EQ(send(sip::with_crlf("SIP/2.0 200 OK\nVia: SIP/2.0/UDP 198.51.100.1;branch=z9hG4bK1\n"
                                "Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK2\nFrom: <sip:a@b.test>;tag=1\n"
                                "To: <sip:c@d.test>;tag=2\nCall-ID: b\nCSeq: 8 INVITE\nContent-Length: 0\n\n"))
                .status,
            0);
}

TEST(OwnTorture, WithoutAUsableBranchTheTransactionIsStillOne) {
  shard_bench bench(2);
  bench.homes[0]->forwards = bench.homes[1]->forwards = false;
  for (const char* branch : {"z9hG4bK", "old-style"}) {
    const request_text invite{.branch = branch, .call_id = branch};
    bench.arrive(invite.text(), 5080, 0);
    bench.arrive(invite.text(), 5080, 1);
    request_text cancel = invite;
    cancel.method = "CANCEL";
    bench.arrive(cancel.text(), 5080, 1);
    EXPECT_EQ(bench.take_lines(),
              (std::vector<std::string>{"SIP/2.0 100 Trying", "SIP/2.0 100 Trying", "SIP/2.0 200 OK"}));
  }
  EXPECT_EQ(bench.logs().size(), 4u);
}

}  // namespace
}  // namespace reveille
