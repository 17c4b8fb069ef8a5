#include "core/slab.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace reveille {

void intrusive_ptr_release(const slab* s) {
  if (s->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    s->pool_->put_back(const_cast<slab*>(s));
  }
}

slab_pool::slab_pool(std::size_t limit_bytes) : owner_(std::this_thread::get_id()), limit_(limit_bytes) {}

slab_pool::~slab_pool() {
  collect_foreign();
  for (slab* s : free_) {
    while (s != nullptr) {
      slab* next = s->next_;
      std::free(s);
      s = next;
    }
  }
}

slab_ptr slab_pool::take(std::size_t size, slab_use use) {
  std::uint8_t c = 0;
  while (c < classes && class_bytes[c] < size) ++c;
  if (c == classes) {
    ++refused_;
    return nullptr;
  }
  const std::size_t bytes = footprint(c);
  if (free_[c] == nullptr || !within_bound(bytes, use)) collect_foreign();
  if (!within_bound(bytes, use)) {
    ++refused_;
    return nullptr;
  }
  if (free_[c] != nullptr) return slab_ptr(unkeep(c));
  void* memory = make_room(bytes) ? std::malloc(bytes) : nullptr;
  if (memory == nullptr) {
    ++refused_;
    return nullptr;
  }
  allocated_ += bytes;
  auto* fresh = new (memory) slab(this, static_cast<std::uint32_t>(class_bytes[c]), c);
  std::memset(fresh->data() + class_bytes[c], 0, slab::tail_slack);
  return slab_ptr(fresh);
}

bool slab_pool::has_room_for_work() {
  constexpr std::size_t usual = footprint(2);
  if (within_bound(usual, slab_use::work)) return true;
  collect_foreign();
  return within_bound(usual, slab_use::work);
}

/// Largest first: the fewest calls of the allocator.
bool slab_pool::make_room(std::size_t bytes) {
  for (std::size_t c = classes; c-- > 0;) {
    while (allocated_ + bytes > limit_ && free_[c] != nullptr) {
      std::free(unkeep(c));
      allocated_ -= footprint(c);
    }
  }
  return allocated_ + bytes <= limit_;
}

std::size_t slab_pool::give_back_idle() {
  // A few hundred microseconds of the allocator's work at most.
  constexpr std::size_t most_a_call = 2048;
  collect_foreign();
  std::size_t given = 0, count = 0;
  for (std::size_t c = classes; c-- > 0;) {
    const std::size_t idle = (std::min(least_free_[c], free_count_[c]) + 1) / 2;
    for (std::size_t i = 0; i < idle && count < most_a_call && free_bytes_ > kept_free_bytes; ++i, ++count) {
      std::free(unkeep(c));
      given += footprint(c);
    }
    least_free_[c] = free_count_[c];
  }
  allocated_ -= given;
  return given;
}

void slab_pool::keep_free(slab* s) {
  const std::size_t c = s->class_;
  s->next_ = free_[c];
  free_[c] = s;
  ++free_count_[c];
  free_bytes_ += footprint(c);
}

slab* slab_pool::unkeep(std::size_t c) {
  slab* s = free_[c];
  free_[c] = s->next_;
  --free_count_[c];
  least_free_[c] = std::min(least_free_[c], free_count_[c]);
  free_bytes_ -= footprint(c);
  return s;
}

void slab_pool::put_back(slab* s) {
  if (std::this_thread::get_id() == owner_) return keep_free(s);
  slab* head = returned_.load(std::memory_order_relaxed);
  do {
    s->next_ = head;
  } while (!returned_.compare_exchange_weak(head, s, std::memory_order_release, std::memory_order_relaxed));
}

void slab_pool::collect_foreign() {
  slab* s = returned_.exchange(nullptr, std::memory_order_acquire);
  while (s != nullptr) {
    slab* next = s->next_;
    keep_free(s);
    s = next;
  }
}

}  // namespace reveille
