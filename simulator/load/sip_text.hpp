/// A reader of SIP datagrams for phones and callers: the few fields that a user agent looks at, as views.
///
/// On purpose not the engine's scanner: what one misreads the other should notice. It reads what a proxy sends to a
/// user agent, so it is strict where that matters here and takes no folded lines (RFC 3261 7.3.1 allows them; no
/// proxy makes them).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/flow.hpp"

namespace reveille::load {

/// Views into the datagram; valid as long as that is.
struct sip_text {
  static constexpr std::size_t max_vias = 16;
  static constexpr std::size_t max_record_routes = 16;

  std::string_view method;       ///< of a request; "" in a response
  std::string_view request_uri;
  int status = 0;                ///< of a response; 0 in a request
  std::string_view call_id;
  std::string_view from;         ///< whole values
  std::string_view to;
  std::string_view contact;
  std::string_view retry_after;
  std::uint32_t cseq = 0;
  std::string_view cseq_method;
  std::string_view branch;       ///< of the topmost Via

  std::span<const std::string_view> vias() const { return {vias_.data(), via_count_}; }               ///< lines' values
  std::span<const std::string_view> record_routes() const { return {routes_.data(), route_count_}; }  ///< lines' values

 private:
  friend std::optional<sip_text> read_sip(std::string_view datagram);
  bool take_header(std::string_view name, std::string_view value);
  std::array<std::string_view, max_vias> vias_{};
  std::array<std::string_view, max_record_routes> routes_{};
  std::size_t via_count_ = 0;
  std::size_t route_count_ = 0;
};

/// nullopt when it is no SIP message with Via, From, To, Call-ID and CSeq.
std::optional<sip_text> read_sip(std::string_view datagram);

/// Value of `;name=` in a header value or URI, outside quotes: "" when absent.
std::string_view parameter(std::string_view value, std::string_view name);
/// What stands between < and >, or the value up to its parameters.
std::string_view uri_in(std::string_view value);
/// User part of a sip or sips URI; "" when there is none.
std::string_view user_of(std::string_view uri);
/// Host and port (5060 when absent) of a URI whose host is an address literal.
std::optional<endpoint> address_of(std::string_view uri);

}  // namespace reveille::load
