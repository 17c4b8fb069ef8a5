/// How long people and phones take: a distribution given on the command line, drawn from a seeded source.
#pragma once

#include <string>
#include <string_view>

#include "core/random.hpp"
#include "core/result.hpp"
#include "core/time.hpp"

namespace reveille::load {

/// `600ms` | `uniform:200ms..3s` | `exponential:mean=1s` | `lognormal:p50=600ms,p99=3s`.
class delay {
 public:
  /// No draw exceeds it: the tail of a lognormal has no end, a timer has.
  static constexpr nanoseconds longest = std::chrono::hours(1);

  delay() = default;
  static result<delay> parse(std::string_view text);
  nanoseconds draw(random_source& random) const;
  const std::string& text() const { return text_; }

 private:
  enum class shape { constant, uniform, exponential, lognormal };
  std::string text_ = "0";
  shape shape_ = shape::constant;
  double a_ = 0;  ///< ns: the constant, the lower end, the mean; lognormal: mu of ln(ns)
  double b_ = 0;  ///< ns: the upper end; lognormal: sigma
};

/// Uniform in (0, 1], as logarithms want it.
double positive_unit(random_source& random);

}  // namespace reveille::load
