/// Who of a home's subscribers is in memory: their directory, how many they are and what they hold, and who goes when that
/// is too much (SPEC 10.1). Whose record is still being read is bounded by cold_loads and not counted; who waits for the
/// end of a write may stand over the bound for so long, as many as loads_in_flight.
///
/// Who goes is chosen here; the home lets him go, for that takes a write, timers and messages. Threads: the home's.
#pragma once

#include <cstddef>

#include "actors/behaviors/subscriber_actor.hpp"
#include "actors/runtime/directory.hpp"
#include "actors/runtime/home.hpp"

namespace reveille {

class residency {
 public:
  /// The home.
  class departures {
   public:
    /// Removes it from here, its address written first. @return false when the store has no room for that.
    virtual bool let_go(subscriber_actor& a) = 0;

   protected:
    ~departures() = default;
  };
  enum class entry : std::uint8_t { granted, too_many, too_many_bytes };

  /// @param addresses_bind a planted mistake: an address that waits to be written keeps its subscriber here
  residency(const home_config& config, departures& home, bool addresses_bind);

  directory<subscriber_actor>& all() { return all_; }
  const directory<subscriber_actor>& all() const { return all_; }
  std::size_t bytes() const { return bytes_; }

  void add(subscriber_actor& a);
  /// The record of one that was added without it is here.
  void arrived(subscriber_actor& a);
  /// @pre its subscriber is still there, if it ever was
  void remove(subscriber_actor& a);
  /// After whatever may have changed what it holds.
  void count(subscriber_actor& a);

  /// Whether one more may come; lets go whom it takes.
  entry admit();
  /// After each turn. Its price is bounded: whom it does not find stands over the bound until the next.
  void shrink() { make_room(0); }
  static bool may_leave(const subscriber_actor& a);
  /// Once all were asked in vain, the first who may leave does.
  bool must_leave(const subscriber_actor& a) const;

 private:
  bool crowded(std::size_t more) const;
  bool too_many() const;
  bool too_many_bytes() const;
  void make_room(std::size_t more);
  /// One at rest; else one whose address must be written first.
  subscriber_actor* next_leaver();
  subscriber_actor* any_leaver();
  bool may_leave_once_written(const subscriber_actor& a) const;

  const home_config config_;
  departures& home_;
  const bool addresses_bind_;
  directory<subscriber_actor> all_;
  std::size_t unread_ = 0;         ///< actors without their record
  std::size_t bytes_ = 0;          ///< sum of counted_bytes
  bool nobody_may_leave_ = false;  ///< all were asked; since then who may leave does so at once
};

}  // namespace reveille
