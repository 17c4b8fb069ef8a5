#include "core/slab.hpp"

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

slab_ptr slab_pool::take(std::size_t size) {
  std::uint8_t c = 0;
  while (c < classes && class_bytes[c] < size) ++c;
  if (c == classes) {
    ++refused_;
    return nullptr;
  }
  if (free_[c] == nullptr) collect_foreign();
  if (slab* s = free_[c]) {
    free_[c] = s->next_;
    return slab_ptr(s);
  }
  const std::size_t bytes = sizeof(slab) + class_bytes[c] + slab::tail_slack;
  if (allocated_ + bytes > limit_) {
    ++refused_;
    return nullptr;
  }
  void* memory = std::malloc(bytes);
  if (memory == nullptr) {
    ++refused_;
    return nullptr;
  }
  allocated_ += bytes;
  auto* fresh = new (memory) slab(this, static_cast<std::uint32_t>(class_bytes[c]), c);
  std::memset(fresh->data() + class_bytes[c], 0, slab::tail_slack);
  return slab_ptr(fresh);
}

void slab_pool::put_back(slab* s) {
  if (std::this_thread::get_id() == owner_) {
    s->next_ = free_[s->class_];
    free_[s->class_] = s;
    return;
  }
  slab* head = returned_.load(std::memory_order_relaxed);
  do {
    s->next_ = head;
  } while (!returned_.compare_exchange_weak(head, s, std::memory_order_release, std::memory_order_relaxed));
}

void slab_pool::collect_foreign() {
  slab* s = returned_.exchange(nullptr, std::memory_order_acquire);
  while (s != nullptr) {
    slab* next = s->next_;
    s->next_ = free_[s->class_];
    free_[s->class_] = s;
    s = next;
  }
}

}  // namespace reveille
