#include "engine/store/mutations.hpp"

#include <algorithm>
#include <tuple>

namespace reveille {
namespace {

void insert_entry(std::vector<bucket_entry>& bucket, const bucket_entry& entry) {
  std::erase_if(bucket, [&](const bucket_entry& e) { return e.call == entry.call; });
  const auto later = std::find_if(bucket.begin(), bucket.end(), [&](const bucket_entry& e) {
    return std::tie(e.date, e.call) > std::tie(entry.date, entry.call);
  });
  bucket.insert(later, entry);
}

void insert_parked(std::vector<parked_invite>& parked, const parked_invite& invite) {
  std::erase_if(parked, [&](const parked_invite& p) { return p.call == invite.call; });
  const auto later =
      std::find_if(parked.begin(), parked.end(), [&](const parked_invite& p) { return p.call > invite.call; });
  parked.insert(later, invite);
}

struct applier {
  subscriber_record& record;

  void operator()(const put_bindings& change) const { record.bindings = change.encoded; }
  void operator()(const add_bucket_entry& change) const {
    insert_entry(record.bucket, change.entry);
    if (change.invite) insert_parked(record.parked, *change.invite);
  }
  void operator()(const update_bucket_entry& change) const {
    const bool there = std::any_of(record.bucket.begin(), record.bucket.end(),
                                   [&](const bucket_entry& e) { return e.call == change.entry.call; });
    if (there) insert_entry(record.bucket, change.entry);
  }
  void operator()(const remove_bucket_entries& change) const {
    std::erase_if(record.bucket, [&](const bucket_entry& e) {
      return std::find(change.calls.begin(), change.calls.end(), e.call) != change.calls.end();
    });
  }
  void operator()(const remove_parked& change) const {
    std::erase_if(record.parked, [&](const parked_invite& p) { return p.call == change.call; });
  }
};

struct sizer {
  static std::size_t of(const bucket_entry& e) { return sizeof e + e.remote_uri.size() + e.display_name.size(); }

  std::size_t operator()(const put_bindings& c) const { return c.encoded.size(); }
  std::size_t operator()(const add_bucket_entry& c) const {
    return of(c.entry) + (c.invite ? sizeof *c.invite + c.invite->invite.size() + c.invite->source.size() : 0);
  }
  std::size_t operator()(const update_bucket_entry& c) const { return of(c.entry); }
  std::size_t operator()(const remove_bucket_entries& c) const { return c.calls.size() * sizeof(call_ref); }
  std::size_t operator()(const remove_parked&) const { return sizeof(call_ref); }
};

}  // namespace

bool is_empty(const subscriber_record& record) {
  return record.bindings.empty() && record.bucket.empty() && record.parked.empty();
}

void apply(subscriber_record& record, const store_mutation& change) {
  std::visit(applier{record}, change);
}

std::size_t bytes_of(const store_mutation& change) {
  return std::visit(sizer{}, change);
}

}  // namespace reveille
