#include "engine/store/rocksdb_batch.hpp"

#include "engine/store/log_replay.hpp"
#include "engine/store/record_codec.hpp"

#include <algorithm>
#include <memory>
#include <tuple>

namespace reveille {
namespace {

constexpr std::size_t kept_bytes = std::size_t{1} << 20;  ///< of a batch for the next one

std::string_view text(const rocksdb::Slice& s) {
  return {s.data(), s.size()};
}

}  // namespace

void commit_batch::clear(rocksdb_files& files, wall_time now) {
  files_ = &files;
  if (batch_.GetDataSize() > kept_bytes) {
    batch_ = rocksdb::WriteBatch();
    std::string().swap(value_);
  }
  batch_.Clear();
  touched_.clear();
  stamp(batch_, now);
}

void commit_batch::put_bindings_of(std::string_view of, const put_bindings& change) {
  key_.clear();
  record_codec::append_key(key_, of);
  if (change.encoded.empty()) {
    batch_.Delete(files_->bindings(), key_);
    return;
  }
  const rocksdb::Slice key(key_);
  const rocksdb::Slice value[] = {rocksdb::Slice(&record_codec::version, 1),
                                  change.encoded};  // no copy to put the version in front
  batch_.Put(files_->bindings(), rocksdb::SliceParts(&key, 1), rocksdb::SliceParts(value, 2));
}

void commit_batch::put_entry(const bucket_entry& entry) {
  value_.clear();
  record_codec::append(value_, entry);
  batch_.Put(files_->bucket(), key_, value_);
  touched_[key_] = true;
}

std::optional<bool> commit_batch::entry_exists(const std::string& key) const {
  if (const auto found = touched_.find(key); found != touched_.end()) return found->second;
  rocksdb::PinnableSlice value;
  const rocksdb::Status s = files_->db().Get(rocksdb::ReadOptions(), files_->bucket(), key, &value);
  if (s.ok()) return true;
  if (s.IsNotFound()) return false;
  return std::nullopt;
}

bool commit_batch::add(std::string_view of, const store_mutation& change) {
  if (of.size() > record_codec::aor_limit) return false;
  const auto key_of = [&](const call_ref& call) {
    key_.clear();
    record_codec::append_key(key_, of, call);
  };
  if (const auto* bindings = std::get_if<put_bindings>(&change)) {
    put_bindings_of(of, *bindings);
  } else if (const auto* added = std::get_if<add_bucket_entry>(&change)) {
    key_of(added->entry.call);
    put_entry(added->entry);
    if (added->invite) {
      key_of(added->invite->call);
      value_.clear();
      record_codec::append(value_, *added->invite);
      batch_.Put(files_->parked(), key_, value_);
    }
  } else if (const auto* updated = std::get_if<update_bucket_entry>(&change)) {
    key_of(updated->entry.call);
    const std::optional<bool> there = entry_exists(key_);
    if (!there) return false;
    if (*there) put_entry(updated->entry);
  } else if (const auto* removed = std::get_if<remove_bucket_entries>(&change)) {
    for (const call_ref& call : removed->calls) {
      key_of(call);
      batch_.Delete(files_->bucket(), key_);
      touched_[key_] = false;
    }
  } else if (const auto* parked = std::get_if<remove_parked>(&change)) {
    key_of(parked->call);
    batch_.Delete(files_->parked(), key_);
  }
  return true;
}

namespace {

/// Reads the items of one AOR from a scanned family. `take(call, value)` says whether it could be decoded.
template <class Take>
bool read_items(rocksdb::Iterator& at, std::string_view prefix, std::size_t& corrupt, Take&& take) {
  std::size_t count = 0;
  for (at.Seek(rocksdb::Slice(prefix.data(), prefix.size())); at.Valid(); at.Next()) {
    const std::string_view key = text(at.key());
    if (!key.starts_with(prefix)) break;
    const auto parts = record_codec::parse_key(key);
    if (++count > loaded_items_limit || !parts || !parts->call || !take(*parts->call, text(at.value()))) {
      ++corrupt;
      return false;
    }
  }
  if (!at.status().ok()) {
    if (at.status().IsCorruption()) ++corrupt;
    return false;
  }
  return true;
}

/// One reader for a whole batch: an iterator costs more than a seek.
class record_reader {
 public:
  explicit record_reader(rocksdb_files& files) {
    rocksdb::ReadOptions options;
    options.prefix_same_as_start = true;
    bucket_.reset(files.db().NewIterator(options, files.bucket()));
    parked_.reset(files.db().NewIterator(options, files.parked()));
  }

