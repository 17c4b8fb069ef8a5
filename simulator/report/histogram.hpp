/// A log-linear histogram of durations: 64 buckets to each power of two, so a quantile is at most 1/64 too
/// large and never too small; 31 KiB, O(1) to add to, no allocation after construction.
#pragma once

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdint>
#include <vector>

namespace reveille::report {

/// Not thread-safe: one writer, which is also the reader.
class histogram {
 public:
  static constexpr unsigned bits = 6;
  static constexpr std::uint64_t per_octave = std::uint64_t{1} << bits;
  static constexpr std::uint64_t max_value = (std::uint64_t{1} << 62) - 1;  ///< ns: 146 years; larger ones count as this
  static constexpr double relative_error = 1.0 / static_cast<double>(per_octave);

  histogram() : buckets_(index_of(max_value) + 1, 0) {}

  /// Negative durations count as zero.
  void add(std::chrono::nanoseconds value) {
    const auto ns = std::min(static_cast<std::uint64_t>(std::max<std::int64_t>(value.count(), 0)), max_value);
    ++buckets_[index_of(ns)];
    ++count_;
    sum_ += static_cast<double>(ns);
    max_ = std::max(max_, ns);
  }

  /// The smallest recorded bound that at least the share `q` (0..1) of the values does not exceed; 0 when empty.
  std::chrono::nanoseconds quantile(double q) const {
    if (count_ == 0) return {};
    const double exact = std::clamp(q, 0.0, 1.0) * static_cast<double>(count_);
    auto wanted = static_cast<std::uint64_t>(exact);
    if (static_cast<double>(wanted) < exact || wanted == 0) ++wanted;
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      seen += buckets_[i];
      if (seen >= wanted) return to_ns(std::min(upper_bound(i), max_));
    }
    return to_ns(max_);
  }

  std::uint64_t count() const { return count_; }
  std::chrono::nanoseconds max() const { return to_ns(max_); }
  std::chrono::nanoseconds mean() const {
    return count_ == 0 ? std::chrono::nanoseconds{} : to_ns(static_cast<std::uint64_t>(sum_ / static_cast<double>(count_)));
  }

  /// visit(upper bound of a bucket that is not empty, how many values are at or below it), ascending.
  template <class Visit>
  void for_each_step(Visit&& visit) const {
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      if (buckets_[i] == 0) continue;
      seen += buckets_[i];
      visit(to_ns(std::min(upper_bound(i), max_)), seen);
    }
  }

 private:
  static std::size_t index_of(std::uint64_t ns) {
    if (ns < per_octave) return ns;
    const auto octave = static_cast<unsigned>(std::bit_width(ns)) - 1 - bits;
    return (octave + 1) * per_octave + ((ns >> octave) & (per_octave - 1));
  }
  static std::uint64_t upper_bound(std::size_t index) {
    if (index < per_octave) return index;
    const auto octave = static_cast<unsigned>(index / per_octave) - 1;
    return ((per_octave + index % per_octave + 1) << octave) - 1;
  }
  static std::chrono::nanoseconds to_ns(std::uint64_t ns) {
    return std::chrono::nanoseconds(static_cast<std::int64_t>(ns));
  }

  std::vector<std::uint64_t> buckets_;
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
  double sum_ = 0;
};

}  // namespace reveille::report
