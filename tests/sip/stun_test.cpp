#include "sip/stun.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace reveille::sip {
namespace {

const std::string transaction = "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c";

std::string request(const std::string& attributes = {}, std::string cookie = "\x21\x12\xa4\x42") {
  std::string out("\x00\x01\x00", 3);
  out += static_cast<char>(attributes.size());
  return out + cookie + transaction + attributes;
}

std::string attribute(std::uint16_t type, const std::string& value) {
  std::string out{static_cast<char>(type >> 8), static_cast<char>(type & 0xff), 0, static_cast<char>(value.size())};
  out += value;
  while (out.size() % 4 != 0) out += '\0';
  return out;
}

std::string answer(const std::string& datagram, std::string_view from = "192.0.2.1:32853") {
  std::array<char, stun_answer_limit> out{};
  return {out.data(), answer_stun(datagram, *parse_endpoint(from), out)};
}

TEST(Stun, SaysWhereABindingRequestCameFrom) {
  // The address and port of RFC 5769 2.2, its cookie.
  EXPECT_EQ(answer(request()), std::string("\x01\x01\x00\x0c\x21\x12\xa4\x42", 8) + transaction +
                                   std::string("\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43", 12));
}

TEST(Stun, SaysAnIpv6AddressToo) {
  const std::string got = answer(request(), "[2001:db8::1]:5060");
  ASSERT_EQ(got.size(), 44u);
  EXPECT_EQ(got.substr(20, 8), std::string("\x00\x20\x00\x14\x00\x02\x32\xd6", 8));
  EXPECT_EQ(got.substr(28, 4), std::string("\x01\x13\xa9\xfa", 4)) << "2001:db8 xor the cookie";
  EXPECT_EQ(static_cast<unsigned char>(got.back()), 0x0c ^ 0x01) << "xor the transaction";
}

TEST(Stun, IgnoresAttributesThatItMay) {
  const std::string plain = answer(request());
  EXPECT_EQ(answer(request(attribute(0x8022, "test client") + attribute(0x0006, "user"))), plain);
}

TEST(Stun, RefusesAttributesThatItMustKnow) {
  const std::string got = answer(request(attribute(0x0003, std::string("\x00\x00\x00\x06", 4)) + attribute(0x0002, "abcd")));
  EXPECT_EQ(got.substr(0, 2), std::string("\x01\x11", 2));
  EXPECT_EQ(got.substr(20, 8), std::string("\x00\x09\x00\x15\x00\x00\x04\x14", 8)) << "420";
  EXPECT_EQ(got.substr(got.size() - 8), std::string("\x00\x0a\x00\x04\x00\x03\x00\x02", 8));
  EXPECT_EQ(got.size(), 20u + static_cast<unsigned char>(got[3]));
}

TEST(Stun, NamesNoMoreUnknownAttributesThanItHasRoomFor) {
  std::string many;
  for (std::uint16_t i = 0; i < 30; ++i) many += attribute(static_cast<std::uint16_t>(0x0100 + i), "");
  EXPECT_LE(answer(request(many)).size(), stun_answer_limit);
  EXPECT_EQ(answer(request(many)).size(), 60u);
}

TEST(Stun, IsSilentToAllElse) {
  EXPECT_EQ(answer(request({}, "\x21\x12\xa4\x43")), "") << "RFC 3489: no cookie";
  std::string indication = request();
  indication[1] = 0x11;
  EXPECT_EQ(answer(indication), "");
  EXPECT_EQ(answer(request() + "x"), "");
  std::string damaged = request(attribute(0x8022, "abcd"));
  damaged[23] = 0x40;  // longer than the datagram
  EXPECT_EQ(answer(damaged), "");
}

TEST(Stun, OfAnyLengthIsReadToItsEndAndNoFurther) {
  const std::string whole = request(attribute(0x8022, "abcdefg") + attribute(0x0003, "1234"));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(answer(std::string(whole.data(), size)), "") << size;
    std::string longer = whole;
    longer[3] = static_cast<char>(size);
    if (longer.size() == 20 + size) continue;
    EXPECT_EQ(answer(longer), "") << size;
  }
}

TEST(Stun, OfAnyOctetsIsAnsweredWithinTheLimit) {
  std::uint64_t lot = 88172645463325252ULL;
  const auto next = [&] { return lot ^= lot << 13, lot ^= lot >> 7, lot ^= lot << 17; };
  for (int i = 0; i < 20000; ++i) {
    std::string attributes(next() % 16 * 4, '\0');
    for (char& c : attributes) c = static_cast<char>(next() % 3 == 0 ? next() : next() % 5);
    const std::string got = answer(request(attributes));
    ASSERT_LE(got.size(), stun_answer_limit);
    ASSERT_TRUE(got.empty() || got.size() == 20u + static_cast<unsigned char>(got[3]));
  }
}

}  // namespace
}  // namespace reveille::sip
