/// Appends to a string in small pieces, a payload's worth of them: room is made in large steps and pieces are copied in
/// place, where std::string::append would look at size, capacity and terminator for each.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "pns/json_text.hpp"

namespace reveille::pns {

class text_writer {
 public:
  /// @param out emptied; its memory is used again. Holds the text after finish() only.
  explicit text_writer(std::string& out) : out_(out) {
    out_.resize(first_room);
    at_ = out_.data();
    end_ = at_ + first_room;
  }

  void append(std::string_view piece) {
    make_room(piece.size());
    copy(piece.data(), piece.size());
  }
  void append(char c) {
    make_room(1);
    *at_++ = c;
  }
  void append_number(std::int64_t value) {
    make_room(longest_number);
    at_ = std::to_chars(at_, end_, value).ptr;
  }
  /// As pns::append_json_text.
  void append_json_text(std::string_view text, unsigned times) {
    const std::size_t plain = plain_json_prefix(text);
    append(text.substr(0, plain));
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

  void make_room(std::size_t more) {
    if (static_cast<std::size_t>(end_ - at_) < more) grow(more);
  }
  void grow(std::size_t more) {
    const std::size_t used = written();
    out_.resize(2 * out_.size() + more);
    at_ = out_.data() + used;
    end_ = out_.data() + out_.size();
  }
  void reopen() {
    const std::size_t used = out_.size();
    out_.resize(used + first_room);
    at_ = out_.data() + used;
    end_ = out_.data() + out_.size();
  }
  /// Names of members and their punctuation are short: two copies of fixed size that overlap cost less than a call.
  void copy(const char* from, std::size_t size) {
    if (size >= 8 && size <= 16) {
      std::memcpy(at_, from, 8);
      std::memcpy(at_ + size - 8, from + size - 8, 8);
    } else if (size >= 4 && size < 8) {
      std::memcpy(at_, from, 4);
      std::memcpy(at_ + size - 4, from + size - 4, 4);
    } else if (size < 4) {
      for (std::size_t i = 0; i < size; ++i) at_[i] = from[i];
    } else {
      std::memcpy(at_, from, size);
    }
    at_ += size;
  }

  std::string& out_;
  char* at_ = nullptr;
  char* end_ = nullptr;
};

}  // namespace reveille::pns
