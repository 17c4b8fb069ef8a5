/// Pushes of one sender: slots that are used again, found by push_id without allocating.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <deque>
#include <vector>

#include "core/time.hpp"
#include "core/timer_wheel.hpp"
#include "engine/push/push_credential.hpp"
#include "engine/push/push_outside.hpp"
#include "net/http2/client_session.hpp"
#include "pns/push_order.hpp"

namespace reveille {

/// free --> queued --> flying --> free
///            ^  ^        |
///            |  +--------+  refused, never left, lost once: resent
///            +- waiting <+  back-off
struct push_slot {
  enum class phase : std::uint8_t { free, queued, waiting, flying };
  static constexpr std::uint32_t nil = 0xffffffff;

  phase at = phase::free;
  bool call = false;              ///< invite: its own queue and bound
  bool withdrawn = false;         ///< while flying: no repeats any more
  std::uint32_t index = 0;
  std::uint32_t generation = 0;
  pns::push_order order;
  app_index app;
  const pns::push_token* token = nullptr;
  steady_time taken{};
  steady_time submitted{};
  std::uint64_t token_version = 0;
  push_connection_id connection;  ///< flying: where; queued: the last one
  http2::stream_handle stream;
  timer_handle retry;
  std::array<std::uint8_t, 5> remedies{};   ///< how often each pns::remedy was tried
  std::uint8_t free_resends = 0;
  std::uint8_t ambiguous = 0;
  std::uint8_t avoid_turns = 0;   ///< turns in which it still waits for another connection than its last
  std::uint32_t older = nil, newer = nil;   ///< flying: in order of submission

  std::uint64_t tag() const { return (std::uint64_t{generation} << 32) | index; }
};

/// Open addressing with backward-shift deletion; at most half full, so a look-up reads one or two cells.
class push_table {
 public:
  push_slot& take() {
    std::uint32_t i;
    if (free_.empty()) {
      i = static_cast<std::uint32_t>(slots_.size());
      push_slot& made = slots_.emplace_back();
      made.index = i;
      made.generation = first_generation_;
    } else {
      i = free_.back();
      free_.pop_back();
    }
    ++used_;
    return slots_[i];
  }
  void release(push_slot& s) {
    s.at = push_slot::phase::free;
    ++s.generation;
    s.token = nullptr;
    s.order = {};  // now, while it is warm; and a burst's memory does not stay with the slots
    free_.push_back(s.index);
    --used_;
  }
  std::size_t used() const { return used_; }
  std::size_t slots() const { return slots_.size(); }
  /// Gives a burst's memory back once nothing of it is left. Tags of before stay stale. @pre nobody holds a slot.
  void rest() {
    if (used_ > 0 || slots_.size() <= slots_kept) return;
    for (const push_slot& s : slots_) first_generation_ = std::max(first_generation_, s.generation + 1);
    slots_ = {};
    free_ = {};
    cells_ = {};
    listed_ = 0;
  }
  push_slot& at(std::uint32_t i) { return slots_[i]; }
  /// nullptr for a stale tag.
  push_slot* by_tag(std::uint64_t tag) {
    const auto i = static_cast<std::uint32_t>(tag);
    if (i >= slots_.size()) return nullptr;
    push_slot& s = slots_[i];
    return s.at != push_slot::phase::free && s.generation == static_cast<std::uint32_t>(tag >> 32) ? &s : nullptr;
  }

  void enlist(const push_slot& s) {
    if ((listed_ + 1) * 2 > cells_.size()) grow();
    insert(s.index);
    ++listed_;
  }
  void strike(const push_slot& s) {
    if (cells_.empty()) return;
    const std::size_t mask = cells_.size() - 1;
    for (std::size_t i = home_of(s.order.id) & mask; cells_[i] != push_slot::nil; i = (i + 1) & mask) {
      if (cells_[i] != s.index) continue;
      close_gap(i);
      --listed_;
      return;
    }
  }
  push_slot* find(const pns::push_id& id) {
    if (cells_.empty()) return nullptr;
    const std::size_t mask = cells_.size() - 1;
    for (std::size_t i = home_of(id) & mask; cells_[i] != push_slot::nil; i = (i + 1) & mask) {
      push_slot& s = slots_[cells_[i]];
      if (s.order.id == id) return &s;
    }
    return nullptr;
  }