  /// Adds bucket and parked INVITEs; false when something could not be read.
  bool read_calls(std::string_view prefix, subscriber_record& into, std::size_t& corrupt) {
    const auto entry = [&](const call_ref& call, std::string_view value) {
      auto decoded = record_codec::decode_bucket_entry(call, value);
      if (decoded) into.bucket.push_back(std::move(*decoded));
      return decoded.has_value();
    };
    const auto invite = [&](const call_ref& call, std::string_view value) {
      auto decoded = record_codec::decode_parked_invite(call, value);
      if (decoded) into.parked.push_back(std::move(*decoded));
      return decoded.has_value();
    };
    if (!read_items(*bucket_, prefix, corrupt, entry) || !read_items(*parked_, prefix, corrupt, invite)) return false;
    std::sort(into.bucket.begin(), into.bucket.end(), [](const bucket_entry& a, const bucket_entry& b) {
      return std::tie(a.date, a.call) < std::tie(b.date, b.call);
    });
    return true;
  }

 private:
  std::unique_ptr<rocksdb::Iterator> bucket_;
  std::unique_ptr<rocksdb::Iterator> parked_;
};

result<std::optional<subscriber_record>> assemble(record_reader& reader, const std::string& key,
                                                  const rocksdb::Status& found, std::string_view bindings,
                                                  std::size_t& corrupt) {
  const result<std::optional<subscriber_record>> unreadable = failure("the stored record cannot be read");
  subscriber_record record;
  if (found.ok()) {
    const auto decoded = record_codec::decode_bindings(bindings);
    if (!decoded) {
      ++corrupt;
      return unreadable;
    }
    record.bindings = *decoded;
  } else if (!found.IsNotFound()) {
    if (found.IsCorruption()) ++corrupt;
    return unreadable;
  }
  if (!key.empty() && !reader.read_calls(key, record, corrupt)) return unreadable;
  if (found.IsNotFound() && record.bucket.empty() && record.parked.empty()) return std::nullopt;
  return record;
}

}  // namespace

load_outcome load_records(rocksdb_files& files, std::span<const aor* const> wanted) {
  load_outcome out;
  out.records.reserve(wanted.size());
  std::vector<std::string> keys(wanted.size());
  std::vector<rocksdb::Slice> slices(wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    // A longer one was never written; its empty key finds nothing.
    if (wanted[i]->view().size() <= record_codec::aor_limit) record_codec::append_key(keys[i], wanted[i]->view());
    slices[i] = keys[i];
  }
  std::vector<rocksdb::PinnableSlice> values(wanted.size());
  std::vector<rocksdb::Status> found(wanted.size());
  files.db().MultiGet(rocksdb::ReadOptions(), files.bindings(), wanted.size(), slices.data(), values.data(),
                      found.data());
  record_reader reader(files);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    out.records.push_back(assemble(reader, keys[i], found[i], text(values[i]), out.corrupt));
  }
  return out;
}

result<parked_scan> scan_parked(rocksdb_files& files, wall_time now) {
  parked_scan out;
  rocksdb::ReadOptions options;
  options.total_order_seek = true;
  rocksdb::WriteBatch over;
  const std::unique_ptr<rocksdb::Iterator> at(files.db().NewIterator(options, files.parked()));
  for (at->SeekToFirst(); at->Valid(); at->Next()) {
    const auto parts = record_codec::parse_key(text(at->key()));
    const auto invite =
        parts && parts->call ? record_codec::decode_parked_invite(*parts->call, text(at->value())) : std::nullopt;
    if (!invite) {
      ++out.corrupt;  // left where it is: the AOR's load will fail and be counted, a person must look
    } else if (invite->deadline <= now) {
      over.Delete(files.parked(), at->key());
      ++out.removed;
    } else if (out.living.empty() || out.living.back().view() != parts->of) {
      out.living.emplace_back(parts->of);
    }
  }
  if (!at->status().ok()) return failure("cannot read the parked calls: " + at->status().ToString());
  if (out.removed != 0) {
    const rocksdb::Status removed = files.db().Write(rocksdb::WriteOptions(), &over);
    if (!removed.ok()) out.removed = 0;  // a full disk: they are over all the same, and go next time
  }
  return out;
}

}  // namespace reveille
