#include "engine/store/record_codec.hpp"

#include <cassert>
#include <cstdint>
#include <cstring>

namespace reveille::record_codec {
namespace {

constexpr std::size_t size_octets = 2;
constexpr std::size_t call_octets = sizeof(call_ref{}.bytes);

template <std::size_t Octets>
void append_number(std::string& out, std::uint64_t value) {
  for (std::size_t i = 0; i < Octets; ++i) out += static_cast<char>((value >> (8 * i)) & 0xff);
}

void append_time(std::string& out, wall_time t) {
  append_number<8>(out, static_cast<std::uint64_t>(t.time_since_epoch().count()));
}

/// Longer texts cannot come from SIP (64 KiB a message), so cutting here is a last fence, not a feature.
void append_text(std::string& out, std::string_view text) {
  text = text.substr(0, text_limit);
  append_number<4>(out, text.size());
  out += text;
}

/// Takes fields off the front; the first that does not fit makes everything after it fail.
class reader {
 public:
  explicit reader(std::string_view bytes) : left_(bytes) {}

  template <std::size_t Octets>
  std::uint64_t number() {
    if (!ok_ || left_.size() < Octets) {
      ok_ = false;
      return 0;
    }
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < Octets; ++i) {
      value |= static_cast<std::uint64_t>(static_cast<unsigned char>(left_[i])) << (8 * i);
    }
    left_.remove_prefix(Octets);
    return value;
  }
  /// Times outside of what a clock can say would overflow the arithmetic done with them later.
  wall_time time() {
    constexpr std::int64_t year_9999 = 253402300799999;
    const auto ms = static_cast<std::int64_t>(number<8>());
    if (ms < 0 || ms > year_9999) ok_ = false;
    return wall_time(milliseconds(ok_ ? ms : 0));
  }
  std::string text() {
    const std::uint64_t size = number<4>();
    if (!ok_ || size > text_limit || size > left_.size()) {
      ok_ = false;
      return {};
    }
    std::string value(left_.substr(0, static_cast<std::size_t>(size)));
    left_.remove_prefix(static_cast<std::size_t>(size));
    return value;
  }
  bool flag() {
    const std::uint64_t value = number<1>();
    if (value > 1) ok_ = false;
    return value == 1;
  }
  bool starts_with_version() { return number<1>() == static_cast<unsigned char>(version) && ok_; }
  bool complete() const { return ok_ && left_.empty(); }

 private:
  std::string_view left_;
  bool ok_ = true;
};

}  // namespace

void append_key(std::string& out, std::string_view of) {
  assert(of.size() <= aor_limit);
  out += static_cast<char>((of.size() >> 8) & 0xff);
  out += static_cast<char>(of.size() & 0xff);
  out += of;
}

void append_key(std::string& out, std::string_view of, const call_ref& call) {
  append_key(out, of);
  out.append(reinterpret_cast<const char*>(call.bytes.data()), call_octets);
}

void append(std::string& out, const bucket_entry& entry) {
  out += version;
  append_time(out, entry.date);
  append_time(out, entry.deadline);
  append_number<1>(out, entry.over ? 1 : 0);
  append_text(out, entry.remote_uri);
  append_text(out, entry.display_name);
}

void append(std::string& out, const parked_invite& invite) {
  out += version;
  append_time(out, invite.arrived);
  append_time(out, invite.deadline);
  append_text(out, invite.source);
  append_text(out, invite.invite);
}

std::string_view prefix_of(std::string_view key) {
  if (key.size() < size_octets) return {};
  const std::size_t size =
      static_cast<std::size_t>(static_cast<unsigned char>(key[0])) << 8 | static_cast<unsigned char>(key[1]);
  if (size > aor_limit || key.size() < size_octets + size) return {};
  return key.substr(0, size_octets + size);
}

std::optional<key_parts> parse_key(std::string_view key) {
  const std::string_view prefix = prefix_of(key);
  if (prefix.empty()) return std::nullopt;
  key_parts parts{prefix.substr(size_octets), std::nullopt};
  const std::string_view rest = key.substr(prefix.size());
  if (rest.empty()) return parts;
  if (rest.size() != call_octets) return std::nullopt;
  parts.call.emplace();
  std::memcpy(parts.call->bytes.data(), rest.data(), call_octets);
  return parts;
}

std::optional<std::string_view> decode_bindings(std::string_view value) {
  if (value.size() < 2 || value.front() != version) return std::nullopt;
  return value.substr(1);
}

std::optional<bucket_entry> decode_bucket_entry(const call_ref& call, std::string_view value) {
  reader in(value);
  if (!in.starts_with_version()) return std::nullopt;
  bucket_entry entry;
  entry.call = call;
  entry.date = in.time();
  entry.deadline = in.time();
  entry.over = in.flag();
  entry.remote_uri = in.text();
  entry.display_name = in.text();
  if (!in.complete()) return std::nullopt;
  return entry;
}

std::optional<parked_invite> decode_parked_invite(const call_ref& call, std::string_view value) {
  reader in(value);
  if (!in.starts_with_version()) return std::nullopt;
  parked_invite invite;
  invite.call = call;
  invite.arrived = in.time();
  invite.deadline = in.time();
  invite.source = in.text();
  invite.invite = in.text();
  if (!in.complete()) return std::nullopt;
  return invite;
}

}  // namespace reveille::record_codec
