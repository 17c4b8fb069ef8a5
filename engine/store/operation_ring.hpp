/// Bounded lock-free queue, many producers, one consumer (after Vyukov's bounded queue). Cells are used in place: a
/// producer fills one, the consumer works on a run of them and releases them together, so their strings keep their
/// memory and no operation is moved.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace reveille {

/// Threads: try_push from any, everything else from one.
template <class T>
class operation_ring {
 public:
  /// @param limit rounded up to a power of two
  explicit operation_ring(std::size_t limit)
      : mask_(std::bit_ceil(limit < 2 ? std::size_t{2} : limit) - 1), cells_(new cell[mask_ + 1]) {
    for (std::size_t i = 0; i <= mask_; ++i) cells_[i].turn.store(i, std::memory_order_relaxed);
  }

  /// @param fill called with the cell's T, as its last user left it; must not throw.
  /// @return false when full
  template <class Fill>
  bool try_push(Fill&& fill) {
    std::size_t at = tail_.load(std::memory_order_relaxed);
    for (;;) {
      cell& c = cells_[at & mask_];
      const auto lead = static_cast<std::intptr_t>(c.turn.load(std::memory_order_acquire) - at);
      if (lead < 0) return false;
      if (lead > 0) {
        at = tail_.load(std::memory_order_relaxed);
      } else if (tail_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed)) {
        fill(c.value);
        c.turn.store(at + 1, std::memory_order_release);
        return true;
      }
    }
  }

  /// The n-th waiting operation, nullptr when there are not so many (or its producer is not done with it).
  /// @pre all before it were there
  T* peek(std::size_t n) {
    const std::size_t at = head_ + n;
    if (n > mask_) return nullptr;
    cell& c = cells_[at & mask_];
    return c.turn.load(std::memory_order_acquire) == at + 1 ? &c.value : nullptr;
  }
  /// Gives the first `count` cells back to the producers.
  void release(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      cells_[(head_ + i) & mask_].turn.store(head_ + i + mask_ + 1, std::memory_order_release);
    }
    head_ += count;
    released_.store(head_, std::memory_order_relaxed);
  }

  /// Any thread; what waits or is being worked on, at this moment.
  std::size_t size() const {
    const std::size_t released = released_.load(std::memory_order_relaxed);
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    return tail > released ? tail - released : 0;
  }

 private:
  struct alignas(64) cell {
    std::atomic<std::size_t> turn{0};
    T value{};
  };

  const std::size_t mask_;
  std::unique_ptr<cell[]> cells_;
  alignas(64) std::atomic<std::size_t> tail_{0};
  alignas(64) std::size_t head_ = 0;
  std::atomic<std::size_t> released_{0};
};

}  // namespace reveille
