#include "sip/parser.hpp"

#include <algorithm>

#include "sip/grammar.hpp"
#include "sip/limits.hpp"

namespace reveille::sip {
namespace {

using chars::between;

/// `SIP/` 1*DIGIT `.` 1*DIGIT, the letters without regard to case.
bool is_version(std::string_view text) {
  if (text.size() < 7 || !chars::iequal(text.substr(0, 4), "SIP/")) return false;
  const std::size_t dot = text.find('.', 4);
  return dot != std::string_view::npos && chars::all(text.substr(4, dot - 4), chars::digit) &&
         chars::all(text.substr(dot + 1), chars::digit);
}

}  // namespace

std::string_view message_parser::start_line() {
  const std::string_view line(m_.data_, m_.index_.start_line_size);
  return line.size() > 3 && line[3] == '/' && chars::iequal(line.substr(0, 3), "SIP") ? status_line(line)
                                                                                     : request_line(line);
}

/// Exactly one SP between the three, and none around them (RFC 3261 7.1).
std::string_view message_parser::request_line(std::string_view line) {
  const char* const end = line.data() + line.size();
  const char* const method_end = chars::skip(line.data(), end, chars::token);
  if (method_end == line.data() || method_end == end || *method_end != ' ') return reasons::start_line;
  const char* const uri = method_end + 1;
  const char* const uri_end = std::find(uri, end, ' ');
  if (uri_end == end || !is_version(between(uri_end + 1, end))) return reasons::start_line;
  uri_view parsed;
  fault why = fault::none;
  if (!grammar::uri(uri, uri_end, parsed, why) || !parsed.headers.empty()) {
    return why == fault::too_many_params ? reasons::too_many_params : reasons::request_uri;
  }
  m_.start_[0] = m_.slice_of(between(line.data(), method_end));
  m_.start_[1] = m_.slice_of(between(uri, uri_end));
  m_.start_[2] = m_.slice_of(between(uri_end + 1, end));
  m_.method_ = method_of(m_.view(m_.start_[0]));
  return {};
}

/// `SIP/2.0 200 OK`; the phrase may be empty, and is kept as it stands (RFC 4475 3.1.1.12).
std::string_view message_parser::status_line(std::string_view line) {
  const char* const end = line.data() + line.size();
  const char* const version_end = std::find(line.data(), end, ' ');
  if (version_end == end || !is_version(between(line.data(), version_end))) return reasons::start_line;
  const char* const code = version_end + 1;
  const char* const code_end = chars::skip(code, end, chars::digit);
  if (code_end == code || code_end == end || *code_end != ' ') return reasons::start_line;
  const auto value = code_end - code == 3 ? grammar::number(between(code, code_end), 999) : std::nullopt;
  if (!value || *value < 100 || *value > 699) return reasons::status_code;
  m_.start_[0] = m_.slice_of(between(line.data(), version_end));
  m_.start_[1] = m_.slice_of(between(code, code_end));
  m_.start_[2] = m_.slice_of(between(code_end + 1, end));
  m_.status_ = static_cast<std::uint16_t>(*value);
  return {};
}

std::string_view message_parser::header_fields() {
  if (const auto why = presence(); !why.empty()) return why;
  if (const auto why = vias(); !why.empty()) return why;
  if (const auto why = tag_of(header::from, m_.from_tag_, reasons::from); !why.empty()) return why;
  if (const auto why = tag_of(header::to, m_.to_tag_, reasons::to); !why.empty()) return why;
  const std::string_view call_id = *m_.first(header::call_id);
  if (!chars::all(call_id, chars::call_id)) return reasons::call_id;
  m_.call_id_ = m_.slice_of(call_id);
  if (const auto why = cseq(); !why.empty()) return why;
  if (const auto why = numbers(); !why.empty()) return why;
  if (const auto why = routes(header::route, reasons::route, reasons::too_many_routes); !why.empty()) return why;
  if (const auto why = routes(header::record_route, reasons::record_route, reasons::too_many_record_routes);
      !why.empty()) {
    return why;
  }
  if (const auto why = routes(header::path, reasons::path, reasons::too_many_paths); !why.empty()) return why;
  return contacts();
}

std::string_view message_parser::presence() const {
  struct rule {
    header id;
    std::string_view missing;    ///< "" = may be absent
    std::string_view duplicate;  ///< "" = may come more than once
  };
  static constexpr rule rules[] = {
      {header::via, reasons::missing_via, {}},
      {header::from, reasons::missing_from, reasons::duplicate_from},
      {header::to, reasons::missing_to, reasons::duplicate_to},
      {header::call_id, reasons::missing_call_id, reasons::duplicate_call_id},
      {header::cseq, reasons::missing_cseq, reasons::duplicate_cseq},
      {header::max_forwards, {}, reasons::duplicate_max_forwards},
      {header::content_length, {}, reasons::duplicate_content_length},
      {header::content_type, {}, reasons::duplicate_content_type},
      {header::expires, {}, reasons::duplicate_expires},
  };
  for (const rule& r : rules) {
    const std::size_t n = m_.count(r.id);
    if (n == 0 && !r.missing.empty()) return r.missing;
    if (n > 1 && !r.duplicate.empty()) return r.duplicate;
  }
  return {};
}

std::string_view message_parser::vias() {
  std::size_t count = 0;
  for (std::uint8_t i = m_.first_line(header::via); i != no_line; i = m_.lines()[i].next) {
    const std::string_view value = m_.value(m_.lines()[i]);
    const char* p = value.data();
    const char* const end = p + value.size();
    for (;;) {
      if (count == limits::vias) return reasons::too_many_vias;
      via_view other;
      via_view& out = count == 0 ? m_.top_via_ : other;
      fault why = fault::none;
      p = grammar::via(p, end, out, why);
      if (p == nullptr) return why == fault::too_many_params ? reasons::too_many_params : reasons::via;
      ++count;
      if (p == end) break;
      ++p;  // the comma
    }
  }
  m_.via_count_ = static_cast<std::uint8_t>(count);
  return {};
}

std::string_view message_parser::tag_of(header h, message::slice& tag, std::string_view reason) {
  const std::string_view value = *m_.first(h);
  const char* const end = value.data() + value.size();
  name_addr_view out;
  fault why = fault::none;
  bool has_tag = false;
  std::string_view found;  // the first, as params_view::find says
  const auto remember = [&](std::string_view name, std::string_view text) {
    if (has_tag || name.size() != 3 || !chars::iequal(name, "tag")) return;
    has_tag = true;
    found = text;
  };
  if (grammar::name_addr(value.data(), end, out, why, remember) != end) {
    return why == fault::too_many_params ? reasons::too_many_params : reason;
  }
  if (!has_tag) return {};
  if (!chars::all(found, chars::token)) return reason;
  tag = m_.slice_of(found);
  return {};
}

std::string_view message_parser::cseq() {
  const std::string_view value = *m_.first(header::cseq);
  const char* const end = value.data() + value.size();
  const char* const digits_end = chars::skip(value.data(), end, chars::digit);
  const auto number = grammar::number(between(value.data(), digits_end), limits::cseq + 1);
  const char* const method = chars::skip_blanks(digits_end, end);
  const std::string_view text = between(method, end);
  if (!number || *number > limits::cseq || method == digits_end || !chars::all(text, chars::token)) {
    return reasons::cseq;
  }
  m_.cseq_number_ = *number;
  m_.cseq_method_text_ = m_.slice_of(text);
  m_.cseq_method_ = method_of(text);
  return {};
}

std::string_view message_parser::numbers() {
  if (const auto value = m_.first(header::max_forwards)) {
    const auto n = grammar::number(*value, limits::max_forwards + 1);
    if (!n || *n > limits::max_forwards) return reasons::max_forwards;
    m_.max_forwards_ = *n;
  }
  if (const auto value = m_.first(header::expires)) {
    const auto n = grammar::number(*value, message::none - 1);
    if (!n) return reasons::expires;
    m_.expires_ = *n;
  }
  return {};
}

/// name-addr lists: here the brackets are no choice (RFC 3261 25.1).
std::string_view message_parser::routes(header h, std::string_view malformed, std::string_view too_many) const {
  std::size_t count = 0;
  for (std::uint8_t i = m_.first_line(h); i != no_line; i = m_.lines()[i].next) {
    const std::string_view value = m_.value(m_.lines()[i]);
    const char* p = value.data();
    const char* const end = p + value.size();
    for (;;) {
      if (++count > limits::routes) return too_many;
      name_addr_view out;
      fault why = fault::none;
      p = grammar::name_addr(p, end, out, why);
      if (p == nullptr) return why == fault::too_many_params ? reasons::too_many_params : malformed;
      if (out.uri.text.data()[-1] != '<') return malformed;
      if (p == end) break;
      ++p;
    }
  }
  return {};
}

std::string_view message_parser::contacts() const {
  std::size_t count = 0;
  bool star = false;
  for (std::uint8_t i = m_.first_line(header::contact); i != no_line; i = m_.lines()[i].next) {
    const std::string_view value = m_.value(m_.lines()[i]);
    if (value == "*") {
      star = true;
      ++count;
      continue;
    }
    const char* p = value.data();
    const char* const end = p + value.size();
    for (;;) {
      if (++count > limits::contacts) return reasons::too_many_contacts;
      name_addr_view out;
      fault why = fault::none;
      p = grammar::name_addr(p, end, out, why);
      if (p == nullptr) return why == fault::too_many_params ? reasons::too_many_params : reasons::contact;
      if (p == end) break;
      ++p;
    }
  }
  // RFC 3261 10.2.2 and 10.3 step 6.
  const bool removes_all = m_.method_ == method::register_ && count == 1 && m_.expires_ == 0;
  return star && !removes_all ? reasons::contact_star : std::string_view{};
}

std::string_view message_parser::body(bool datagram) {
  const std::size_t room = m_.size_ - m_.index_.body_begin;
  const auto value = m_.first(header::content_length);
  if (!value) return datagram ? std::string_view{} : reasons::missing_content_length;
  const auto n = grammar::number(*value, limits::message + 1);
  if (!n || *n > room || (!datagram && *n != room)) return reasons::content_length;
  m_.size_ = m_.index_.body_begin + *n;
  return {};
}

}  // namespace reveille::sip
