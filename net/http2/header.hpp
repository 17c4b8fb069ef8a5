/// Header fields as HTTP/2 carries them (RFC 9113 8.2), for both halves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace reveille::http2 {

/// How HPACK may keep a field (RFC 7541 6.2). APNs keeps a small table: only what repeats belongs there.
enum class indexing : std::uint8_t {
  yes,    ///< incremental indexing (nghttp2 still leaves :path and content-length out)
  first,  ///< indexed in the first request of a connection, so that later ones need not spell the name; then a literal
  never,  ///< never-indexed literal: credentials
};

/// Borrowed; names in lower case.
struct header {
  std::string_view name;
  std::string_view value;
  indexing keep = indexing::yes;
};

/// Received fields in one piece of memory, in the order in which they came. Reused from stream to stream: no
/// allocation once it has grown.
class header_block {
 public:
  void clear() {
    text_.clear();
    fields_.clear();
  }
  /// @return false when the field would take the block over `limit` octets (names, values and 32 each, as
  ///         RFC 9113 6.5.2 counts); it is then not kept.
  bool add(std::string_view name, std::string_view value, std::size_t limit) {
    if (octets_with(name.size() + value.size()) > limit) return false;
    fields_.push_back({static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(name.size()),
                       static_cast<std::uint32_t>(value.size())});
    text_.append(name);
    text_.append(value);
    return true;
  }

  std::size_t size() const { return fields_.size(); }
  header at(std::size_t i) const {
    const field& f = fields_[i];
    const std::string_view all = text_;
    return {all.substr(f.start, f.name), all.substr(f.start + f.name, f.value)};
  }
  /// The first field of that name, or "" (which HTTP does not tell from an empty value here).
  std::string_view value_of(std::string_view name) const {
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      const header h = at(i);
      if (h.name == name) return h.value;
    }
    return {};
  }
  std::size_t count_of(std::string_view name) const {
    std::size_t n = 0;
    for (std::size_t i = 0; i < fields_.size(); ++i) n += at(i).name == name ? 1U : 0U;
    return n;
  }

 private:
  struct field {
    std::uint32_t start, name, value;
  };
  std::size_t octets_with(std::size_t more) const { return text_.size() + more + 32 * (fields_.size() + 1); }

  std::string text_;
  std::vector<field> fields_;
};

/// Error codes (RFC 9113 7) that our halves name.
enum class error_code : std::uint32_t {
  no_error = 0x0,
  protocol_error = 0x1,
  internal_error = 0x2,
  flow_control_error = 0x3,
  refused_stream = 0x7,
  cancel = 0x8,
  enhance_your_calm = 0xb,
  http_1_1_required = 0xd,
};

}  // namespace reveille::http2
