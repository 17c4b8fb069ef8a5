#include "actors/caller_share.hpp"

#include <algorithm>
#include <tuple>
#include <vector>

namespace reveille {
namespace {

bool same_address(const caller_source& a, const caller_source& b) {
  return a.remote.v6 == b.remote.v6 && a.remote.address == b.remote.address;
}

bool before(const caller_source& a, const caller_source& b) {
  if (!same_address(a, b)) return std::tie(a.remote.v6, a.remote.address) < std::tie(b.remote.v6, b.remote.address);
  return std::tie(a.remote.port, a.kind) < std::tie(b.remote.port, b.kind);
}

}  // namespace

std::size_t taken_places(std::span<const caller_source> held, const caller_source& by, std::size_t limit) {
  if (held.size() < limit) return held.size();
  if (by.trusted) {
    const auto trusted = static_cast<std::size_t>(
        std::count_if(held.begin(), held.end(), [](const caller_source& h) { return h.trusted; }));
    return trusted + std::min(held.size() - trusted, limit / 2);
  }
  const std::size_t of_one_flow = (limit + 1) / 2;
  const std::size_t of_one_address = (3 * limit + 3) / 4;
  std::size_t taken = 0;
  std::vector<caller_source> others;  // only at the limit
  for (const caller_source& h : held) {
    if (h.trusted || h == by) {
      ++taken;
    } else {
      others.push_back(h);
    }
  }
  std::sort(others.begin(), others.end(), before);
  for (auto at = others.begin(); at != others.end();) {
    std::size_t of_address = 0;
    const bool neighbour = same_address(*at, by);
    const caller_source first = *at;
    while (at != others.end() && same_address(*at, first)) {
      const caller_source flow = *at;
      std::size_t of_flow = 0;
      for (; at != others.end() && *at == flow; ++at) ++of_flow;
      of_address += std::min(of_flow, of_one_flow);
    }
    taken += neighbour ? of_address : std::min(of_address, of_one_address);
  }
  return taken;
}

}  // namespace reveille
