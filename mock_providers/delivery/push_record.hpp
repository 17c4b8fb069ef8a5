/// What arrived, for tests and truth checks: a ring of the newest pushes. Threads: one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

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
  int status = 0;          ///< 200 = accepted; 0 = never answered, by silence or reset
  std::string reason;      ///< "" when accepted
  std::string payload;
  std::string also;        ///< the word that the check behind the first mistake would have had, "" = none
};

/// Borrowed: copied into a slot of the ring, whose strings keep their memory.
struct push_view {
  wall_time at;
  pns::provider provider = pns::provider::apns;
  std::string_view token, app, push_type, id;
  int status = 0;
  std::string_view reason, payload, also = {};
};

class push_record {
 public:
  explicit push_record(std::size_t limit) : limit_(limit) {}

  void add(const push_view& what) {
    if (limit_ == 0) return;
    ++added_;
    if (ring_.size() < limit_ && size_ == ring_.size()) ring_.emplace_back();
    received_push& slot = ring_[(first_ + size_) % ring_.size()];
    if (size_ == limit_) {
      first_ = (first_ + 1) % limit_;
    } else {
      ++size_;
    }
    slot.at = what.at;
    slot.provider = what.provider;
    slot.token.assign(what.token);
    slot.app.assign(what.app);
    slot.push_type.assign(what.push_type);
    slot.id.assign(what.id);
    slot.status = what.status;
    slot.reason.assign(what.reason);
    slot.payload.assign(what.payload);
    slot.also.assign(what.also);
  }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  /// 0 is the oldest.
  const received_push& operator[](std::size_t i) const { return ring_[(first_ + i) % ring_.size()]; }
  void clear() { first_ = size_ = 0; }
  std::size_t limit() const { return limit_; }
  /// Pushes are numbered from 1 in the order of their coming, and never again: this is the oldest one's that is kept.
  std::uint64_t first_number() const { return added_ - size_ + 1; }

 private:
  std::size_t limit_;
  std::vector<received_push> ring_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
  std::uint64_t added_ = 0;
};

}  // namespace reveille::mock_providers
