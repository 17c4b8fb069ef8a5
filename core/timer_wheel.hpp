/// Hierarchical timing wheel (Varghese, Lauck): four levels of 256 slots, index-linked, 32 bytes a timer,
/// O(1) schedule and cancel, on an explicit clock. Not thread-safe: one per shard.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/time.hpp"

namespace reveille {

/// Stale handles (fired, cancelled, reused) are harmless: the generation tells.
struct timer_handle {
  std::uint32_t index = 0xffffffff;
  std::uint32_t generation = 0;
};

class timer_wheel {
 public:
  /// Resolution. A timer never fires early and at most one tick late (plus what the driver is late).
  static constexpr nanoseconds tick = std::chrono::milliseconds(1);

  explicit timer_wheel(steady_time start) : start_(start) {
    for (auto& level : slots_) level.fill(nil);
  }

  timer_handle schedule(steady_time due, std::uint64_t payload) {
    const std::uint64_t wanted = ticks_at(due, true);
    std::uint32_t i;
    if (free_ != nil) {
      i = free_;
      free_ = nodes_[i].next;
    } else {
      i = static_cast<std::uint32_t>(nodes_.size());
      nodes_.emplace_back();
    }
    node& x = nodes_[i];
    x.due = wanted <= now_ ? now_ + 1 : wanted;
    x.payload = payload;
    link(i);
    ++size_;
    return {i, x.generation};
  }

  /// @return false if the timer has fired, was cancelled or never was.
  bool cancel(timer_handle h) {
    if (h.index >= nodes_.size() || nodes_[h.index].generation != h.generation ||
        nodes_[h.index].where == nil) {
      return false;
    }
    unlink(h.index);
    release(h.index);
    return true;
  }

  /// Fires what is due at `now`, in order of due tick. `fire(payload)` may schedule and cancel.
  template <class Fire>
  std::size_t advance(steady_time now, Fire&& fire) {
    const std::uint64_t target = ticks_at(now, false);
    std::size_t fired = 0;
    while (now_ < target) {
      if (size_ == 0) {
        now_ = target;
        break;
      }
      ++now_;
      for (std::uint32_t level = 1; level < 4 && (now_ & ((1ULL << (8 * level)) - 1)) == 0; ++level) {
        cascade(level, static_cast<std::uint32_t>(now_ >> (8 * level)) & 255);
      }
      std::uint32_t& head = slots_[0][now_ & 255];
      while (head != nil) {
        const std::uint32_t i = head;
        const std::uint64_t payload = nodes_[i].payload;
        unlink(i);
        release(i);
        ++fired;
        fire(payload);
      }
    }
    return fired;
  }

  /// When advance() must next be called: no later than the earliest timer, perhaps earlier (level changes).
  std::optional<steady_time> next_due() const {
    if (size_ == 0) return std::nullopt;
    for (std::uint64_t t = now_ + 1; t <= now_ + 256; ++t) {
      if (slots_[0][t & 255] != nil || (t & 255) == 0) return start_ + tick * static_cast<std::int64_t>(t);
    }
    return start_ + tick * static_cast<std::int64_t>(now_ + 256);
  }

  std::size_t size() const { return size_; }

 private:
  static constexpr std::uint32_t nil = 0xffffffff;
  struct node {
    std::uint64_t due = 0;
    std::uint64_t payload = 0;
    std::uint32_t next = nil;
    std::uint32_t previous = nil;
    std::uint32_t where = nil;  ///< level * 256 + slot
    std::uint32_t generation = 0;
  };

  std::uint64_t ticks_at(steady_time t, bool round_up) const {
    if (t <= start_) return 0;
    const auto elapsed = static_cast<std::uint64_t>((t - start_).count());
    const auto unit = static_cast<std::uint64_t>(tick.count());
    return round_up ? (elapsed + unit - 1) / unit : elapsed / unit;
  }

  void link(std::uint32_t i) {
    node& x = nodes_[i];
    const std::uint64_t ahead = x.due - now_;
    const std::uint32_t level = ahead < 256 ? 0 : ahead < 65536 ? 1 : ahead < (1U << 24) ? 2 : 3;
    const auto slot = static_cast<std::uint32_t>(x.due >> (8 * level)) & 255;
    put(i, level, slot);
  }
  void put(std::uint32_t i, std::uint32_t level, std::uint32_t slot) {
    node& x = nodes_[i];
    x.where = level * 256 + slot;
    x.previous = nil;
    x.next = slots_[level][slot];
    if (x.next != nil) nodes_[x.next].previous = i;
    slots_[level][slot] = i;
  }
  void unlink(std::uint32_t i) {
    node& x = nodes_[i];
    if (x.previous != nil) {
      nodes_[x.previous].next = x.next;
    } else {
      slots_[x.where >> 8][x.where & 255] = x.next;
    }
    if (x.next != nil) nodes_[x.next].previous = x.previous;
    x.where = nil;
  }
  void release(std::uint32_t i) {
    ++nodes_[i].generation;
    nodes_[i].next = free_;
    free_ = i;
    --size_;
  }
  void cascade(std::uint32_t level, std::uint32_t slot) {
    std::uint32_t i = slots_[level][slot];
    slots_[level][slot] = nil;
    while (i != nil) {
      const std::uint32_t next = nodes_[i].next;
      if (nodes_[i].due <= now_) {
        put(i, 0, static_cast<std::uint32_t>(now_ & 255));
      } else {
        link(i);
      }
      i = next;
    }
  }

  std::vector<node> nodes_;
  std::array<std::array<std::uint32_t, 256>, 4> slots_;
  std::uint32_t free_ = nil;
  std::uint64_t now_ = 0;
  std::size_t size_ = 0;
  steady_time start_;
};

}  // namespace reveille
