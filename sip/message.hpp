/// A parsed SIP message: offsets into a refcounted slab, immutable after parse().
///
/// Views returned here point into the message's memory and live as long as some message_ptr does; keep the
/// pointer, not the view. What outlives the turn (a binding, a parked INVITE) is copied to an exact size.
///
/// The message object and its line index lie behind the octets in the same slab, so parsing allocates nothing when
/// the receiver leaves message::index_room octets of capacity; else the index takes one block of memory beside it.
#pragma once

#include <atomic>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/result.hpp"
#include "core/slab.hpp"
#include "sip/list.hpp"
#include "sip/reject.hpp"
#include "sip/scanner.hpp"
#include "sip/types.hpp"
#include "sip/uri.hpp"
#include "sip/via.hpp"

namespace reveille::sip {

class message;
/// Any thread may hold, copy and drop it.
using message_ptr = boost::intrusive_ptr<const message>;

struct cseq_view {
  std::uint32_t number = 0;
  sip::method method = sip::method::other;
  std::string_view method_text;
};

class message {
 public:
  /// Capacity that a receiver leaves behind the octets so that parse() allocates nothing: a 4 KiB slab for a datagram
  /// of up to 2 KiB. Enough for limits::lines lines.
  static constexpr std::size_t index_room = 2048;

  /// Takes `size` octets at the start of `bytes` (exclusively ours: folded lines are blanked in place, and the room
  /// behind them is written to). Leading CRLFs are skipped.
  /// Strict: line ends, field names, numbers, duplicates, Via, From, To, Call-ID, CSeq, Contact, Route, Record-Route and
  /// Path values, and the bounds of sip/limits.hpp. SIP version, schemes and unknown methods are the core's to judge,
  /// as is a CSeq method that differs from the start line's (accessors below tell). RFC 2543 messages (no branch, no
  /// Max-Forwards, no Content-Length) parse.
  /// @param datagram true: octets past Content-Length are dropped, and without Content-Length the body is the rest;
  ///        false: Content-Length must be there and fit exactly, the framer has cut.
  static result<message_ptr, reject> parse(slab_ptr bytes, std::size_t size, bool datagram);

  message(const message&) = delete;
  message& operator=(const message&) = delete;

  bool is_request() const { return status_ == 0; }
  // request; "" in responses
  sip::method method() const { return method_; }   ///< in responses: other
  std::string_view method_text() const { return is_request() ? view(start_[0]) : std::string_view{}; }
  std::string_view request_uri() const { return is_request() ? view(start_[1]) : std::string_view{}; }
  std::string_view version() const { return view(is_request() ? start_[2] : start_[0]); }   ///< "SIP/2.0"
  // response
  int status() const { return status_; }           ///< 0 in requests
  std::string_view reason() const { return is_request() ? std::string_view{} : view(start_[2]); }
  // both
  std::string_view call_id() const { return view(call_id_); }
  cseq_view cseq() const { return {cseq_number_, cseq_method_, view(cseq_method_text_)}; }
  const via_view& top_via() const { return top_via_; }
  std::size_t via_count() const { return via_count_; }   ///< elements, not lines
  std::string_view from_tag() const { return view(from_tag_); }   ///< "" when none
  std::string_view to_tag() const { return view(to_tag_); }
  name_addr_view from() const;                     ///< read again at each call: about 60 ns
  name_addr_view to() const;
  std::optional<std::uint32_t> max_forwards() const {
    return max_forwards_ == none ? std::nullopt : std::optional<std::uint32_t>(max_forwards_);
  }
  /// The Expires field in seconds; larger numbers than 2^32 - 2 are capped.
  std::optional<std::uint32_t> expires() const {
    return expires_ == none ? std::nullopt : std::optional<std::uint32_t>(expires_);
  }
  std::string_view body() const { return {data_ + index_.body_begin, size_ - index_.body_begin}; }
  std::string_view text() const { return {data_, size_}; }   ///< all octets, body included

