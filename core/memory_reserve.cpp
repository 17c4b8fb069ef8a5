#include "core/memory_reserve.hpp"

#include <sys/mman.h>

#include <array>
#include <atomic>
#include <new>

namespace reveille::memory_reserve {
namespace {

/// Several, because several threads may be refused at once: each of them gets one.
constexpr std::size_t blocks = 8;

std::array<std::atomic<void*>, blocks> kept{};
std::atomic<std::size_t> block_bytes{0};
std::atomic<bool> used{false};
std::atomic<std::uint64_t> given{0};

void release(void* block) { ::munmap(block, block_bytes.load(std::memory_order_relaxed)); }

/// operator new calls this until there is memory, or it throws.
void give_one() {
  for (auto& place : kept) {
    if (void* block = place.exchange(nullptr, std::memory_order_acq_rel)) {
      used.store(true, std::memory_order_release);
      given.fetch_add(1, std::memory_order_relaxed);
      release(block);
      return;
    }
  }
  throw std::bad_alloc();
}

}  // namespace

bool install(std::size_t bytes) {
  uninstall();
  block_bytes.store(bytes / blocks, std::memory_order_relaxed);
  const bool whole = refill();
  std::set_new_handler(give_one);
  return whole;
}

void uninstall() {
  std::set_new_handler(nullptr);
  for (auto& place : kept) {
    if (void* block = place.exchange(nullptr, std::memory_order_acq_rel)) release(block);
  }
  used.store(false, std::memory_order_release);
}

bool in_use() { return used.load(std::memory_order_acquire); }

bool refill() {
  const std::size_t bytes = block_bytes.load(std::memory_order_relaxed);
  for (auto& place : kept) {
    if (place.load(std::memory_order_acquire) != nullptr) continue;
    void* block = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) {
      used.store(true, std::memory_order_release);
      return false;
    }
    void* none = nullptr;
    if (!place.compare_exchange_strong(none, block, std::memory_order_acq_rel)) release(block);
  }
  used.store(false, std::memory_order_release);
  return true;
}

std::uint64_t given_out() { return given.load(std::memory_order_relaxed); }

}  // namespace reveille::memory_reserve
