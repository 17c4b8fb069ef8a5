/// Somebody who has read the others' datagrams, or guesses well, and speaks for them from an address of his own: CANCELs
/// of calls, answers of phones, INVITEs with the branches of callers who come later; and who calls nobody at a rate that
/// fills tables. Nothing of it may be felt by anybody else.
#pragma once

#include <string>
#include <string_view>

#include "core/random.hpp"
#include "core/slab.hpp"
#include "simulator/world/network.hpp"
#include "simulator/world/schedule.hpp"
#include "sip/message.hpp"

namespace reveille::world {

struct forger_habits {
  bool present = false;
  double forges = 0.3;                ///< per datagram that is worth it
  double calls_per_second = 30;        ///< to nobody; acknowledges nothing
};

class forger {
 public:
  forger(schedule& when, network& net, slab_pool& pool, const forger_habits& habits, std::uint64_t seed,
           const endpoint& engine);
  static endpoint address() { return *parse_address("203.0.113.66", 5060); }

  /// Every datagram of the world as it leaves.
  void overhear(const endpoint& from, const endpoint& to, std::string_view bytes);
  /// An INVITE with the branch and sent-by that somebody will use soon.
  void come_before(const endpoint& victim, std::string_view branch);
  void call_nobody(steady_time until);

 private:
  void cancel(const sip::message& invite);
  void answer(const sip::message& invite);
  void send(std::string bytes);

  schedule& when_;
  network& net_;
  slab_pool& pool_;
  forger_habits habits_;
  seeded_random random_;
  endpoint engine_;
  std::uint32_t serial_ = 0;
};

}  // namespace reveille::world
