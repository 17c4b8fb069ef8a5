/// CAF handles to the subscribers of a home, for whoever speaks CAF (home.hpp does not).
#pragma once

#include <caf/actor.hpp>

#include <string_view>

#include "actors/runtime/home.hpp"

namespace reveille {

/// On the home's thread, outside any call of it. The handle may then be used from any thread, for as long as one likes:
/// it survives the subscriber's leaving and the home itself.
/// @return a null handle when a bound refused the load.
caf::actor handle_of(home& of, aor_key key, std::string_view name, const instant& now);

}  // namespace reveille
