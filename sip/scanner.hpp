/// The head of a message cut into lines, in one pass: strict about line ends, folding blanked in place.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sip/limits.hpp"
#include "sip/types.hpp"

namespace reveille::sip {

/// One header line; offsets from the start of the message. It ends where the next line begins.
struct line {
  std::uint16_t begin = 0;
  std::uint16_t value_begin = 0;
  std::uint16_t value_size = 0;   ///< blanks trimmed
  std::uint8_t name_size = 0;
  header id = header::other;
  std::uint8_t next = 0xff;       ///< next line of the same id
};
inline constexpr std::uint8_t no_line = 0xff;
static_assert(limits::lines < no_line && limits::header_section <= 0xffff && limits::name <= 0xff);

struct head_index {
  std::array<std::uint8_t, header_count> first;   ///< first line of each id, or no_line
  std::array<std::uint8_t, header_count> count;
  std::uint8_t lines = 0;
  std::uint16_t start_line_size = 0;              ///< without CRLF
  std::uint32_t body_begin = 0;                   ///< behind the empty line
};

/// Scans [data, data + size), which starts at the start line.
/// @param data 64 octets behind `size` may be read (slab::tail_slack). CRLFs before blanks become blanks.
/// @param lines room for limits::lines + 1; one more than the count is written: its `begin` is the empty line.
/// @return "" or one of sip::reasons.
std::string_view scan_head(char* data, std::size_t size, head_index& index, line* lines);
/// The same, octet by octet: what the vectors are judged by, and what runs where there are none.
std::string_view scan_head_scalar(char* data, std::size_t size, head_index& index, line* lines);

}  // namespace reveille::sip
