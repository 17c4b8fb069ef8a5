/// What one caller may take of the places that a callee has for all: parked calls, pushes of a minute (SPEC 3.2a).
#pragma once

#include <cstddef>
#include <span>

#include "actors/peer_trust.hpp"
#include "core/flow.hpp"

namespace reveille {

/// Where an INVITE came from.
struct caller_source {
  endpoint remote;
  transport kind = transport::udp;
  bool trusted = false;

  static caller_source of(const flow& from, peer_trust trust) {
    return {from.remote, from.kind, trust == peer_trust::trusted};
  }
  bool operator==(const caller_source&) const = default;
};

/// How many of `limit` places are taken as `by` sees it: those that it holds itself and those of trusted peers all count, of
/// another flow at most half of the limit, of another address at most three quarters; for a trusted peer all others
/// together at most half. So a caller that is alone may take all, and leaves no other without.
std::size_t taken_places(std::span<const caller_source> held, const caller_source& by, std::size_t limit);

}  // namespace reveille
