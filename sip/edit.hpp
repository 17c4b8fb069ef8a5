/// Relaying: a message is never rewritten in place. Edits are collected and applied in one pass of memcpy runs
/// into a fresh slab; untouched lines leave octet for octet.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/slab.hpp"
#include "sip/message.hpp"

namespace reveille::sip {

/// Bytes ready for a transport.
struct packet {
  slab_ptr bytes;
  std::uint32_t size = 0;
  std::string_view view() const { return {bytes->data(), size}; }
};

/// Edits of one message. The message and every text given must live until serialise().
/// No allocation: at most `max_edits` of them (assert).
class edits {
 public:
  static constexpr std::size_t max_edits = 48;
  explicit edits(const message& of);

  void replace_request_uri(std::string_view uri);
  void insert_before_first_via(std::string_view lines);   ///< whole lines with CRLF
  void append(std::string_view lines);                    ///< after the last header
  void remove_top_via();                                  ///< the element, or its line when alone
  void set_top_via_received(const endpoint& from);        ///< received= and rport= as RFC 3581 4 and 3261 18.2.1
  void remove_first_element(header h);                    ///< top Route value, say
  void remove_all(header h);
  void replace_value(header h, std::string_view value);   ///< first line of it; appended when absent
  /// Drops the parameters for which drop(name) holds from the URI and header parameters of every Contact.
  void strip_contact_params(bool (*drop)(std::string_view name));
  void replace_body(std::string_view content_type, std::string_view body);

  packet serialise(slab_pool& pool) const;  ///< null packet when the pool is at its bound

 private:
  const message& of_;
  // the owner of this file defines the rest
};

/// A response to `request` (RFC 3261 8.2.6): Via, From, To (with `to_tag` if it had none and status > 100), Call-ID, CSeq, then
/// `extra` lines (each with CRLF) and Content-Length: 0. The top Via gets received/rport from `source`.
packet build_response(const message& request, const endpoint& source, int status, std::string_view to_tag,
                      std::string_view extra, slab_pool& pool, std::string_view reason = {});

}  // namespace reveille::sip
