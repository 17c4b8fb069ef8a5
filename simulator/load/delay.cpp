#include "simulator/load/delay.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>

#include "simulator/report/duration_text.hpp"

namespace reveille::load {

namespace {

/// The 99th percentile of the standard normal distribution.
constexpr double normal_p99 = 2.3263478740408408;

result<double> ns_of(std::string_view text) {
  const auto value = report::parse_duration(text);
  if (!value) return failure(value.error().what);
  return static_cast<double>(value->count());
}

/// "name=VALUE" -> VALUE
std::optional<std::string_view> named(std::string_view text, std::string_view name) {
  if (text.size() <= name.size() || !text.starts_with(name) || text[name.size()] != '=') return std::nullopt;
  return text.substr(name.size() + 1);
}

tl::unexpected<error> fault(std::string_view text) {
  return failure("'" + std::string(text) +
                 "' is no delay: write 600ms, uniform:200ms..3s, exponential:mean=1s or lognormal:p50=600ms,p99=3s");
}

}  // namespace

double positive_unit(random_source& random) { return 1.0 - random.unit(); }

result<delay> delay::parse(std::string_view text) {
  delay out;
  out.text_ = std::string(text);
  const std::size_t colon = text.find(':');
  if (colon == text.npos) {
    const auto value = ns_of(text);
    if (!value) return fault(text);
    out.a_ = *value;
    return out;
  }
  const std::string_view kind = text.substr(0, colon);
  const std::string_view rest = text.substr(colon + 1);
  if (kind == "uniform") {
    const std::size_t dots = rest.find("..");
    if (dots == rest.npos) return fault(text);
    const auto low = ns_of(rest.substr(0, dots));
    const auto high = ns_of(rest.substr(dots + 2));
    if (!low || !high || *low > *high) return fault(text);
    out.shape_ = shape::uniform;
    out.a_ = *low;
    out.b_ = *high;
    return out;
  }
  if (kind == "exponential") {
    const auto mean = named(rest, "mean");
    const auto value = mean ? ns_of(*mean) : ns_of("");
    if (!value || *value <= 0) return fault(text);
    out.shape_ = shape::exponential;
    out.a_ = *value;
    return out;
  }
  if (kind == "lognormal") {
    const std::size_t comma = rest.find(',');
    if (comma == rest.npos) return fault(text);
    const auto p50 = named(rest.substr(0, comma), "p50");
    const auto p99 = named(rest.substr(comma + 1), "p99");
    if (!p50 || !p99) return fault(text);
    const auto middle = ns_of(*p50);
    const auto high = ns_of(*p99);
    if (!middle || !high || *middle <= 0 || *high < *middle) return fault(text);
    out.shape_ = shape::lognormal;
    out.a_ = std::log(*middle);
    out.b_ = std::log(*high / *middle) / normal_p99;
    return out;
  }
  return fault(text);
}

nanoseconds delay::draw(random_source& random) const {
  double ns = 0;
  switch (shape_) {
    case shape::constant: ns = a_; break;
    case shape::uniform: ns = a_ + (b_ - a_) * random.unit(); break;
    case shape::exponential: ns = -a_ * std::log(positive_unit(random)); break;
    case shape::lognormal: {
      // Box and Muller; the second value is thrown away, so that a draw keeps no state.
      const double radius = std::sqrt(-2.0 * std::log(positive_unit(random)));
      ns = std::exp(a_ + b_ * radius * std::cos(2 * std::numbers::pi * random.unit()));
      break;
    }
  }
  return nanoseconds(static_cast<std::int64_t>(std::min(ns, static_cast<double>(longest.count()))));
}

}  // namespace reveille::load
