/// Port: randomness. Tests and the virtual world seed it; production takes it from the kernel (core/system_ports.hpp).
#pragma once

#include <cstdint>
#include <span>

namespace reveille {

/// Threads: one object a thread.
class random_source {
 public:
  virtual ~random_source() = default;
  virtual std::uint64_t next() = 0;

  /// Uniform in [0, bound); bound > 0. Lemire's multiplication, bias below 2^-32 for the bounds used here.
  std::uint64_t below(std::uint64_t bound) {
    __extension__ using wide = unsigned __int128;
    return static_cast<std::uint64_t>((static_cast<wide>(next()) * bound) >> 64);
  }
  /// Uniform in [0, 1).
  double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

  void fill(std::span<std::uint8_t> out) {
    for (std::size_t i = 0; i < out.size();) {
      for (std::uint64_t bits = next(), n = 0; n < 8 && i < out.size(); ++n, bits >>= 8) {
        out[i++] = static_cast<std::uint8_t>(bits);
      }
    }
  }
};

/// SplitMix64: small, fast, repeatable. Not for secrets.
class seeded_random final : public random_source {
 public:
  explicit seeded_random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() override {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }

 private:
  std::uint64_t state_;
};

}  // namespace reveille
