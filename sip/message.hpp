/// A parsed SIP message: offsets into a refcounted slab, immutable after parse().
///
/// Views returned here point into the message's slab and live as long as some message_ptr does; keep the
/// pointer, not the view. What outlives the turn (a binding, a parked INVITE) is copied to an exact size.
#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/flow.hpp"
#include "core/result.hpp"
#include "core/slab.hpp"
#include "sip/types.hpp"
#include "sip/uri.hpp"

namespace reveille::sip {

class message;
using message_ptr = boost::intrusive_ptr<const message>;

/// Why a message was refused: `status` is what a request may be answered with (0 = drop silently, as for every
/// malformed response and for requests whose Via or CSeq cannot be read), `reason` a closed set for metrics.
struct reject {
  int status = 400;
  std::string_view reason;  ///< static text, e.g. "content-length", "bare-lf", "duplicate-from"
};

/// One Via element (RFC 3261 20.42, RFC 3581).
struct via_view {
  std::string_view transport;  ///< "UDP"
  std::string_view host;
  std::uint16_t port = 0;      ///< 0 = default
  std::string_view branch;     ///< "" in RFC 2543 messages
  std::optional<std::string_view> rport;
  std::optional<std::string_view> received;
  params_view params;
  std::string_view text;       ///< the whole element
};

struct cseq_view {
  std::uint32_t number = 0;
  sip::method method = sip::method::other;
  std::string_view method_text;
};

class message {
 public:
  /// Takes `size` octets at the start of `bytes` (exclusively ours: folded lines are blanked in place).
  /// Checks what SIP.md section 5 lists; SIP version, schemes and unknown methods are the core's to judge, as is
  /// a CSeq method that differs from the start line's (accessors below tell).
  /// @param datagram octets past Content-Length are dropped (true) or an error for the framer to have cut (false).
  static result<message_ptr, reject> parse(slab_ptr bytes, std::size_t size, bool datagram);

  bool is_request() const;
  // request
  sip::method method() const;
  std::string_view method_text() const;
  std::string_view request_uri() const;
  std::string_view version() const;               ///< "SIP/2.0"
  // response
  int status() const;
  std::string_view reason() const;
  // both
  std::string_view call_id() const;
  cseq_view cseq() const;
  const via_view& top_via() const;
  std::size_t via_count() const;                  ///< elements, not lines
  std::string_view from_tag() const;              ///< "" when none
  std::string_view to_tag() const;
  name_addr_view from() const;
  name_addr_view to() const;
  std::optional<std::uint32_t> max_forwards() const;
  std::string_view body() const;
  std::string_view text() const;                  ///< all octets, body included

  /// Value of the first field of that kind, blanks trimmed.
  std::optional<std::string_view> first(header h) const;
  std::optional<std::string_view> first(std::string_view name) const;  ///< any field, by full name
  std::size_t count(header h) const;              ///< lines
  /// visit(value) for each line, in order; for_each_element splits comma lists outside quotes and <>.
  template <class Visit>
  void for_each(header h, Visit&& visit) const;
  template <class Visit>
  void for_each_element(header h, Visit&& visit) const;

  /// What the slab this message pins costs.
  std::size_t pinned_bytes() const;
  /// A copy in memory of its exact size, outside any pool: for what waits (a parked INVITE).
  message_ptr compact_copy() const;
};

}  // namespace reveille::sip
