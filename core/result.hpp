/// What a peer or the network can cause is a value: result<T> is T or an error the caller must sort.
#pragma once

#include <tl/expected.hpp>

#include <string>

namespace reveille {

/// An error with a sentence for a person; domain errors with cases of their own use their own type.
struct error {
  std::string what;
};

/// The names of std::expected (C++23): has_value(), value(), error(), operator*.
template <class T, class E = error>
using result = tl::expected<T, E>;

/// `return failure("...")` from a function that returns result<T>.
inline tl::unexpected<error> failure(std::string what) {
  return tl::unexpected<error>(error{std::move(what)});
}

}  // namespace reveille
