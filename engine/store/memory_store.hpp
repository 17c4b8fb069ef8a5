/// A store in memory, for tests and for the virtual world. Nothing happens by itself: each operation waits until
/// complete() performs and answers it, so that a test or a seed decides when, in which order and with what luck.
#pragma once

#include "actors/ports/store.hpp"

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <vector>

namespace reveille {

/// Threads: one. Bound: `limit` waiting operations; more are refused and counted.
class memory_store : public store {
 public:
  static constexpr std::size_t default_limit = 65536;

  explicit memory_store(std::size_t limit = default_limit) : limit_(limit) {}

  /// Names the inbox of a shard. Before its first operation; not owned, must outlive the last complete().
  void answer_to(shard_id shard, store_answers& inbox);

  bool try_load(shard_id from, aor_key key, const aor& of, store_token token) override;
  bool try_write(shard_id from, aor_key key, const aor& of, store_mutation change, store_token token) override;

  struct operation {
    shard_id from;
    aor_key key;
    aor of;
    std::optional<store_mutation> change;  ///< absent: a load
    store_token token;
  };
  std::size_t waiting() const { return waiting_.size(); }
  const operation& at(std::size_t index) const { return waiting_[index]; }
  /// False while an earlier operation of the same AOR waits: only orders that the port allows are tried.
  bool may_complete(std::size_t index) const;
  /// Performs and answers one. A failed write changes nothing. @pre index < waiting(), may_complete(index)
  void complete(std::size_t index = 0, bool ok = true);
  void complete_all();
  /// kill -9: what waits never happened and is never answered.
  void forget_waiting() { waiting_.clear(); }

  const std::map<aor, subscriber_record>& records() const { return records_; }
  std::optional<subscriber_record> find(const aor& of) const;
  std::size_t refused() const { return refused_; }

 private:
  bool admit(operation&& wanted);

  std::size_t limit_;
  std::size_t refused_ = 0;
  std::vector<store_answers*> inboxes_;
  std::deque<operation> waiting_;
  std::map<aor, subscriber_record> records_;
};

}  // namespace reveille
