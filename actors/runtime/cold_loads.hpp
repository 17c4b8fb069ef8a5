/// The loads that a home has asked its store for, and behind them those that wait for a place there, in the order in
/// which they came: who waits longest is served or told first. Bounds: loads_in_flight, loads_waiting, load_patience.
///
/// Threads: the home's.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string_view>

#include "actors/ports/store.hpp"
#include "actors/runtime/home.hpp"

namespace reveille {

class cold_loads {
 public:
  cold_loads(const home_config& config, store& durable, shard_id of) : config_(config), store_(durable), home_(of) {}

  /// At once, or as soon as the store has room. @return false when too many wait.
  bool ask(aor_key key, const aor& name, store_token token, steady_time now) {
    if (waiting_.empty() && asked_ < config_.loads_in_flight && store_.try_load(home_, key, name, token)) {
      ++asked_;
      return true;
    }
    if (waiting_.size() >= config_.loads_waiting) return false;
    waiting_.push_back({key, token, now + config_.load_patience});
    return true;
  }
  /// The store has answered one.
  void answered() { --asked_; }

  /// Hands on those for whom the store has room. name_of(key, token) is the AOR's name; too_late(key) hears of each whose
  /// patience is over.
  template <class NameOf, class TooLate>
  void submit(steady_time now, NameOf&& name_of, TooLate&& too_late) {
    while (!waiting_.empty()) {
      const load next = waiting_.front();
      if (next.gives_up <= now) {
        waiting_.pop_front();
        too_late(next.key);
        continue;
      }
      if (asked_ >= config_.loads_in_flight || !store_.try_load(home_, next.key, name_of(next.key, next.token), next.token)) {
        return;
      }
      waiting_.pop_front();
      ++asked_;
    }
  }

  /// When submit() must be called though no answer has come.
  std::optional<steady_time> next_due(steady_time now) const {
    if (waiting_.empty()) return std::nullopt;
    return asked_ == 0 ? now + again : waiting_.front().gives_up;
  }
  std::size_t waiting() const { return waiting_.size(); }

 private:
  /// How soon a store whose queue was full is asked again, when no answer of its is awaited.
  static constexpr milliseconds again{2};

  struct load {
    aor_key key;
    store_token token;
    steady_time gives_up;
  };

  const home_config config_;
  store& store_;
  shard_id home_;
  std::size_t asked_ = 0;
  std::deque<load> waiting_;
};

}  // namespace reveille
