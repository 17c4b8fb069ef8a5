/// A short list without allocation, bounded by its capacity.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>

namespace reveille {

template <class T, std::size_t Capacity>
class few {
 public:
  bool full() const { return size_ == Capacity; }
  /// @pre !full()
  void push_back(const T& value) {
    assert(!full());
    items_[size_++] = value;
  }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  void clear() { size_ = 0; }
  const T& operator[](std::size_t i) const { return items_[i]; }
  T* begin() { return items_.data(); }
  T* end() { return items_.data() + size_; }
  const T* begin() const { return items_.data(); }
  const T* end() const { return items_.data() + size_; }
  bool contains(const T& value) const {
    for (const T& item : *this) {
      if (item == value) return true;
    }
    return false;
  }

 private:
  std::array<T, Capacity> items_{};
  std::size_t size_ = 0;
};

}  // namespace reveille
