/// The entries of one shard's client or server transactions: numbered places that are used again, handles that a later
/// user of the place does not answer to, and each entry's two timers in the shard's wheel.
///
/// Threads: one. Bound: `capacity`; take() then refuses. Nothing is allocated after the constructor but the pages of
/// entries used for the first time, and an entry never moves.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "core/time.hpp"
#include "core/timer_wheel.hpp"
#include "sip/transaction_support.hpp"

namespace reveille::sip {

/// An entry of a table; generations make stale handles harmless.
struct transaction_handle {
  std::uint32_t index = 0;
  std::uint32_t generation = 0;
  auto operator<=>(const transaction_handle&) const = default;
};

/// What the table keeps in each entry.
struct transaction_place {
  static constexpr std::uint32_t none = 0xffffffff;

  timer_handle repeat_timer;
  timer_handle life_timer;
  milliseconds interval{0};  ///< until the next repetition
  std::uint32_t generation = 0;
  std::uint32_t next_free = none;
  bool live = false;
};

/// @tparam Entry derived from transaction_place
template <class Entry>
class transaction_table {
 public:
  transaction_table(std::uint32_t capacity, timer_wheel& wheel, transaction_timer repeat, transaction_timer life)
      : capacity_(capacity), wheel_(wheel), repeat_(repeat), life_(life) {
    entries_.reserve(capacity);  // address space only: pages come with first use
  }

  Entry& operator[](std::uint32_t index) { return entries_[index]; }
  const Entry& operator[](std::uint32_t index) const { return entries_[index]; }
  transaction_handle handle_of(std::uint32_t index) const { return {index, entries_[index].generation}; }

  /// @return nullptr when the handle's transaction is gone
  const Entry* at(transaction_handle id) const {
    if (id.index >= entries_.size()) return nullptr;
    const Entry& e = entries_[id.index];
    return e.live && e.generation == id.generation ? &e : nullptr;
  }
  Entry* at(transaction_handle id) { return const_cast<Entry*>(std::as_const(*this).at(id)); }

  /// @return nullopt at the bound
  std::optional<std::uint32_t> take() {
    if (live_ == capacity_) return std::nullopt;
    std::uint32_t index = free_;
    if (index != transaction_place::none) {
      free_ = entries_[index].next_free;
    } else {
      index = static_cast<std::uint32_t>(entries_.size());
      entries_.emplace_back();
    }
    entries_[index].live = true;
    ++live_;
    return index;
  }
  /// Cancels its timers; its handles are stale from now on. @pre live
  void give_back(std::uint32_t index) {
    Entry& e = entries_[index];
    wheel_.cancel(e.repeat_timer);
    wheel_.cancel(e.life_timer);
    e.live = false;
    ++e.generation;
    e.next_free = free_;
    free_ = index;
    --live_;
  }

  /// Starts the life timer anew.
  void live_for(std::uint32_t index, nanoseconds wait, steady_time now) {
    Entry& e = entries_[index];
    wheel_.cancel(e.life_timer);
    e.life_timer = wheel_.schedule(now + wait, timer_payload(life_, index, e.generation));
  }
  /// @pre the repeat timer has fired or was stopped
  void repeat_after(std::uint32_t index, milliseconds interval, steady_time now) {
    Entry& e = entries_[index];
    e.interval = interval;
    e.repeat_timer = wheel_.schedule(now + interval, timer_payload(repeat_, index, e.generation));
  }
  void stop_repeating(std::uint32_t index) { wheel_.cancel(entries_[index].repeat_timer); }
  /// @return whose timer it is, nullopt when that transaction is gone
  std::optional<std::uint32_t> of_timer(std::uint64_t payload) const {
    const std::uint32_t index = timer_index_of(payload);
    if (index >= entries_.size()) return std::nullopt;
    const Entry& e = entries_[index];
    if (!e.live || (e.generation & 0xffffff) != timer_generation_of(payload)) return std::nullopt;
    return index;
  }

  std::uint32_t size() const { return live_; }
  std::uint32_t capacity() const { return capacity_; }

 private:
  std::uint32_t capacity_;
  timer_wheel& wheel_;
  transaction_timer repeat_;
  transaction_timer life_;
  std::vector<Entry> entries_;
  std::uint32_t free_ = transaction_place::none;
  std::uint32_t live_ = 0;
};

}  // namespace reveille::sip
