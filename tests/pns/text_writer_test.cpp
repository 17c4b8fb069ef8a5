// Fast ways of writing say the same as the plain ones.
#include "pns/text_writer.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "core/random.hpp"

namespace reveille::pns {
namespace {

std::string number_text(const std::vector<std::int64_t>& numbers) {
  std::string out;
  text_writer w(out);
  for (const std::int64_t n : numbers) {
    w.append_number(n);
    w.append(',');
  }
  w.finish();
  return out;
}

TEST(TextWriter, WritesNumbersAsTheLibraryDoes) {
  std::vector<std::int64_t> numbers = {0, 1, 9, 10, 99, 100, 101, 9'999, 10'000, 999'999'999, 1'000'000'000, 1'000'009'999, 1'000'010'000,
                                       9'999'999'999, 10'000'000'000, 10'000'000'001, -1, -9, -99, -10'000, -9'999, -1'700'000'000,
                                       std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()};
  seeded_random random(11);
  for (int i = 0; i < 20'000; ++i) {
    numbers.push_back(static_cast<std::int64_t>(1'700'000'000 + random.below(50'000)));   // near each other, and not
    numbers.push_back(static_cast<std::int64_t>(random.next()) >> random.below(64));
  }
  std::string wanted;
  for (const std::int64_t n : numbers) wanted += std::to_string(n) + ',';
  EXPECT_EQ(number_text(numbers), wanted);
}

TEST(TextWriter, CopiesPlainTextUpToTheFirstOctetThatIsNot) {
  const auto plain = [](unsigned char c) { return c >= 0x20 && c < 0x80 && c != '"' && c != '\\'; };
  for (std::size_t size = 0; size <= 40; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (unsigned c = 0; c < 256; ++c) {
        std::string text(size, 'a');
        text[at] = static_cast<char>(c);
        if (size > 3) text[size / 2] = '~';
        std::size_t wanted = 0;
        while (wanted < size && plain(static_cast<unsigned char>(text[wanted]))) ++wanted;
        std::string to(size, '#');
        ASSERT_EQ(copy_plain_json(to.data(), text), wanted) << size << " " << at << " " << c;
        ASSERT_EQ(to.substr(0, wanted), text.substr(0, wanted));
      }
    }
  }
}

TEST(TextWriter, WritesOverWhateverItsMemoryHeld) {
  std::string literals = "0123456789abcdefghijklmnop";
  literals.append(literal_padding, '\0');
  std::string out(5000, 'x');
  for (const std::size_t repeats : {std::size_t{1}, std::size_t{300}, std::size_t{2}, std::size_t{4000}}) {
    std::string wanted;
    text_writer w(out);
    for (std::size_t i = 0; i < repeats; ++i) {
      w.append_literal(literals.data(), i % 27);
      wanted.append(literals, 0, i % 27);
      w.append_json_text("a\"\xC3\xA4\xFF\n", 1);
      wanted.append("a\\\"\xC3\xA4\xEF\xBF\xBD\\n");
    }
    w.finish();
    ASSERT_EQ(out, wanted) << repeats;
  }
}

}  // namespace
}  // namespace reveille::pns
