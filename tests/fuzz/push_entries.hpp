/// What the fuzzers of the push side do with one input; the same functions run the committed corpus as a plain test.
/// They abort when a property does not hold.
#pragma once

#include <cstddef>
#include <cstdint>

namespace reveille::fuzz {

/// A profile file: it compiles, or has a fault with a place inside the text; what compiles renders to JSON within its
/// limit.
void push_profile(const std::uint8_t* data, std::size_t size);
/// Names, numbers and Call-IDs (the input, cut in three at its first two NULs) through the built-in profiles: JSON with
/// the same keys, and the values come back.
void push_values(const std::uint8_t* data, std::size_t size);
/// Bodies, reasons and Retry-After of APNs, FCM v1, FCM legacy and the token endpoint: always sorted, and reasons stay
/// short and printable.
void push_answers(const std::uint8_t* data, std::size_t size);
/// Service account files and private keys.
void push_credentials(const std::uint8_t* data, std::size_t size);

}  // namespace reveille::fuzz
