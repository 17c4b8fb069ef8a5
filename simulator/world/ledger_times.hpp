/// Within what time the ledger believes what it sees: how long the engine may take, which events may change places.
#pragma once

#include <chrono>
#include <cstddef>

#include "core/time.hpp"

namespace reveille::world {

/// Events that reach the engine within this time of each other may be decided in either order: two hand-overs of the
/// schedule, with room.
inline constexpr nanoseconds either_order = std::chrono::milliseconds(20);
/// The same when subscribers may have to be loaded from a slow store first.
inline constexpr nanoseconds cold = std::chrono::milliseconds(1500);
/// So many calls of one callee in a minute stay below the limits on pushes (30) and parked calls (16).
inline constexpr std::size_t calls_below_every_limit = 8;
/// A call that lives longer has had its pushes ordered, the slowest bucket write included.
inline constexpr nanoseconds push_patience = std::chrono::milliseconds(200);
/// The deadline of a call whose INVITE names none.
inline constexpr nanoseconds parked_for = std::chrono::seconds(30);
/// Until the removal of an answered call is on this world's disk: 100 ms on a good one, queued slow writes here.
inline constexpr nanoseconds removal_durable = std::chrono::milliseconds(3000);
/// SPEC 3.4a: a device that un-registered while a call waits may come back so much later.
inline constexpr nanoseconds left_grace = std::chrono::milliseconds(3000);
/// ARCHITECTURE 3: a slow disk keeps the push back no longer.
inline constexpr nanoseconds bucket_write_late = std::chrono::milliseconds(50);

}  // namespace reveille::world
