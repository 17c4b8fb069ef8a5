/// Relaying: a message is never rewritten in place. Edits are collected and applied in one pass of memcpy runs
/// into a fresh slab; untouched lines leave octet for octet.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/flow.hpp"
#include "core/slab.hpp"
#include "sip/message.hpp"
#include "sip/packet.hpp"
#include "sip/response.hpp"
#include "sip/writer.hpp"

namespace reveille::sip {

/// Edits of one message. The message and every text given must live until serialise(). All refer to the message as it
/// was parsed: what one edit removes, another cannot bring back, and the same edit twice is the edit once (texts
/// that are inserted at one place come in the order of the calls).
///
/// No allocation up to `max_edits` pieces, which a relay never needs; a Contact list built to exceed it costs a
/// vector, bounded by limits::contacts * limits::params. Not thread-safe.
class edits {
 public:
  static constexpr std::size_t max_edits = 48;
  explicit edits(const message& of) : of_(of) {}
  edits(const edits&) = delete;
  edits& operator=(const edits&) = delete;

  void replace_request_uri(std::string_view uri);         ///< @pre a request
  void insert_before_first_via(std::string_view lines);   ///< whole lines with CRLF
  void append(std::string_view lines);                    ///< after the last header
  void remove_top_via();                                  ///< the element, or its line when alone
  void set_top_via_received(const endpoint& from);        ///< received= and rport= as RFC 3581 4 and 3261 18.2.1
  void remove_first_element(header h);                    ///< top Route value, say
  void remove_all(header h);
  void replace_value(header h, std::string_view value);   ///< first line of it; appended when absent
  /// Max-Forwards less one, or `initial` where there was none (RFC 3261 16.6 step 3). @pre not 0: that is a 483.
  void decrement_max_forwards(std::uint32_t initial = 70);
  /// Drops the parameters for which drop(name) holds from the URI and header parameters of every Contact.
  void strip_contact_params(bool (*drop)(std::string_view name));
  void replace_body(std::string_view content_type, std::string_view body);   ///< Content-Length too

  /// May be called more than once. @return null packet when the pool is at its bound or 64 KiB do not suffice.
  packet serialise(slab_pool& pool) const;

 private:
  /// Octets [begin, end) of the message give way to `text`; begin == end inserts.
  struct piece {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    std::string_view text;
  };

  void add(std::uint32_t begin, std::uint32_t end, std::string_view text);
  void add(std::string_view replaced, std::string_view text);
  void remove_param(std::string_view text);
  void strip(const params_view& params, bool (*drop)(std::string_view name));
  std::uint32_t offset_of(const char* p) const { return static_cast<std::uint32_t>(p - of_.data_); }
  std::uint32_t line_end(std::uint8_t line) const { return of_.lines()[line + 1].begin; }
  std::uint32_t head_end() const { return of_.index_.body_begin - 2; }
  /// Keeps up to 20 octets until serialise().
  std::string_view keep_number(std::uint64_t n);

  const message& of_;
  std::array<piece, max_edits> pieces_;
  std::size_t count_ = 0;
  std::vector<piece> more_;             ///< beyond max_edits
  std::array<char[20], 4> numbers_;
  std::size_t numbers_used_ = 0;
  char address_[address_room];
};

}  // namespace reveille::sip
