/// How long the stages of calls take (SPEC 7), from the subscribers' notes.
///
/// A direct-mapped table of fixed size: a call that falls on another's place overwrites it (counted). So it costs no
/// allocation, and what is lost is a sample, never a call.
#pragma once

#include <cstdint>
#include <vector>

#include "actors/effects.hpp"
#include "core/time.hpp"
#include "engine/shard/shard_counters.hpp"

namespace reveille {

class stage_clock {
 public:
  static constexpr std::size_t places = 8192;  ///< half a megabyte; 270 calls/s of 30 s each

  static constexpr std::size_t leaving_limit = 4096;  ///< INVITEs of one turn whose time is kept

  explicit stage_clock(shard_counters& counters) : counters_(counters), places_(places) {
    leaving_.reserve(leaving_limit);
  }
  void note_of(const note& what, steady_time now);
  /// The kernel has taken what was sent since the last call.
  void sent(steady_time now);

 private:
  struct place {
    call_ref call{};
    steady_time invite_in{}, push_queued{}, push_accepted{}, registered{};
    bool heard = false;      ///< ringing or an answer
  };
  place* find(const call_ref& call);

  shard_counters& counters_;
  std::vector<place> places_;
  std::vector<steady_time> leaving_;   ///< when the REGISTERs came whose INVITEs are among what is being sent
};

}  // namespace reveille
