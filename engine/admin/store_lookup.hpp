/// Looks subscribers up in the store for the admin API: one question at a time, each with a deadline.
#pragma once

#include "engine/admin/admin_api.hpp"

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>

namespace reveille {

/// Threads: find() on the admin thread, the answers on the store's. The store must know this inbox by `self`
/// (answer_to()) and be gone before it.
class store_lookup final : public subscriber_lookup, public store_answers {
 public:
  static constexpr std::chrono::seconds patience{2};  ///< then the question is given up: 503

  /// @param self a number that no shard has
  store_lookup(store& from, shard_id self) : store_(from), self_(self) {}

  result<std::optional<subscriber_record>> find(const aor& of) override;

  void loaded(aor_key key, const aor& of, store_token token, result<std::optional<subscriber_record>> record) override;
  void written(aor_key key, const aor& of, store_token token, bool ok) override;

 private:
  store& store_;
  const shard_id self_;
  std::mutex mutex_;
  std::condition_variable answered_;
  std::uint64_t asked_ = 0;  ///< the token of the question that waits; answers to earlier ones are late
  std::optional<result<std::optional<subscriber_record>>> answer_;
};

}  // namespace reveille
