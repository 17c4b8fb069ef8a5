/// The store's states as an operator reads them in the log: one line for each change, with the system's error and what
/// to do; a state that flaps is told twice a minute at most, and what was left unsaid is counted (SPEC 9.1).
/// Pure: events and `now` in, lines out.
#pragma once

#include "core/time.hpp"
#include "engine/store/store_notice.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace reveille {

/// What mends a disk that answers so, in words for the operator.
std::string_view advice_for(std::string_view error);

class store_states {
 public:
  using line = std::optional<store_notice>;

  static constexpr seconds least_pause{30};      ///< between two lines about the same thing
  static constexpr std::chrono::minutes again{10};  ///< a state that lasts is told again after it
  static constexpr seconds calm{10};             ///< the queue's bound has been left when it was not hit for so long

  /// The disk has refused a write, or does so still.
  line refused(std::string_view error, steady_time now);
  /// Writes are taken again.
  line recovered(steady_time now);
  /// @param refused operations that the bound of the queue has refused so far, all together
  line queue(std::uint64_t refused, steady_time now);

 private:
  struct topic {
    bool holds = false;                     ///< the state holds now
    bool told = false;                      ///< and the log says so
    steady_time since{};
    std::optional<steady_time> last_line;   ///< when it was told that it holds
    std::uint64_t unsaid = 0;               ///< changes that were left out since
  };
  static bool may_say(topic& of, steady_time now);

  topic disk_, queue_;
  std::string error_;                       ///< as told last
  std::uint64_t seen_ = 0;                  ///< refused by the queue, as of the last look
  std::uint64_t before_ = 0;                ///< of these, before the bound was hit this time
  steady_time last_hit_{};
};

}  // namespace reveille
