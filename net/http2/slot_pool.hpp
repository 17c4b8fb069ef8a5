/// Records at fixed addresses, used again: nghttp2 keeps a pointer to the record of each open stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

namespace reveille::http2 {

/// @tparam Slot has `std::uint32_t index`. take() gives it as its last user left it: the memory of its strings is kept.
template <class Slot>
class slot_pool {
 public:
  Slot& take() {
    ++in_use_;
    if (free_.empty()) {
      const auto i = static_cast<std::uint32_t>(slots_.size());
      slots_.emplace_back().index = i;
      return slots_.back();
    }
    const std::uint32_t i = free_.back();
    free_.pop_back();
    return slots_[i];
  }
  void give_back(const Slot& s) {
    free_.push_back(s.index);
    --in_use_;
  }
  std::size_t in_use() const { return in_use_; }
  /// In use or not; nullptr for what never was.
  Slot* at(std::uint32_t i) { return i < slots_.size() ? &slots_[i] : nullptr; }
  auto begin() { return slots_.begin(); }
  auto end() { return slots_.end(); }

 private:
  std::deque<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::size_t in_use_ = 0;
};

}  // namespace reveille::http2
