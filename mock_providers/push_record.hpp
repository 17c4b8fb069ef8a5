/// What arrived, for tests and truth checks: a ring of the newest pushes. Threads: one.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/time.hpp"
#include "pns/push_params.hpp"

namespace reveille::mock_providers {

struct received_push {
  wall_time at;
  pns::provider provider = pns::provider::apns;
  std::string token;
  std::string app;
  std::string push_type;
  std::string id;
  int status = 0;
  std::string reason;      ///< "" when accepted
  std::string payload;
};

class push_record {
 public:
  explicit push_record(std::size_t limit) : limit_(limit) {}

  /// @return true when a push with this id was accepted before, as far as the ring reaches.
  bool add(received_push what) {
    if (limit_ == 0) return false;
    if (ring_.size() == limit_) {
      forget(ring_.front());
      ring_.pop_front();
    }
    bool repeated = false;
    if (what.status == 200) repeated = ++accepted_ids_[what.id] > 1;
    ring_.push_back(std::move(what));
    return repeated;
  }
  const std::deque<received_push>& pushes() const { return ring_; }
  void clear() {
    ring_.clear();
    accepted_ids_.clear();
  }

 private:
  void forget(const received_push& what) {
    if (what.status != 200) return;
    const auto found = accepted_ids_.find(what.id);
    if (found != accepted_ids_.end() && --found->second == 0) accepted_ids_.erase(found);
  }
  std::size_t limit_;
  std::deque<received_push> ring_;
  std::unordered_map<std::string, std::uint32_t> accepted_ids_;
};

}  // namespace reveille::mock_providers
