// Bounds by octets, and a Path that several contacts share (SPEC 2.4a).
#include "actors/binding.hpp"
#include "tests/actors/subscriber_fixture.hpp"

namespace reveille {
namespace {

class ContactOctets : public SubscriberTest {
 protected:
  std::string path_of(std::size_t octets) {
    const std::string text = "<sip:edge.example.com;lr;x=>";
    return "Path: <sip:edge.example.com;lr;x=" + std::string(octets - text.size(), 'p') + ">\n";
  }
  std::string contacts(std::size_t count) {
    std::string out;
    for (std::size_t n = 0; n < count; ++n) out += (n > 0 ? ", " : "") + desk("10.0.0.9:" + std::to_string(5000 + n));
    return out;
  }
};

TEST_F(ContactOctets, AContactThatIsTooLongGets513) {
  EXPECT_EQ(register_(desk("10.0.0.9:5060", ";x=" + std::string(contact_octets_limit, 'x'))), "send 513");
  EXPECT_TRUE(has(last_packet(), "Warning: 399 reveille \"Contact and Call-ID, or Path, are too long to be kept\"\r\n"));
  EXPECT_TRUE(noted("contact_too_long"));
  EXPECT_TRUE(subscriber_->unknown());
}

TEST_F(ContactOctets, TheCallIdIsCountedWithIt) {
  EXPECT_EQ(register_(desk("10.0.0.9:5060", ";x=" + std::string(contact_octets_limit - 100, 'x')), {.call_id = std::string(100, 'c')}), "send 513");
}

TEST_F(ContactOctets, APathOfAKilobyteIsKeptAndALongerOneGets513) {
  EXPECT_TRUE(has(register_(desk(), {.lines = path_of(path_octets_limit)}), "send 200"));
  EXPECT_EQ(register_(desk("10.0.0.8:5060"), {.call_id = "b", .lines = path_of(path_octets_limit + 1)}), "send 513");
  EXPECT_EQ(register_(desk("10.0.0.8:5060"), {.call_id = "b", .lines = path_of(600) + path_of(600)}), "send 513");
  EXPECT_EQ(subscriber_->binding_count(), 1u);
}

TEST_F(ContactOctets, ARefreshBehindALongerPathIsRefusedToo) {
  register_(desk(), {.lines = path_of(100)});
  EXPECT_EQ(register_(desk(), {.cseq = 2, .lines = path_of(path_octets_limit + 1)}), "send 513");
  EXPECT_TRUE(has(invite(), "forward b1"));
}

TEST_F(ContactOctets, ARemovalMayBeAsLongAsItLikes) {
  register_(desk("10.0.0.9:5060", ";label=d"));
  register_(desk("10.0.0.9:5060", ";label=d;x=" + std::string(contact_octets_limit, 'x')), {.cseq = 2, .expires = "0"});
  EXPECT_EQ(subscriber_->binding_count(), 0u);
}

TEST_F(ContactOctets, OfAnAorAreBounded) {
  std::size_t taken = 0;
  for (std::size_t n = 0; n < 12; ++n) {
    const std::string text = register_(desk("10.0.0.9:" + std::to_string(5000 + n), ";x=" + std::string(2100, 'x')),
                                       {.call_id = "c" + std::to_string(n)});
    taken += has(text, "send 200") ? 1u : 0u;
  }
  EXPECT_EQ(taken, 3u) << "each of more than 2100 octets";
  EXPECT_TRUE(noted("contact_octets_full"));
  EXPECT_TRUE(has(last_packet(), "SIP/2.0 403 "));
  EXPECT_TRUE(has(last_packet(), "Warning: 399 reveille \"the contacts of this address-of-record are too long together\""));
}

TEST_F(ContactOctets, AContactWithinItsEvenShareFindsRoomWhateverOthersTake) {
  for (std::size_t n = 0; n < 4; ++n) {
    register_(desk("10.0.0.9:" + std::to_string(5000 + n), ";x=" + std::string(2000, 'x')), {.call_id = "c" + std::to_string(n)});
  }
  EXPECT_TRUE(has(register_(iphone(), {.call_id = "phone"}), "send 200"));
  EXPECT_TRUE(has(register_(iphone("10.0.0.1:5060", token_a, ";label=now-longer"), {.call_id = "another"}), "send 200"));
}

TEST_F(ContactOctets, TheWorstRefreshWritesLittle) {
  // What once made 376 KB of an AOR: a dozen contacts that share a long Path.
  EXPECT_EQ(register_(contacts(12), {.lines = path_of(3584) + path_of(3584) + path_of(3584) + path_of(3584)}), "send 513");
  EXPECT_TRUE(has(register_(contacts(12), {.lines = path_of(path_octets_limit)}), "send 200"));
  EXPECT_LT(subscriber_->resident_bytes(), 6000u);
  EXPECT_LT(stored().bindings.size(), 3000u);
  register_(desk("10.0.0.9:5003"), {.cseq = 2});
  EXPECT_LT(stored().bindings.size(), 4000u);
}

TEST_F(ContactOctets, ASharedPathOutlivesTheProcess) {
  register_(contacts(3), {.from = "10.0.0.2:5060", .lines = path_of(500)});
  const subscriber_record record = stored();
  EXPECT_LT(record.bindings.size(), 2 * 500u);
  start(&record);
  EXPECT_EQ(subscriber_->binding_count(), 3u);
  register_(desk("10.0.0.9:5002"), {.cseq = 2, .from = "10.0.0.7:5060"});  // leaves the edge
  const subscriber_record again = stored();
  start(&again);
  const std::string text = invite();
  EXPECT_EQ(count(text, " via <sip:edge.example.com;lr;x=pp"), 1u) << text;
}

TEST_F(ContactOctets, ARecordWithoutASharedPathIsWrittenAsBefore) {
  register_(desk(), {.lines = path_of(100)});
  EXPECT_EQ(stored().bindings.front(), 2);
}

TEST(SharedPath, ThatNobodyHadBeforeIsDamage) {
  std::string bytes;
  binding_facts facts;
  facts.source.remote = *parse_endpoint("10.0.0.1:5060");
  facts.source.local = *parse_endpoint("192.0.2.1:5060");
  const binding first({"sip:a@10.0.0.1", "", "c", "<sip:edge;lr>"}, facts);
  const binding second({"sip:b@10.0.0.1", "", "c", ""}, facts, first.path_text());
  second.encode(bytes, &first);
  std::string_view rest = bytes;
  EXPECT_FALSE(binding::decode(rest).has_value());
  rest = bytes;
  const auto back = binding::decode(rest, binding::written_by::this_process, &first);
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->path(), "<sip:edge;lr>");
  EXPECT_TRUE(back->shares_path(first));
  EXPECT_TRUE(rest.empty());
}

}  // namespace
}  // namespace reveille
