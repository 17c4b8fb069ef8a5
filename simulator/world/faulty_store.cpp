#include "simulator/world/faulty_store.hpp"

#include <algorithm>

#include "engine/store/mutations.hpp"

namespace reveille::world {

nanoseconds faulty_store::delay() {
  return when_.chance(faults_.slow) ? when_.between(milliseconds(100), seconds(1))
                                    : when_.between(faults_.fastest, faults_.slowest);
}

bool faulty_store::try_load(shard_id from, aor_key key, const aor& of, store_token token) {
  if (when_.chance(faults_.queue_full)) return false;
  when_.in_order("store " + of.str(), delay(), [this, from, key, of, token, generation = generation_] {
    store_answers* to = generation == generation_ ? answers_(from) : nullptr;
    if (to == nullptr) return;
    if (when_.chance(faults_.load_fails)) {
      to->loaded(key, of, token, failure("the disk is gone"));
      return;
    }
    const auto found = records_.find(of.str());
    to->loaded(key, of, token, found == records_.end() ? std::optional<subscriber_record>() : found->second);
  });
  return true;
}

bool faulty_store::try_write(shard_id from, aor_key key, const aor& of, store_mutation change, store_token token) {
  if (when_.chance(faults_.queue_full)) return false;
  listed_.insert(of.str());
  const auto* bindings = std::get_if<put_bindings>(&change);
  const bool behind = bindings != nullptr && bindings->urgency == write_urgency::behind;
  const nanoseconds company = behind ? when_.between(nanoseconds(0), milliseconds(60)) : nanoseconds(0);
  when_.in_order("store " + of.str(), delay() + company,
                 [this, from, key, of, token, change = std::move(change), generation = generation_] {
                   if (generation != generation_) return;
                   const bool ok = !when_.chance(faults_.write_fails);
                   if (ok) keep(of.str(), change);
                   if (store_answers* to = answers_(from); to != nullptr && token.value != 0) {
                     to->written(key, of, token, ok);
                   }
                 });
  return true;
}

bool faulty_store::holds(const std::string& user, const call_ref& call) const {
  const auto found = records_.find(user + "@example.com");
  if (found == records_.end()) return false;
  const auto& bucket = found->second.bucket;
  return std::any_of(bucket.begin(), bucket.end(), [&](const bucket_entry& e) { return e.call == call; });
}

void faulty_store::crash() {
  ++generation_;
  listed_.clear();
  for (const auto& [name, record] : records_) listed_.insert(name);
}

std::vector<std::string> faulty_store::resumable(wall_time now) const {
  std::vector<std::string> out;
  for (const auto& [name, record] : records_) {
    const auto& parked = record.parked;
    if (std::any_of(parked.begin(), parked.end(), [&](const parked_invite& p) { return p.deadline > now; })) out.push_back(name);
  }
  return out;
}

void faulty_store::keep(const std::string& name, const store_mutation& change) {
  subscriber_record& record = records_[name];
  apply(record, change);
  if (record.bindings.empty() && record.bucket.empty() && record.parked.empty()) records_.erase(name);
}

}  // namespace reveille::world
