/// How a subscriber's record lies in an ordered key-value store. By hand, small, versioned; every decoder takes its
/// bytes from a disk that may lie, and answers nothing rather than guess.
///
///   key     size of the AOR (2 octets, big-endian), the AOR, then the call_ref (bucket entry, parked INVITE)
///   value   version (1 octet), then the fields: numbers as 8 octets little-endian, texts as a 4-octet size and octets
///
/// The size in front makes the keys of one AOR exactly those with its prefix: "ann@x" is no prefix of "ann@x.example".
#pragma once

#include "actors/ports/store.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace reveille::record_codec {

inline constexpr std::size_t aor_limit = 1024;         ///< octets; SIP refuses longer ones before they get here
inline constexpr std::size_t text_limit = 256 * 1024;  ///< octets of one text: an INVITE is 64 KiB at most
inline constexpr char version = 1;

/// Each appends to `out`. @pre of.view().size() <= aor_limit
void append_key(std::string& out, std::string_view of);
void append_key(std::string& out, std::string_view of, const call_ref& call);
void append(std::string& out, const bucket_entry& entry);    ///< without its call_ref, which is in the key
void append(std::string& out, const parked_invite& invite);  ///< likewise

struct key_parts {
  std::string_view of;
  std::optional<call_ref> call;
};
/// The octets that all keys of the AOR of `key` share; empty when `key` is none of ours.
std::string_view prefix_of(std::string_view key);
std::optional<key_parts> parse_key(std::string_view key);

/// All octets of `value` must be accounted for.
std::optional<std::string_view> decode_bindings(std::string_view value);
std::optional<bucket_entry> decode_bucket_entry(const call_ref& call, std::string_view value);
std::optional<parked_invite> decode_parked_invite(const call_ref& call, std::string_view value);

}  // namespace reveille::record_codec
