/// Which AORs are resident: open addressing by aor_key, 16 octets an entry, no order that depends on addresses.
///
/// The slot is the top bits of the (mixed) key, so doubling keeps the order and copies front to back. Deleting shifts the
/// run back; there are no tombstones. The bit "used lately" lives in the entry, so the clock hand (who leaves at the bound)
/// walks this array and not the actors. Keys are unique: two AORs of one key cannot both be resident.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <utility>

#include "core/ids.hpp"

namespace reveille {

template <class Actor>
class directory {
 public:
  /// @param reserve entries that must fit without growing. Untouched memory is only promised by the kernel, not used.
  explicit directory(std::size_t reserve) {
    unsigned bits = 6;
    while (room_in(std::size_t{1} << bits) < reserve) ++bits;
    allocate(bits);
  }
  ~directory() { std::free(slots_); }
  directory(const directory&) = delete;
  directory& operator=(const directory&) = delete;

  std::size_t size() const { return size_; }
  std::size_t capacity() const { return std::size_t{1} << bits_; }

  /// Marks the entry as used lately.
  Actor* find(aor_key key) {
    for (std::size_t i = slot_of(key);; i = next(i)) {
      entry& e = slots_[i];
      if (e.tagged == 0) return nullptr;
      if (e.key == key.value) {
        e.tagged |= used_lately;
        return actor_of(e);
      }
    }
  }

  /// Without marking.
  const Actor* look(aor_key key) const {
    for (std::size_t i = slot_of(key);; i = next(i)) {
      if (slots_[i].tagged == 0) return nullptr;
      if (slots_[i].key == key.value) return actor_of(slots_[i]);
    }
  }

  /// @pre the key is not there.
  void insert(aor_key key, Actor& actor) {
    if (size_ >= room_in(capacity())) grow();
    std::size_t i = slot_of(key);
    while (slots_[i].tagged != 0) i = next(i);
    const auto address = reinterpret_cast<std::uintptr_t>(&actor);
    assert((address & used_lately) == 0);
    slots_[i] = {key.value, address | used_lately};
    ++size_;
  }

  void erase(aor_key key) {
    std::size_t hole = slot_of(key);
    while (slots_[hole].key != key.value || slots_[hole].tagged == 0) {
      assert(slots_[hole].tagged != 0);
      hole = next(hole);
    }
    for (std::size_t i = next(hole); slots_[i].tagged != 0; i = next(i)) {
      const std::size_t ideal = slot_of(aor_key{slots_[i].key});
      if (((i - ideal) & mask()) >= ((i - hole) & mask())) {
        slots_[hole] = slots_[i];
        hole = i;
      }
    }
    slots_[hole] = {};
    --size_;
  }

  void prefetch(aor_key key) const { __builtin_prefetch(&slots_[slot_of(key)]); }
  /// The actor whose entry is probably in the cache by now (after prefetch()); null when it is not in its first slot.
  Actor* peek(aor_key key) const {
    const entry& e = slots_[slot_of(key)];
    return e.tagged != 0 && e.key == key.value ? actor_of(e) : nullptr;
  }

  /// CLOCK: from the hand on, the first entry not used lately for which may_leave(actor) holds. Looks at `most_entries`
  /// entries twice and asks `most_actors` actors at most, so its price is bounded; null when none was found.
  template <class MayLeave>
  Actor* choose_leaver(std::size_t most_entries, std::size_t most_actors, MayLeave&& may_leave) {
    for (std::size_t step = 0; step < 2 * most_entries && most_actors > 0; ++step) {
      entry& e = slots_[hand_];
      hand_ = next(hand_);
      if (e.tagged == 0) continue;
      if ((e.tagged & used_lately) != 0 && step < most_entries) {
        e.tagged &= ~used_lately;
        continue;
      }
      --most_actors;
      if (may_leave(*actor_of(e))) return actor_of(e);
    }
    return nullptr;
  }

  template <class Visit>
  void for_each(Visit&& visit) const {
    std::size_t left = size_;
    for (std::size_t i = 0; left > 0; ++i) {
      if (slots_[i].tagged == 0) continue;
      --left;
      visit(*actor_of(slots_[i]));
    }
  }

 private:
  struct entry {
    std::uint64_t key = 0;
    std::uintptr_t tagged = 0;  ///< 0 = empty; else the actor's address, lowest bit = used lately
  };
  static_assert(sizeof(entry) == 16);
  static constexpr std::uintptr_t used_lately = 1;

  static Actor* actor_of(const entry& e) { return reinterpret_cast<Actor*>(e.tagged & ~used_lately); }
  static constexpr std::size_t room_in(std::size_t slots) { return slots / 4 * 3; }
  std::size_t mask() const { return capacity() - 1; }
  std::size_t next(std::size_t i) const { return (i + 1) & mask(); }
  std::size_t slot_of(aor_key key) const {
    // The shard took the key modulo their number, so its low bits are alike here: mix before taking the top.
    return static_cast<std::size_t>((key.value * 0x9e3779b97f4a7c15U) >> (64 - bits_));
  }

  void allocate(unsigned bits) {
    void* memory = std::calloc(std::size_t{1} << bits, sizeof(entry));
    if (memory == nullptr) throw std::bad_alloc();
    slots_ = static_cast<entry*>(memory);
    bits_ = bits;
    hand_ = 0;
  }
  void grow() {
    entry* old = slots_;
    const std::size_t count = capacity();
    allocate(bits_ + 1);
    for (std::size_t i = 0; i < count; ++i) {
      if (old[i].tagged == 0) continue;
      std::size_t at = slot_of(aor_key{old[i].key});
      while (slots_[at].tagged != 0) at = next(at);
      slots_[at] = old[i];
    }
    std::free(old);
  }

  entry* slots_ = nullptr;
  unsigned bits_ = 0;
  std::size_t size_ = 0;
  std::size_t hand_ = 0;
};

}  // namespace reveille
