/// Reads the stored bindings of all AORs, a page at a time. Only rocksdb_store and its tests include this.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "engine/store/rocksdb_store.hpp"

namespace reveille {

class rocksdb_files;

/// Up to `most` AORs behind `after` in the database's order. A damaged record is passed over: no load would find it.
result<std::vector<rocksdb_store::stored_bindings>> read_bindings_page(rocksdb_files& files, std::string_view after,
                                                                       std::size_t most);

}  // namespace reveille
