#include "engine/store/bindings_page.hpp"

#include <memory>

#include "engine/store/record_codec.hpp"
#include "engine/store/rocksdb_files.hpp"

namespace reveille {

result<std::vector<rocksdb_store::stored_bindings>> read_bindings_page(rocksdb_files& files, std::string_view after,
                                                                       std::size_t most) {
  rocksdb::ReadOptions options;
  options.total_order_seek = true;
  options.fill_cache = false;  // the blocks are wanted once
  const std::unique_ptr<rocksdb::Iterator> at(files.db().NewIterator(options, files.bindings()));
  std::string first;
  if (!after.empty()) record_codec::append_key(first, after);
  std::vector<rocksdb_store::stored_bindings> out;
  for (at->Seek(first); at->Valid() && out.size() < most; at->Next()) {
    const auto key = record_codec::parse_key({at->key().data(), at->key().size()});
    const auto value = record_codec::decode_bindings({at->value().data(), at->value().size()});
    if (!key || key->of == after || !value) continue;
    out.push_back({aor(std::string(key->of)), std::string(*value)});
  }
  if (!at->status().ok()) return failure(at->status().ToString());
  return out;
}

}  // namespace reveille
