/// Appends to a string in small pieces, a payload's worth of them: room is made in large steps and pieces are copied in
/// place, where std::string::append would look at size, capacity and terminator for each.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "pns/json_text.hpp"

namespace reveille::pns {

/// Literals of a compiled template are followed by so many octets that may be read, and copied, beyond their ends.
inline constexpr std::size_t literal_padding = 16;

class text_writer {
 public:
  /// @param out its text is lost, its memory is used again. Holds the new text after finish() only.
  explicit text_writer(std::string& out) : out_(out) {
    // What it held is written over, so it need not be cleared; the next of the same length shall fit without growing.
    out_.resize(std::max(first_room, out_.size() + 2 * literal_padding));
    at_ = out_.data();
    end_ = at_ + out_.size();
  }

  /// @param piece is followed by literal_padding octets.
  void append_literal(const char* piece, std::size_t size) {
    make_room(size + literal_padding);
    if (size <= literal_padding) {
      std::memcpy(at_, piece, literal_padding);  // of fixed size: no call, and no look at how many
    } else {
      std::memcpy(at_, piece, size);
    }
    at_ += size;
  }
  void append(char c) {
    make_room(1);
    *at_++ = c;
  }
  void append_number(std::int64_t value) {
    make_room(longest_number);
    if (const auto small = static_cast<std::uint64_t>(value); small < 100) {
      std::memcpy(at_, pairs.data() + 2 * small + (small < 10 ? 1 : 0), 2);
      at_ += small < 10 ? 1 : 2;
      return;
    }
    // Civil times of a list are mostly within hours of each other: all but their last four digits stand ready.
    auto low = static_cast<std::uint64_t>(value) - near_;
    if (low >= near_span || near_ == 0) {
      if (value < first_near || value >= last_near) {
        at_ = std::to_chars(at_, end_, value).ptr;
        return;
      }
      low = static_cast<std::uint64_t>(value) % near_span;
      near_ = static_cast<std::uint64_t>(value) - low;
      std::to_chars(near_text_.data(), near_text_.data() + near_text_.size(), near_);
    }
    std::memcpy(at_, near_text_.data(), 8);
    put_pair(6, static_cast<std::uint32_t>(low / 100));
    put_pair(8, static_cast<std::uint32_t>(low % 100));
    at_ += 10;
  }
  /// As pns::append_json_text.
  void append_json_text(std::string_view text, unsigned times) {
    make_room(text.size());
    const std::size_t plain = copy_plain_json(at_, text);
    at_ += plain;
    if (plain == text.size()) return;
    out_.resize(written());
    pns::append_json_text(out_, text.substr(plain), times);
    reopen();
  }
  /// Octets so far.
  std::size_t written() const { return static_cast<std::size_t>(at_ - out_.data()); }
  void finish() { out_.resize(written()); }

 private:
  static constexpr std::size_t first_room = 512;  ///< an invite fits
  static constexpr std::size_t longest_number = 20;
  static constexpr std::uint64_t near_span = 10'000;                                      ///< of numbers with ten digits
  static constexpr std::int64_t first_near = 1'000'000'000, last_near = 10'000'000'000;
  static constexpr std::array<char, 200> pairs = [] {
    std::array<char, 200> out{};
    for (std::size_t i = 0; i < 100; ++i) {
      out[2 * i] = static_cast<char>('0' + i / 10);
      out[2 * i + 1] = static_cast<char>('0' + i % 10);
    }
    return out;
  }();

  void put_pair(std::size_t offset, std::uint32_t below_100) { std::memcpy(at_ + offset, pairs.data() + 2 * below_100, 2); }
  void make_room(std::size_t more) {
    if (static_cast<std::size_t>(end_ - at_) < more) grow(more);
  }
  void grow(std::size_t more) {
    const std::size_t used = written();
    out_.resize(out_.size() + std::max(more, first_room));   // std::string doubles what it takes; this is what is cleared
    at_ = out_.data() + used;
    end_ = out_.data() + out_.size();
  }
  void reopen() {
    const std::size_t used = out_.size();
    out_.resize(used + first_room);
    at_ = out_.data() + used;
    end_ = out_.data() + out_.size();
  }

  std::string& out_;
  char* at_ = nullptr;
  char* end_ = nullptr;
  std::uint64_t near_ = 0;             ///< a multiple of near_span, once there is one
  std::array<char, 10> near_text_{};   ///< its digits
};

}  // namespace reveille::pns
