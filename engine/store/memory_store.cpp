#include "engine/store/memory_store.hpp"

#include "engine/store/mutations.hpp"

#include <cassert>

namespace reveille {

void memory_store::answer_to(shard_id shard, store_answers& inbox) {
  if (inboxes_.size() <= shard.value) inboxes_.resize(std::size_t{shard.value} + 1, nullptr);
  inboxes_[shard.value] = &inbox;
}

bool memory_store::admit(operation&& wanted) {
  assert(wanted.from.value < inboxes_.size() && inboxes_[wanted.from.value] != nullptr);
  if (waiting_.size() >= limit_) {
    ++refused_;
    return false;
  }
  waiting_.push_back(std::move(wanted));
  return true;
}

bool memory_store::try_load(shard_id from, aor_key key, const aor& of, store_token token) {
  return admit({from, key, of, std::nullopt, token});
}

bool memory_store::try_write(shard_id from, aor_key key, const aor& of, store_mutation change, store_token token) {
  return admit({from, key, of, std::move(change), token});
}

bool memory_store::may_complete(std::size_t index) const {
  for (std::size_t i = 0; i < index; ++i) {
    if (waiting_[i].of == waiting_[index].of) return false;
  }
  return true;
}

void memory_store::complete(std::size_t index, bool ok) {
  assert(index < waiting_.size() && may_complete(index));
  const operation done = std::move(waiting_[index]);
  waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(index));
  store_answers& inbox = *inboxes_[done.from.value];
  if (!done.change) {
    if (ok) {
      inbox.loaded(done.key, done.of, done.token, find(done.of));
    } else {
      inbox.loaded(done.key, done.of, done.token, failure("the store could not read"));
    }
    return;
  }
  if (ok) {
    subscriber_record& record = records_[done.of];
    apply(record, *done.change);
    if (is_empty(record)) records_.erase(done.of);
  }
  if (done.token.value != 0) inbox.written(done.key, done.of, done.token, ok);
}

void memory_store::complete_all() {
  while (!waiting_.empty()) complete();
}

std::optional<subscriber_record> memory_store::find(const aor& of) const {
  const auto found = records_.find(of);
  if (found == records_.end()) return std::nullopt;
  return found->second;
}

}  // namespace reveille
