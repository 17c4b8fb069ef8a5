#include "sip/scanner.hpp"

#include <bit>

#include "sip/chars.hpp"
#include "sip/reject.hpp"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace reveille::sip {
namespace {

/// No line holds these but in a quoted-pair, except HTAB.
bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

/// Finds control characters, CR and LF among them, one after the other, octet by octet.
class scalar_breaks {
 public:
  scalar_breaks(const char* p, const char* end) : p_(p), end_(end) {}
  /// @return the next one, or the end.
  const char* next() {
    while (p_ != end_ && !is_control(*p_)) ++p_;
    return p_ == end_ ? end_ : p_++;
  }

 private:
  const char* p_;
  const char* end_;
};

#ifdef __SSE2__
/// The same, 16 octets at a time: SSE2 is every x86-64's. Reads up to 15 octets past the end.
class vector_breaks {
 public:
  vector_breaks(const char* p, const char* end) : base_(p), end_(end) {
    if (base_ < end_) mask_ = mask_at(base_);
  }
  const char* next() {
    while (mask_ == 0) {
      if (end_ - base_ <= width) return end_;
      base_ += width;
      mask_ = mask_at(base_);
    }
    const char* const found = base_ + std::countr_zero(mask_);
    mask_ &= mask_ - 1;
    return found < end_ ? found : end_;
  }

 private:
  static constexpr std::ptrdiff_t width = 16;

  static std::uint32_t mask_at(const char* p) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1f)), block);
    const __m128i del = _mm_cmpeq_epi8(block, _mm_set1_epi8(0x7f));
    return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_or_si128(low, del)));
  }

  const char* base_;
  const char* end_;
  std::uint32_t mask_ = 0;
};
#else
using vector_breaks = scalar_breaks;
#endif

/// RFC 3261 allows control characters in one place: behind a backslash in a quoted string (RFC 4475 3.1.1.2).
/// Goes on where it stopped, so that a line full of them is read once.
class quoted_pairs {
 public:
  void begin_line(const char* at) {
    next_ = at;
    quoted_ = false;
  }
  /// Whether the octet at `control`, behind those asked before, is the second of a quoted-pair.
  bool end_at(const char* control) {
    for (; next_ < control; ++next_) {
      if (*next_ == '\\' && quoted_) {
        if (++next_ != control) continue;
        ++next_;
        return true;
      }
      if (*next_ == '"') quoted_ = !quoted_;
    }
    return false;
  }

 private:
  const char* next_ = nullptr;
  bool quoted_ = false;
};

/// Field name, colon and value of the line [p, end). @return "" or a reason.
std::string_view read_line(const char* data, const char* p, const char* end, line& out) {
  const char* const name_end = chars::skip(p, end, chars::token);
  const char* const colon = chars::skip_blanks(name_end, end);
  if (name_end == p || colon == end || *colon != ':') return reasons::field_name;
  if (static_cast<std::size_t>(name_end - p) > limits::name) return reasons::name_too_long;
  const char* const value = chars::skip_blanks(colon + 1, end);
  while (end != value && chars::is(end[-1], chars::blank)) --end;
  out.begin = static_cast<std::uint16_t>(p - data);
  out.name_size = static_cast<std::uint8_t>(name_end - p);
  out.value_begin = static_cast<std::uint16_t>(value - data);
  out.value_size = static_cast<std::uint16_t>(end - value);
  out.id = header_of(chars::between(p, name_end));
  const std::size_t most = out.id == header::contact ? limits::contact_value : limits::value;
  if (out.value_size > most) return reasons::value_too_long;  // the header section's bound keeps it within 16 bits
  out.next = no_line;
  return {};
}

class indexer {
 public:
  indexer(head_index& index, line* lines) : index_(index), lines_(lines) {
    index_.first.fill(no_line);
    index_.count.fill(0);
    last_.fill(no_line);
    index_.lines = 0;
  }

  std::string_view add(const char* data, const char* p, const char* end) {
    if (index_.lines == limits::lines) return reasons::too_many_lines;
    line& entry = lines_[index_.lines];
    if (const auto why = read_line(data, p, end, entry); !why.empty()) return why;
    const auto id = static_cast<std::size_t>(entry.id);
    if (last_[id] == no_line) {
      index_.first[id] = index_.lines;
    } else {
      lines_[last_[id]].next = index_.lines;
    }
    last_[id] = index_.lines++;
    ++index_.count[id];
    return {};
  }

 private:
  head_index& index_;
  line* lines_;
  std::array<std::uint8_t, header_count> last_;
};

template <class Breaks>
std::string_view scan(char* const data, std::size_t size, head_index& index, line* lines) {
  const bool cut = size > limits::header_section;
  char* const end = data + (cut ? limits::header_section : size);
  const std::string_view unfinished = cut ? reasons::header_too_long : reasons::no_empty_line;
  Breaks breaks(data, end);
  indexer into(index, lines);
  const char* begin = data;
  quoted_pairs pairs;
  for (bool start = true;;) {
    const char* const at = breaks.next();
    if (at == end) return unfinished;
    if (*at != '\r') {
      if (*at == '\n') return reasons::bare_lf;
      if (*at == '\t' || (!start && pairs.end_at(at))) continue;
      return *at == '\0' ? reasons::nul : reasons::control_character;
    }
    if (at + 1 == end) return unfinished;
    if (at[1] != '\n') return reasons::bare_cr;
    breaks.next();  // the LF
    if (at == begin && !start) {
      lines[index.lines].begin = static_cast<std::uint16_t>(begin - data);
      index.body_begin = static_cast<std::uint32_t>(at + 2 - data);
      return {};
    }
    if (at + 2 == end) return unfinished;
    if (chars::is(at[2], chars::blank)) {
      if (start) return reasons::folded_start_line;
      char* const fold = data + (at - data);
      fold[0] = fold[1] = ' ';
      continue;
    }
    if (start) {
      index.start_line_size = static_cast<std::uint16_t>(at - data);
      start = false;
    } else if (const auto why = into.add(data, begin, at); !why.empty()) {
      return why;
    }
    begin = at + 2;
    pairs.begin_line(begin);
  }
}

}  // namespace

std::string_view scan_head(char* data, std::size_t size, head_index& index, line* lines) {
  return scan<vector_breaks>(data, size, index, lines);
}

std::string_view scan_head_scalar(char* data, std::size_t size, head_index& index, line* lines) {
  return scan<scalar_breaks>(data, size, index, lines);
}

}  // namespace reveille::sip
