#include "engine/admin/store_lookup.hpp"

#include <functional>

namespace reveille {

result<std::optional<subscriber_record>> store_lookup::find(const aor& of) {
  std::unique_lock lock(mutex_);
  answer_.reset();
  const store_token token{++asked_};
  lock.unlock();
  if (!store_.try_load(self_, {std::hash<aor>{}(of)}, of, token)) return failure("the store's queue is full");
  lock.lock();
  if (!answered_.wait_for(lock, patience, [this] { return answer_.has_value(); })) {
    return failure("the store did not answer in time");
  }
  return *std::move(answer_);
}

void store_lookup::loaded(aor_key, const aor&, store_token token, result<std::optional<subscriber_record>> record) {
  const std::lock_guard lock(mutex_);
  if (token.value != asked_) return;
  answer_ = std::move(record);
  answered_.notify_one();
}

void store_lookup::written(aor_key, const aor&, store_token, bool) {}  // it never writes

}  // namespace reveille
