#include "mock_providers/requests/json_check.hpp"

#include <bit>
#include <bitset>
#include <cstdint>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace reveille::mock_providers {
namespace {

/// Walks over one text; every method returns false where the text breaks the grammar.
class walker {
 public:
  explicit walker(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  bool object() {
    blanks();
    if (at_ == end_ || *at_ != '{' || !values()) return false;
    blanks();
    return at_ == end_;
  }

 private:
  /// One value and all in it: a loop with a bit per open bracket, so that depth costs no stack.
  bool values() {
    for (;;) {
      blanks();
      if (at_ == end_) return false;
      bool opened = false;
      if (*at_ == '{' || *at_ == '[') {
        if (depth_ == max_json_depth) return false;
        in_object_[depth_++] = *at_++ == '{';
        blanks();
        opened = at_ == end_ || *at_ != closing();
      } else if (!scalar()) {
        return false;
      }
      if (!opened && !close_all()) return false;
      if (depth_ == 0) return true;
      if (in_object_[depth_ - 1] && !name()) return false;
    }
  }

  /// Behind a value: closes what ends here. True at a comma, which is taken, or when nothing is open any more.
  bool close_all() {
    while (depth_ > 0) {
      blanks();
      if (at_ == end_) return false;
      const char c = *at_++;
      if (c == ',') return true;
      if (c != closing()) return false;
      --depth_;
    }
    return true;
  }
  char closing() const { return in_object_[depth_ - 1] ? '}' : ']'; }

  bool name() {
    blanks();
    if (at_ == end_ || *at_ != '"' || !string()) return false;
    blanks();
    return at_ != end_ && *at_++ == ':';
  }

  void blanks() {
    if (at_ != end_ && *at_ > ' ') return;   // as a rule: nobody sends blanks
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  }

  bool scalar() {
    switch (*at_) {
      case '"': return string();
      case 't': return word("true");
      case 'f': return word("false");
      case 'n': return word("null");
      default: return number();
    }
  }
  bool word(std::string_view w) {
    if (static_cast<std::size_t>(end_ - at_) < w.size() || std::memcmp(at_, w.data(), w.size()) != 0) return false;
    at_ += w.size();
    return true;
  }

  bool digits() {
    const char* at = at_;
    while (at != end_ && *at >= '0' && *at <= '9') ++at;
    const bool any = at != at_;
    at_ = at;
    return any;
  }
  bool number() {
    if (*at_ == '-') ++at_;
    if (at_ != end_ && *at_ == '0') {
      ++at_;
    } else if (!digits()) {
      return false;
    }
    if (at_ != end_ && *at_ == '.') {
      ++at_;
      if (!digits()) return false;
    }
    if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
      ++at_;
      if (at_ != end_ && (*at_ == '+' || *at_ == '-')) ++at_;
      if (!digits()) return false;
    }
    return true;
  }

  /// Passes over what needs no look: on to a quote, a backslash, a control, or beyond ASCII.
  static const char* plain_text(const char* at, const char* end) {
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), blank = _mm_set1_epi8(' ');
    for (; end - at >= 16; at += 16) {
      const __m128i w = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
      // Octets beyond ASCII are negative, so less than a blank as the controls are.
      const __m128i marks = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(w, quote), _mm_cmpeq_epi8(w, backslash)), _mm_cmplt_epi8(w, blank));
      if (const int mask = _mm_movemask_epi8(marks)) return at + std::countr_zero(static_cast<unsigned>(mask));
    }
#endif
    while (at != end && *at != '"' && *at != '\\' && *at >= ' ' && *at <= '~') ++at;
    return at;
  }

  bool string() {
    const char* at = at_ + 1;
    for (;;) {
      at = plain_text(at, end_);
      if (at == end_) return false;
      const auto c = static_cast<unsigned char>(*at);
      if (c == '"') {
        at_ = at + 1;
        return true;
      }
      if (c < 0x20) return false;
      if (c == 0x7f) {
        ++at;
        continue;
      }
      at_ = at;
      if (!(c == '\\' ? escape() : utf8())) return false;
      at = at_;
    }
  }

  static int hex(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  }
  /// \uXXXX at at_; -1 = it is none.
  int unit() {
    if (end_ - at_ < 6 || at_[0] != '\\' || at_[1] != 'u') return -1;
    int out = 0;
    for (int i = 2; i < 6; ++i) {
      const int h = hex(at_[i]);
      if (h < 0) return -1;
      out = out * 16 + h;
    }
    at_ += 6;
    return out;
  }
  bool escape() {
    if (end_ - at_ < 2) return false;
    if (at_[1] != 'u') {
      const bool known = std::strchr("\"\\/bfnrt", at_[1]) != nullptr && at_[1] != '\0';
      at_ += 2;
      return known;
    }
    const int first = unit();
    if (first < 0 || (first >= 0xdc00 && first <= 0xdfff)) return false;   // a low surrogate alone
    if (first < 0xd800 || first > 0xdbff) return true;
    const int second = unit();
    return second >= 0xdc00 && second <= 0xdfff;
  }

  bool tail(unsigned char low, unsigned char high) {
    if (at_ == end_) return false;
    const auto c = static_cast<unsigned char>(*at_);
    ++at_;
    return c >= low && c <= high;
  }
  /// RFC 3629 4.
  bool utf8() {
    const auto c = static_cast<unsigned char>(*at_++);
    if (c >= 0xc2 && c <= 0xdf) return tail(0x80, 0xbf);
    if (c == 0xe0) return tail(0xa0, 0xbf) && tail(0x80, 0xbf);
    if (c == 0xed) return tail(0x80, 0x9f) && tail(0x80, 0xbf);
    if (c >= 0xe1 && c <= 0xef) return tail(0x80, 0xbf) && tail(0x80, 0xbf);
    if (c == 0xf0) return tail(0x90, 0xbf) && tail(0x80, 0xbf) && tail(0x80, 0xbf);
    if (c >= 0xf1 && c <= 0xf3) return tail(0x80, 0xbf) && tail(0x80, 0xbf) && tail(0x80, 0xbf);
    if (c == 0xf4) return tail(0x80, 0x8f) && tail(0x80, 0xbf) && tail(0x80, 0xbf);
    return false;
  }

  const char* at_;
  const char* const end_;
  std::size_t depth_ = 0;
  std::bitset<max_json_depth> in_object_;
};

}  // namespace

bool is_json_object(std::string_view text) { return walker(text).object(); }

}  // namespace reveille::mock_providers
