#include "pns/json_text.hpp"

#include <array>
#include <cassert>
#include <cstdint>
#include <cstring>

namespace reveille::pns {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";
constexpr unsigned most_times = 2;

/// What an ASCII octet becomes; at most `\\u001f`, seven octets.
struct escape {
  std::array<char, 7> text{};
  std::uint8_t length = 0;
  constexpr void add(char c) { text[length++] = c; }
};

constexpr escape escape_once(unsigned char c) {
  constexpr char digits[] = "0123456789abcdef";
  escape out;
  char letter = 0;
  switch (c) {
    case '"': letter = '"'; break;
    case '\\': letter = '\\'; break;
    case '\b': letter = 'b'; break;
    case '\f': letter = 'f'; break;
    case '\n': letter = 'n'; break;
    case '\r': letter = 'r'; break;
    case '\t': letter = 't'; break;
    default: break;
  }
  if (letter != 0) {
    out.add('\\');
    out.add(letter);
  } else if (c < 0x20) {
    for (char d : {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]}) out.add(d);
  } else {
    out.add(static_cast<char>(c));
  }
  return out;
}

constexpr escape escape_again(const escape& once) {
  escape out;
  for (std::size_t i = 0; i < once.length; ++i) {
    if (once.text[i] == '"' || once.text[i] == '\\') out.add('\\');
    out.add(once.text[i]);
  }
  return out;
}

using escapes = std::array<escape, 128>;
constexpr std::array<escapes, most_times + 1> make_escapes() {
  std::array<escapes, most_times + 1> all{};
  for (unsigned char c = 0; c < 128; ++c) {
    all[0][c].add(static_cast<char>(c));
    all[1][c] = escape_once(c);
    all[2][c] = escape_again(all[1][c]);
  }
  return all;
}
constexpr std::array<escapes, most_times + 1> table = make_escapes();

constexpr bool is_plain(unsigned char c) { return c >= 0x20 && c < 0x80 && c != '"' && c != '\\'; }

struct sequence {
  std::size_t length;  ///< octets to take
  bool good;
};

/// Unicode 3.9, table 3-7: the well-formed sequences, and no others.
sequence sequence_at(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = at(0);
  std::size_t length = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;  // surrogates
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return {1, false};
  }
  for (std::size_t i = 1; i < length; ++i) {
    if (i == text.size() || at(i) < low || at(i) > high) return {i, false};
    low = 0x80;
    high = 0xBF;
  }
  return {length, true};
}

template <class Sink>
void walk(std::string_view text, unsigned times, Sink&& sink) {
  assert(times <= most_times);
  const escapes& escaped = table[times];
  std::size_t begin = 0;  // of the run that needs no change
  std::size_t i = 0;
  while (i < text.size()) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (is_plain(c)) {
      ++i;
      continue;
    }
    if (c < 0x80) {
      sink(text.substr(begin, i - begin));
      sink(std::string_view(escaped[c].text.data(), escaped[c].length));
      begin = ++i;
      continue;
    }
    const sequence s = sequence_at(text.substr(i));
    if (!s.good) {
      sink(text.substr(begin, i - begin));
      sink(replacement);
      begin = i + s.length;
    }
    i += s.length;
  }
  sink(text.substr(begin));
}

}  // namespace

void append_json_text(std::string& out, std::string_view text, unsigned times) {
  walk(text, times, [&](std::string_view part) { out.append(part); });
}

namespace {

/// A bit for each of eight octets, or more, one of which is not is_plain(); 0 when all are.
constexpr std::uint64_t not_plain(std::uint64_t eight) {
  constexpr std::uint64_t ones = 0x0101010101010101;
  const auto zero_in = [](std::uint64_t x) { return (x - ones) & ~x; };
  const std::uint64_t found =
      eight | ((eight - 0x20 * ones) & ~eight) | zero_in(eight ^ ('"' * ones)) | zero_in(eight ^ ('\\' * ones));
  return found & (0x80 * ones);
}

template <class Word>
Word load(const char* from) {
  Word out;
  std::memcpy(&out, from, sizeof out);
  return out;
}

}  // namespace

std::size_t copy_plain_json(char* to, std::string_view text) {
  const char* const from = text.data();
  const std::size_t size = text.size();
  std::size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    const auto eight = load<std::uint64_t>(from + i);
    if (not_plain(eight) != 0) break;
    std::memcpy(to + i, &eight, 8);
  }
  if (i < size && size - i < 8 && size >= 4) {
    // The rest in one step, together with what comes before it, or with itself.
    if (size >= 8) {
      const auto last = load<std::uint64_t>(from + size - 8);
      if (not_plain(last) == 0) {
        std::memcpy(to + size - 8, &last, 8);
        return size;
      }
    } else {
      const auto first = load<std::uint32_t>(from), last = load<std::uint32_t>(from + size - 4);
      if (not_plain((std::uint64_t{last} << 32) | first) == 0) {
        std::memcpy(to, &first, 4);
        std::memcpy(to + size - 4, &last, 4);
        return size;
      }
    }
  }
  for (; i < size && is_plain(static_cast<unsigned char>(from[i])); ++i) to[i] = from[i];
  return i;
}

std::size_t json_text_length(std::string_view text, unsigned times) {
  std::size_t length = 0;
  walk(text, times, [&](std::string_view part) { length += part.size(); });
  return length;
}

std::string_view shortened_utf8(std::string_view text, std::size_t limit) {
  // Only a well-formed sequence is kept whole; anything else is repaired octet by octet anyway.
  for (std::size_t back = 1; back <= 3 && back <= limit; ++back) {
    const sequence s = sequence_at(text.substr(limit - back));
    if (s.good && s.length > back) return text.substr(0, limit - back);
  }
  return text.substr(0, limit);
}

}  // namespace reveille::pns
