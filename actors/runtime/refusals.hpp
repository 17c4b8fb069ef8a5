/// What an event gets for an answer when its subscriber could not be had: the record could not be read, or a bound was
/// reached. Never a subscriber without its record: that would answer 200 and forget the bindings it did not read.
#pragma once

#include <optional>
#include <string_view>

#include "actors/effects.hpp"
#include "core/random.hpp"
#include "core/slab.hpp"

namespace reveille {

/// 503 with a jittered Retry-After for a REGISTER (straight to its source) or a request (on its transaction); nothing for
/// the rest, which only make sense to a subscriber that has a call. nullopt also when the pool is at its bound.
std::optional<effect> refusal_of(const subscriber_event& event, slab_pool& pool, random_source& random);

}  // namespace reveille
