/// The user part of our Record-Route (RFC 5626 5.3): both ends of a dialog, signed, so that each finds the other
/// behind its NAT without any state here.
///
/// The MAC covers the Call-ID too: a token is good for its own dialog only, so that nobody uses one to send
/// through us what he likes.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/flow.hpp"
#include "core/hash.hpp"

namespace reveille {

struct flow_token {
  struct end {
    std::uint8_t listener = 0;
    endpoint remote;
    auto operator<=>(const end&) const = default;
  };
  end callee;
  end caller;                     ///< where the INVITE came from
  bool caller_direct = false;     ///< it had one Via: the caller itself is there, no proxy
  std::uint32_t caller_tag = 0;   ///< hash of the caller's From tag: tells who sends an in-dialog request
  auto operator<=>(const flow_token&) const = default;
};

class flow_token_text {
 public:
  static constexpr std::size_t capacity = 96;
  std::string_view view() const { return {text_, size_}; }

 private:
  friend flow_token_text write_flow_token(const flow_token&, std::string_view, hash_key);
  char text_[capacity];
  std::size_t size_ = 0;
};

flow_token_text write_flow_token(const flow_token& what, std::string_view call_id, hash_key secret);
/// nullopt for what we have not signed for this Call-ID.
std::optional<flow_token> read_flow_token(std::string_view user, std::string_view call_id, hash_key secret);
/// What flow_token::caller_tag holds of a From tag.
std::uint32_t tag_hash(std::string_view tag, hash_key secret);

}  // namespace reveille
