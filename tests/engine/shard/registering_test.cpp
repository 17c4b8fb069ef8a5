#include <gtest/gtest.h>

#include "tests/engine/shard/shard_bench.hpp"

namespace reveille {
namespace {

using lines = std::vector<std::string>;

TEST(Registering, ReachesTheHomeOfTheAorFromWhicheverShard) {
  shard_bench bench(2);
  for (const std::string_view user : {"101", "102", "103", "104", "105"}) {
    for (const std::uint16_t arrival : {std::uint16_t{0}, std::uint16_t{1}}) {
      bench.arrive(register_text(user, 5070), 5070, arrival);
      EXPECT_EQ(bench.only().line(), "SIP/2.0 200 OK") << user;
      EXPECT_EQ(bench.home_of_user(user).log.back(), "register " + std::string(user) + "@example.com");
      EXPECT_EQ(bench.home_of_user(user).last_request->to().uri.user, user);
    }
  }
  EXPECT_EQ(bench.handed, 5u);  // one of the two arrivals of each is at home
  EXPECT_EQ(bench.sum(&shard_counters::server_transactions), 0u);
}

TEST(Registering, OfABatchGoesAsOneByOneWhateverComesBetween) {
  // More than the shard looks ahead, every REGISTER next to what must not be taken for it.
  std::vector<std::string> texts;
  for (int i = 0; i < 20; ++i) {
    texts.push_back(sip::with_crlf(register_text(std::to_string(100 + i), 5070)));
    std::string foreign = texts.back();
    foreign.replace(foreign.find("@example.com>", foreign.find("To: <sip:")), 13, "@else.test>");
    texts.push_back(i % 2 == 0 ? "rubbish\r\n\r\n" : foreign);
    texts.push_back("\r\n\r\n");
    std::string not_sip = texts[texts.size() - 3];
    const auto to = not_sip.find("To: <sip:");
    not_sip.replace(to, not_sip.find('>', to) - to, "To: <isbn:2983792873");
    texts.push_back(not_sip);
  }
  shard_bench together(2);
  together.arrive_together(texts, 5070);
  shard_bench singly(2);
  for (const std::string& text : texts) singly.arrive_octets(text, 5070);
  EXPECT_EQ(together.logs(), singly.logs());
  EXPECT_EQ(together.logs().size(), 20u);
  EXPECT_EQ(together.handed, singly.handed);
  EXPECT_EQ(together.take_lines().size(), singly.take_lines().size());
}

TEST(Registering, KeepsNoTransaction) {
  shard_bench bench(1);
  bench.arrive(register_text("103", 5070), 5070);
  bench.arrive(register_text("103", 5070), 5070);  // the subscriber tells a repetition, not the shard
  EXPECT_EQ(bench.logs().size(), 2u);
  EXPECT_TRUE(bench.shards[0]->idle());
  EXPECT_FALSE(bench.shards[0]->next_due().has_value());
}

struct faulty {
  const char* name;
  const char* from;
  const char* to;
  const char* answer;
};
const faulty table[] = {
    {"ForeignDomain", "REGISTER sip:example.com ", "REGISTER sip:elsewhere.test ", "SIP/2.0 403 Forbidden"},
    {"ForeignAor", "To: <sip:103@example.com>", "To: <sip:103@elsewhere.test>", "SIP/2.0 404 Not Found"},
    {"NoUser", "To: <sip:103@example.com>", "To: <sip:example.com>", "SIP/2.0 404 Not Found"},
    {"OtherScheme", "REGISTER sip:example.com ", "REGISTER nobodyKnowsThisScheme:example.com ",
     "SIP/2.0 416 Unsupported URI Scheme"},
    {"AorOfOtherScheme", "To: <sip:103@example.com>", "To: <isbn:2983792873>", "SIP/2.0 400 Bad Request"},
    {"UnknownExtension", "Max-Forwards: 70", "Require: gruu, path, frobnicate", "SIP/2.0 420 Bad Extension"},
    {"OtherVersion", "SIP/2.0\r\nVia", "SIP/7.0\r\nVia", "SIP/2.0 505 Version Not Supported"},
    {"OtherMethodInCseq", "CSeq: 1 REGISTER", "CSeq: 1 INVITE", "SIP/2.0 400 Bad Request"},
};

class RegisteringFaults : public ::testing::TestWithParam<faulty> {};

TEST_P(RegisteringFaults, AreAnsweredWithoutASubscriber) {
  shard_bench bench(2);
  std::string text = sip::with_crlf(register_text("103", 5070));
  const auto where = text.find(GetParam().from);
  ASSERT_NE(where, std::string::npos);
  text.replace(where, std::string_view(GetParam().from).size(), GetParam().to);
  bench.arrive_octets(text, 5070);
  const auto got = bench.only();
  EXPECT_EQ(got.line(), GetParam().answer);
  EXPECT_EQ(got.to.remote, shard_bench::phone(5070));
  EXPECT_EQ(bench.logs(), lines{});
}

INSTANTIATE_TEST_SUITE_P(Table, RegisteringFaults, ::testing::ValuesIn(table),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(Registering, NamesWhatItDoesNotSupport) {
  shard_bench bench(1);
  bench.arrive(register_text("103", 5070, "Require: gruu, Path, frobnicate\n"), 5070);
  EXPECT_EQ(bench.only().message()->first(sip::header::unsupported), "gruu, frobnicate");
  bench.arrive(register_text("103", 5070, "Require: path\n"), 5070);
  EXPECT_EQ(bench.only().line(), "SIP/2.0 200 OK");
  bench.arrive(register_text("103", 5070, "Require: path, outbound\n"), 5070);
  EXPECT_EQ(bench.only().line(), "SIP/2.0 200 OK");
}

TEST(Registering, AcceptsOurAddressAsRequestUriAndMaxForwardsZero) {
  shard_bench bench(1);
  std::string text = register_text("103", 5070);
  text.replace(text.find("sip:example.com"), 15, "sip:198.51.100.1");
  text.replace(text.find("Max-Forwards: 70"), 16, "Max-Forwards: 0");
  bench.arrive(text, 5070);
  EXPECT_EQ(bench.only().line(), "SIP/2.0 200 OK");
}

TEST(Registering, Gets503WithRetryAfterWhenTheHomeIsFull) {
  shard_bench bench(2);
  for (auto* home : bench.homes) home->full = true;
  std::map<std::string, int> waits;
  for (int i = 0; i < 50; ++i) {
    bench.arrive(register_text("103", 5070), 5070);
    const auto got = bench.only();
    EXPECT_EQ(got.line(), "SIP/2.0 503 Service Unavailable");
    ++waits[std::string(*got.message()->first(sip::header::retry_after))];
  }
  EXPECT_GT(waits.size(), 5u);  // jittered
  EXPECT_EQ(bench.refusals(refusal::home_full), 50u);
}

TEST(Options, ToUsIsAnsweredWithWhatWeCan) {
  shard_bench bench(1);
  for (const char* uri : {"sip:example.com", "sip:198.51.100.1", "sip:198.51.100.1:5060", "sip:EXAMPLE.NET:5060"}) {
    bench.arrive(request_text{.method = "OPTIONS", .uri = uri, .max_forwards = 0}.text(), 5080);
    const auto got = bench.only().message();
    EXPECT_EQ(got->status(), 200) << uri;
    EXPECT_TRUE(got->first(sip::header::allow) && got->first(sip::header::accept) &&
                got->first(sip::header::supported));
  }
  bench.arrive(request_text{.method = "OPTIONS", .uri = "sip:example.com", .extra = "Require: magic\n"}.text(), 5080);
  EXPECT_EQ(bench.only().line(), "SIP/2.0 420 Bad Extension");
  EXPECT_TRUE(bench.shards[0]->idle());
}

}  // namespace
}  // namespace reveille
