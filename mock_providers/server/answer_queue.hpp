/// Decisions and pauses that wait for their time, the earliest first. Pure. Threads: one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "mock_providers/server/provider_session.hpp"

namespace reveille::mock_providers {

class answer_queue {
 public:
  /// Answers held back at once; beyond, they go out with the next advance().
  static constexpr std::size_t max_waiting = 200'000;

  /// @param what nullopt: a pause in reading is over then.
  void add(steady_time due, std::weak_ptr<answering_session*> session, std::uint32_t stream, std::optional<decision> what) {
    if (what && waiting_.size() >= max_waiting) due = steady_time{};
    waiting_.push_back({due, order_++, std::move(session), stream, std::move(what)});
    std::push_heap(waiting_.begin(), waiting_.end(), later{});
  }
  /// Carries out what is due; sessions that are gone are passed over.
  void advance(steady_time now) {
    while (!waiting_.empty() && waiting_.front().due <= now) {
      std::pop_heap(waiting_.begin(), waiting_.end(), later{});
      const entry next = std::move(waiting_.back());
      waiting_.pop_back();
      const auto session = next.session.lock();
      if (!session) continue;
      if (next.what) (*session)->carry_out(next.stream, *next.what);
      else (*session)->resume();
    }
  }
  bool empty() const { return waiting_.empty(); }
  std::size_t size() const { return waiting_.size(); }

 private:
  struct entry {
    steady_time due;
    std::uint64_t order;
    std::weak_ptr<answering_session*> session;
    std::uint32_t stream;
    std::optional<decision> what;
  };
  struct later {
    bool operator()(const entry& a, const entry& b) const { return a.due != b.due ? a.due > b.due : a.order > b.order; }
  };
  std::vector<entry> waiting_;   ///< heap, the next one in front
  std::uint64_t order_ = 0;
};

}  // namespace reveille::mock_providers