  /// Value of the first field of that kind, blanks trimmed.
  std::optional<std::string_view> first(header h) const;
  std::optional<std::string_view> first(std::string_view name) const;  ///< any field, by full name
  /// The first line of that kind as it stands, name and CRLF included; "" when there is none.
  std::string_view first_line_text(header h) const;
  std::size_t count(header h) const { return index_.count[static_cast<std::size_t>(h)]; }   ///< lines
  /// visit(value) for each line, in order; for_each_element splits comma lists outside quotes and <>, and leaves out
  /// empty elements.
  template <class Visit>
  void for_each(header h, Visit&& visit) const;
  template <class Visit>
  void for_each_element(header h, Visit&& visit) const;
  /// visit(name, value) for every line of the head, in order.
  template <class Visit>
  void for_each_line(Visit&& visit) const;

  /// What the memory that this message pins costs.
  std::size_t pinned_bytes() const;
  /// A copy in memory of its exact size, outside any pool: for what waits (a parked INVITE).
  message_ptr compact_copy() const;

 private:
  friend class edits;          // works on lines and offsets
  friend class message_parser;
  friend void intrusive_ptr_add_ref(const message* m) { m->references_.fetch_add(1, std::memory_order_relaxed); }
  friend void intrusive_ptr_release(const message* m);

  /// Octets of the head, by offset.
  struct slice {
    std::uint16_t begin = 0;
    std::uint16_t size = 0;
  };
  /// Where this object lies.
  enum class storage : std::uint8_t {
    in_slab,   ///< behind the octets
    beside,    ///< in a block of its own, the octets in a slab
    compact,   ///< in one block with index and octets
  };
  static constexpr std::uint32_t none = 0xffffffff;

  message() = default;
  ~message() = default;

  std::string_view view(slice s) const { return {data_ + s.begin, s.size}; }
  slice slice_of(std::string_view text) const;
  const line* lines() const { return reinterpret_cast<const line*>(this + 1); }
  line* lines() { return reinterpret_cast<line*>(this + 1); }
  std::string_view value(const line& l) const { return {data_ + l.value_begin, l.value_size}; }
  std::string_view name(const line& l) const { return {data_ + l.begin, l.name_size}; }
  std::uint8_t first_line(header h) const { return index_.first[static_cast<std::size_t>(h)]; }

  mutable std::atomic<std::uint32_t> references_{0};
  storage storage_ = storage::in_slab;
  sip::method method_ = sip::method::other;
  sip::method cseq_method_ = sip::method::other;
  std::uint8_t via_count_ = 0;
  slab_ptr slab_;              ///< null in a compact copy
  char* data_ = nullptr;
  std::uint32_t size_ = 0;
  std::uint32_t cseq_number_ = 0;
  std::uint32_t max_forwards_ = none;
  std::uint32_t expires_ = none;
  std::uint16_t status_ = 0;
  slice start_[3];             ///< method, URI, version; or version, code, reason
  slice call_id_;
  slice from_tag_;
  slice to_tag_;
  slice cseq_method_text_;
  head_index index_;
  via_view top_via_;           ///< views of data_: built where they stay, rebuilt by compact_copy()
};

template <class Visit>
void message::for_each(header h, Visit&& visit) const {
  for (std::uint8_t i = first_line(h); i != no_line; i = lines()[i].next) visit(value(lines()[i]));
}

template <class Visit>
void message::for_each_element(header h, Visit&& visit) const {
  for (std::uint8_t i = first_line(h); i != no_line; i = lines()[i].next) for_each_in_list(value(lines()[i]), visit);
}

template <class Visit>
void message::for_each_line(Visit&& visit) const {
  for (std::uint8_t i = 0; i < index_.lines; ++i) visit(name(lines()[i]), value(lines()[i]));
}

/// A final response, or a request that ends what was begun: never refused before what begins work (ARCHITECTURE 3).
inline bool ends_work(const message& m) {
  if (!m.is_request()) return m.status() >= 200;
  return m.method() == method::ack || m.method() == method::cancel || m.method() == method::prack ||
         m.method() == method::bye;
}

}  // namespace reveille::sip
