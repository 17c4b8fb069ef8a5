#include "sip/types.hpp"

#include <gtest/gtest.h>

#include <cctype>
#include <string>

#include "sip/chars.hpp"

namespace reveille::sip {
namespace {

TEST(HeaderName, IsFoundWhateverItsCase) {
  for (std::size_t i = 0; i + 1 < header_count; ++i) {
    const auto h = static_cast<header>(i);
    std::string name(name_of(h));
    EXPECT_EQ(header_of(name), h) << name;
    for (char& c : name) c = static_cast<char>(std::toupper(c));
    EXPECT_EQ(header_of(name), h) << name;
    for (char& c : name) c = static_cast<char>(std::tolower(c));
    EXPECT_EQ(header_of(name), h) << name;
    // A near miss of the same length is somebody else's field.
    name.back() = name.back() == 'x' ? 'y' : 'x';
    EXPECT_EQ(header_of(name), header::other) << name;
  }
}

TEST(HeaderName, HasCompactForms) {
  const std::pair<const char*, header> rows[] = {
      {"v", header::via}, {"F", header::from}, {"t", header::to}, {"I", header::call_id}, {"m", header::contact},
      {"l", header::content_length}, {"C", header::content_type}, {"k", header::supported}, {"o", header::event},
      {"x", header::other}, {"", header::other}, {"q", header::other},
  };
  for (const auto& [name, expected] : rows) EXPECT_EQ(header_of(name), expected) << name;
}

TEST(HeaderName, IsNeverUnescaped) {
  EXPECT_EQ(header_of("C%6Fntact"), header::other);
  EXPECT_EQ(header_of("Con\x54" "act"), header::contact);
  EXPECT_EQ(header_of("Via "), header::other);
  EXPECT_EQ(header_of("\x56\x49\x01"), header::other);
}

TEST(Method, IsCaseSensitive) {
  for (int i = 0; i < static_cast<int>(method::other); ++i) {
    const auto m = static_cast<method>(i);
    EXPECT_EQ(method_of(name_of(m)), m);
  }
  EXPECT_EQ(method_of("invite"), method::other);
  EXPECT_EQ(method_of("other"), method::other);
  EXPECT_EQ(method_of("RE%47IST%45R"), method::other);
  EXPECT_EQ(method_of(""), method::other);
}

TEST(ReasonPhrase, IsKnownForWhatWeSend) {
  for (const int status : {100, 180, 182, 200, 400, 401, 403, 404, 405, 408, 416, 420, 423, 430, 480, 481, 482, 483, 486, 487,
                           500, 501, 503, 505, 513, 555, 600, 603}) {
    EXPECT_NE(reason_phrase(status), "Unknown") << status;
  }
  EXPECT_EQ(reason_phrase(480), "Temporarily Unavailable");
  EXPECT_EQ(reason_phrase(699), "Unknown");
}

// The table against the grammar, octet by octet.
TEST(CharClasses, AreThoseOfRfc3261) {
  for (int i = 0; i < 256; ++i) {
    const char c = static_cast<char>(i);
    const bool alphanumeric = i < 128 && std::isalnum(i) != 0;
    const auto in = [&](std::string_view set) { return set.find(c) != std::string_view::npos; };
    EXPECT_EQ(chars::is(c, chars::token), alphanumeric || in("-.!%*_+`'~")) << i;
    EXPECT_EQ(chars::is(c, chars::password), alphanumeric || in("-_.!~*'()&=+$,")) << i;
    EXPECT_EQ(chars::is(c, chars::hex), i < 128 && std::isxdigit(i) != 0) << i;
    EXPECT_EQ(chars::is(c, chars::blank), c == ' ' || c == '\t') << i;
    if (chars::is(c, chars::host | chars::user | chars::uri_param | chars::opaque | chars::call_id)) {
      EXPECT_TRUE(i > 0x20 && i < 0x7f) << i;  // nothing in these needs care in a log or a line
    }
  }
}

}  // namespace
}  // namespace reveille::sip
