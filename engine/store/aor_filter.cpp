#include "engine/store/aor_filter.hpp"

#include <cstdlib>

namespace reveille {
namespace {

constexpr std::size_t words_a_line = 8;
constexpr unsigned probes = 7;

/// The line is chosen by the upper half of the hash; its bits by 9 at a time of the mixed hash.
std::size_t line_of(std::uint64_t hash, std::size_t lines) {
  return static_cast<std::size_t>(((hash >> 32) * lines) >> 32);
}

template <class Visit>
void each_bit(std::uint64_t hash, Visit&& visit) {
  std::uint64_t bits = hash * 0x9e3779b97f4a7c15U;
  bits ^= bits >> 32;
  for (unsigned i = 0; i < probes; ++i, bits >>= 9) {
    visit((bits >> 6) & (words_a_line - 1), std::uint64_t{1} << (bits & 63));
  }
}

}  // namespace

aor_filter::~aor_filter() {
  for (const auto& lines : lines_) std::free(lines.load());
}

void aor_filter::add(std::string_view of) {
  const std::uint64_t hash = siphash(key_, of);
  if (holds(hash)) return;  // the refreshes of a million phones must not fill it
  std::size_t stage = current_.load(std::memory_order_acquire);
  if (added_.fetch_add(1, std::memory_order_relaxed) >= room_of(stage) && stage + 1 < stages) {
    grow(stage + 1);
    stage = current_.load(std::memory_order_acquire);
  }
  std::uint64_t* lines = lines_[stage].load(std::memory_order_acquire);
  if (lines == nullptr) return;  // only when there was no memory for the first: holds() is true of everything then
  std::uint64_t* line = lines + line_of(hash, lines_of(stage)) * words_a_line;
  std::uint64_t wanted[words_a_line] = {};
  each_bit(hash, [&](std::size_t word, std::uint64_t bit) { wanted[word] |= bit; });
  for (std::size_t word = 0; word < words_a_line; ++word) {  // a locked instruction each: as few as may be
    const std::atomic_ref<std::uint64_t> there(line[word]);
    if ((wanted[word] & ~there.load(std::memory_order_relaxed)) != 0) {
      there.fetch_or(wanted[word], std::memory_order_relaxed);
    }
  }
}

bool aor_filter::holds(std::uint64_t hash) const {
  for (std::size_t stage = 0; stage < stages; ++stage) {
    std::uint64_t* lines = lines_[stage].load(std::memory_order_acquire);
    if (lines == nullptr) return stage == 0;
    std::uint64_t* line = lines + line_of(hash, lines_of(stage)) * words_a_line;
    bool all = true;
    each_bit(hash, [&](std::size_t word, std::uint64_t bit) {
      all = all && (std::atomic_ref<std::uint64_t>(line[word]).load(std::memory_order_relaxed) & bit) != 0;
    });
    if (all) return true;
  }
  return false;
}

void aor_filter::grow(std::size_t stage) {
  const std::lock_guard lock(growing_);
  if (lines_[stage].load(std::memory_order_relaxed) != nullptr) return;  // somebody was faster
  // Zeroed by the kernel as it is touched, so that a big stage stops nobody.
  void* memory = std::calloc(lines_of(stage), line_octets);
  if (memory == nullptr) return;
  lines_[stage].store(static_cast<std::uint64_t*>(memory), std::memory_order_release);
  current_.store(stage, std::memory_order_release);
  added_.store(0, std::memory_order_relaxed);
}

std::size_t aor_filter::bytes() const {
  std::size_t sum = 0;
  for (std::size_t stage = 0; stage < stages; ++stage) {
    if (lines_[stage].load(std::memory_order_acquire) != nullptr) sum += lines_of(stage) * line_octets;
  }
  return sum;
}

}  // namespace reveille
