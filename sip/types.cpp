#include "sip/types.hpp"

#include <array>
#include <cstddef>

#include "sip/chars.hpp"

namespace reveille::sip {
namespace {

constexpr std::array<std::string_view, 15> method_names = {
    "INVITE", "ACK",   "BYE",    "CANCEL", "REGISTER", "OPTIONS", "MESSAGE", "SUBSCRIBE",
    "NOTIFY", "PRACK", "UPDATE", "INFO",   "REFER",    "PUBLISH", "other"};

constexpr std::array<std::string_view, header_count> header_names = {
    "Accept", "Allow", "Authorization", "Call-ID", "Contact", "Content-Length", "Content-Type", "CSeq", "Date",
    "Event", "Expires", "Feature-Caps", "From", "Max-Breadth", "Max-Forwards", "Min-Expires", "P-Asserted-Identity",
    "Path", "Priority", "Privacy", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Require", "Reason",
    "Record-Route", "Require", "Retry-After", "Route", "RSeq", "Supported", "To", "Unsupported", "Via", "Warning",
    "WWW-Authenticate", "other"};

/// RFC 3261 7.3.3 and the forms registered since, for the fields that have an id.
constexpr header of_letter(char letter) {
  switch (letter) {
    case 'c': return header::content_type;
    case 'f': return header::from;
    case 'i': return header::call_id;
    case 'k': return header::supported;
    case 'l': return header::content_length;
    case 'm': return header::contact;
    case 'o': return header::event;
    case 't': return header::to;
    case 'v': return header::via;
    default: return header::other;
  }
}

/// The only field that a name of this length and these first two letters can be.
constexpr header candidate(std::size_t length, char first, char second) {
  switch (length) {
    case 2: return header::to;
    case 3: return header::via;
    case 4:
      switch (first) {
        case 'c': return header::cseq;
        case 'd': return header::date;
        case 'f': return header::from;
        case 'p': return header::path;
        case 'r': return header::rseq;
        default: return header::other;
      }
    case 5:
      switch (first) {
        case 'a': return header::allow;
        case 'e': return header::event;
        case 'r': return header::route;
        default: return header::other;
      }
    case 6: return first == 'a' ? header::accept : header::reason;
    case 7:
      switch (first) {
        case 'c': return second == 'a' ? header::call_id : header::contact;
        case 'e': return header::expires;
        case 'p': return header::privacy;
        case 'r': return header::require;
        case 'w': return header::warning;
        default: return header::other;
      }
    case 8: return header::priority;
    case 9: return header::supported;
    case 11:
      switch (first) {
        case 'm': return second == 'a' ? header::max_breadth : header::min_expires;
        case 'r': return header::retry_after;
        case 'u': return header::unsupported;
        default: return header::other;
      }
    case 12:
      switch (first) {
        case 'c': return header::content_type;
        case 'f': return header::feature_caps;
        case 'm': return header::max_forwards;
        case 'r': return header::record_route;
        default: return header::other;
      }
    case 13: return first == 'a' ? header::authorization : header::proxy_require;
    case 14: return header::content_length;
    case 16: return header::www_authenticate;
    case 18: return header::proxy_authenticate;
    case 19: return second == 'r' ? header::proxy_authorization : header::p_asserted_identity;
    default: return header::other;
  }
}

}  // namespace

std::string_view name_of(method m) { return method_names[static_cast<std::size_t>(m)]; }

method method_of(std::string_view token) {
  for (std::size_t i = 0; i + 1 < method_names.size(); ++i) {
    if (method_names[i] == token) return static_cast<method>(i);
  }
  return method::other;
}

std::string_view name_of(header h) { return header_names[static_cast<std::size_t>(h)]; }

header header_of(std::string_view name) {
  if (name.empty()) return header::other;
  if (name.size() == 1) return of_letter(chars::lower(name[0]));
  const header h = candidate(name.size(), chars::lower(name[0]), chars::lower(name[1]));
  // Nearly all write the name as the RFC does.
  return name == name_of(h) || chars::iequal(name, name_of(h)) ? h : header::other;
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100: return "Trying";
    case 180: return "Ringing";
    case 181: return "Call Is Being Forwarded";
    case 182: return "Queued";
    case 183: return "Session Progress";
    case 199: return "Early Dialog Terminated";
    case 200: return "OK";
    case 202: return "Accepted";
    case 204: return "No Notification";
    case 300: return "Multiple Choices";
    case 301: return "Moved Permanently";
    case 302: return "Moved Temporarily";
    case 305: return "Use Proxy";
    case 380: return "Alternative Service";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 402: return "Payment Required";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 407: return "Proxy Authentication Required";
    case 408: return "Request Timeout";
    case 410: return "Gone";
    case 413: return "Request Entity Too Large";
    case 414: return "Request-URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Unsupported URI Scheme";
    case 420: return "Bad Extension";
    case 421: return "Extension Required";
    case 423: return "Interval Too Brief";
    case 430: return "Flow Failed";
    case 433: return "Anonymity Disallowed";
    case 439: return "First Hop Lacks Outbound Support";
    case 440: return "Max-Breadth Exceeded";
    case 480: return "Temporarily Unavailable";
    case 481: return "Call/Transaction Does Not Exist";
    case 482: return "Loop Detected";
    case 483: return "Too Many Hops";
    case 484: return "Address Incomplete";
    case 485: return "Ambiguous";
    case 486: return "Busy Here";
    case 487: return "Request Terminated";
    case 488: return "Not Acceptable Here";
    case 489: return "Bad Event";
    case 491: return "Request Pending";
    case 493: return "Undecipherable";
    case 494: return "Security Agreement Required";
    case 500: return "Server Internal Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Server Time-out";
    case 505: return "Version Not Supported";
    case 513: return "Message Too Large";
    case 555: return "Push Notification Service Not Supported";
    case 600: return "Busy Everywhere";
    case 603: return "Decline";
    case 604: return "Does Not Exist Anywhere";
    case 606: return "Not Acceptable";
    case 607: return "Unwanted";
    case 608: return "Rejected";
    default: return "Unknown";
  }
}

}  // namespace reveille::sip