 private:
  static std::size_t home_of(const pns::push_id& id) {
    // The key is a SipHash already; a subscriber's pushes must only not stand in a row.
    return static_cast<std::size_t>(((id.subscriber.value ^ id.number) * 0x9e3779b97f4a7c15U) >> 24);
  }
  void insert(std::uint32_t index) {
    const std::size_t mask = cells_.size() - 1;
    std::size_t i = home_of(slots_[index].order.id) & mask;
    while (cells_[i] != push_slot::nil) i = (i + 1) & mask;
    cells_[i] = index;
  }
  void grow() {
    std::vector<std::uint32_t> old = std::move(cells_);
    cells_.assign(std::max<std::size_t>(64, old.size() * 2), push_slot::nil);
    for (std::uint32_t i : old) {
      if (i != push_slot::nil) insert(i);
    }
  }
  void close_gap(std::size_t gap) {
    const std::size_t mask = cells_.size() - 1;
    for (std::size_t i = (gap + 1) & mask; cells_[i] != push_slot::nil; i = (i + 1) & mask) {
      const std::size_t home = home_of(slots_[cells_[i]].order.id) & mask;
      if (((i - home) & mask) < ((i - gap) & mask)) continue;  // stands between its home and here already
      cells_[gap] = cells_[i];
      gap = i;
    }
    cells_[gap] = push_slot::nil;
  }

  static constexpr std::size_t slots_kept = 4096;   ///< an ordinary hour's: never given back

  std::deque<push_slot> slots_;
  std::uint32_t first_generation_ = 0;   ///< of new slots: higher than any that was before
  std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> cells_;
  std::size_t used_ = 0;
  std::size_t listed_ = 0;
};

/// Slots by deadline, the earliest first; equal ones in the order of their coming. What left the queue otherwise is
/// skipped when it surfaces (its generation or phase has changed), so leaving costs nothing.
///
/// Calls come with much the same time to live, so their deadlines come in order: those stand in a line, and only what is
/// earlier than the line's last goes through a heap.
class deadline_queue {
 public:
  struct item {
    steady_time deadline;
    std::uint64_t turn;
    std::uint64_t tag;
    /// For std::push_heap, whose top is the greatest.
    bool operator<(const item& other) const {
      return deadline != other.deadline ? deadline > other.deadline : turn > other.turn;
    }
  };
  void add(steady_time deadline, std::uint64_t tag) {
    const item i{deadline, turns_++, tag};
    if (line_.empty() || line_.back().deadline <= deadline) {
      line_.push_back(i);
    } else {
      heap_.push_back(i);
      std::push_heap(heap_.begin(), heap_.end());
    }
  }
  bool empty() const { return line_.empty() && heap_.empty(); }
  const item& front() const { return heap_first() ? heap_.front() : line_.front(); }
  void pop() {
    if (!heap_first()) return line_.pop_front();
    std::pop_heap(heap_.begin(), heap_.end());
    heap_.pop_back();
    if (heap_.empty() && heap_.capacity() > kept) heap_ = {};
  }
  std::size_t size() const { return line_.size() + heap_.size(); }
  /// Bounds what is skipped later: once more have left than are here, those that `left(item)` knows go.
  /// @param living at least as many as still wait.
  template <class Left>
  void prune(std::size_t living, Left&& left) {
    if (size() <= 2 * living + slack) return;
    std::erase_if(line_, left);
    std::erase_if(heap_, left);
    std::make_heap(heap_.begin(), heap_.end());
    line_.shrink_to_fit();  // a burst is over
    if (heap_.capacity() > 4 * heap_.size() + slack) heap_.shrink_to_fit();
  }

 private:
  static constexpr std::size_t slack = 64;   ///< so few are not worth a look
  static constexpr std::size_t kept = 4096;  ///< room that stays though it is empty
  bool heap_first() const { return line_.empty() || (!heap_.empty() && line_.front() < heap_.front()); }

  std::deque<item> line_;
  std::vector<item> heap_;
  std::uint64_t turns_ = 0;
};

}  // namespace reveille
