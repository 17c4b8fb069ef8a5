/// Counting on the hot path: a slot has one writing thread and is read by the scrape. A plain load and store of an
/// atomic (0.3 ns), where a shared counter would cost 20 to 120 ns under contention. Sums are made when asked.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>

namespace reveille {

/// Threads: add() and set() from one thread, value() from any. What several threads count needs a slot each.
class slot {
 public:
  void add(std::uint64_t n = 1) { value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
  void set(std::uint64_t n) { value_.store(n, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// What a histogram holds at one moment, as plain numbers that can be added up.
struct histogram_values {
  static constexpr std::size_t max_bounds = 20;  ///< the longest list in use has 18; a fence for the array

  std::span<const double> bounds;                      ///< upper bounds, ascending, static storage
  std::array<std::uint64_t, max_bounds + 1> counts{};  ///< per bucket, not cumulative; the last is above all bounds
  double sum = 0;

  /// @pre the same bounds, or none yet
  histogram_values& operator+=(const histogram_values& other) {
    assert(bounds.empty() || other.bounds.empty() || bounds.data() == other.bounds.data());
    if (bounds.empty()) bounds = other.bounds;
    for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += other.counts[i];
    sum += other.sum;
    return *this;
  }
  std::uint64_t count() const {
    std::uint64_t all = 0;
    for (std::uint64_t c : counts) all += c;
    return all;
  }
};

/// A histogram with one writing thread; 5 ns an observation.
class histogram_slot {
 public:
  /// @param bounds static storage (core/buckets.hpp), at most histogram_values::max_bounds
  explicit histogram_slot(std::span<const double> bounds) : bounds_(bounds) {
    assert(bounds.size() <= histogram_values::max_bounds);
  }

  void observe(double value) {
    std::size_t i = 0;
    while (i < bounds_.size() && value > bounds_[i]) ++i;
    counts_[i].add();
    sum_.store(sum_.load(std::memory_order_relaxed) + value, std::memory_order_relaxed);
  }
  histogram_values values() const {
    histogram_values out;
    out.bounds = bounds_;
    for (std::size_t i = 0; i < counts_.size(); ++i) out.counts[i] = counts_[i].value();
    out.sum = sum_.load(std::memory_order_relaxed);
    return out;
  }

 private:
  std::span<const double> bounds_;
  std::array<slot, histogram_values::max_bounds + 1> counts_;
  std::atomic<double> sum_{0};
};

}  // namespace reveille
