#include "sip/via.hpp"

#include "sip/grammar.hpp"

namespace reveille::sip {
namespace grammar {
namespace {

const char* word(const char* p, const char* end, std::string_view& out, fault& why) {
  const char* const begin = p;
  p = chars::skip(p, end, chars::token);
  if (p == begin) {
    why = fault::sent_protocol;
    return nullptr;
  }
  out = chars::between(begin, p);
  return p;
}

/// Blanks, '/', blanks.
const char* slash(const char* p, const char* end, fault& why) {
  p = chars::skip_blanks(p, end);
  if (p == end || *p != '/') {
    why = fault::sent_protocol;
    return nullptr;
  }
  return chars::skip_blanks(p + 1, end);
}

}  // namespace

const char* via(const char* p, const char* end, via_view& out, fault& why) {
  using chars::skip_blanks, chars::between, chars::iequal;
  out = via_view{};
  p = skip_blanks(p, end);
  const char* const begin = p;
  std::string_view ignored;
  if ((p = word(p, end, ignored, why)) == nullptr) return nullptr;
  if ((p = slash(p, end, why)) == nullptr) return nullptr;
  if ((p = word(p, end, ignored, why)) == nullptr) return nullptr;
  out.protocol = between(begin, p);
  if ((p = slash(p, end, why)) == nullptr) return nullptr;
  if ((p = word(p, end, out.transport, why)) == nullptr) return nullptr;
  const char* const sent_by = skip_blanks(p, end);
  if (sent_by == p) {
    why = fault::sent_protocol;
    return nullptr;
  }
  if ((p = host(sent_by, end, out.host, why)) == nullptr) return nullptr;
  const char* const colon = skip_blanks(p, end);
  if (colon != end && *colon == ':' && (p = port(skip_blanks(colon + 1, end), end, out.port, why)) == nullptr) {
    return nullptr;
  }
  // The first of a name counts, as in params_view::find.
  const auto remember = [&out](std::string_view name, std::string_view value) {
    switch (name.size()) {
      case 5:
        if (!out.rport && iequal(name, "rport")) out.rport = value;
        break;
      case 6:
        if (out.branch.empty() && iequal(name, "branch")) out.branch = value;
        break;
      case 8:
        if (!out.received && iequal(name, "received")) out.received = value;
        break;
      default: break;
    }
  };
  if ((p = header_params(p, end, out.params, why, remember)) == nullptr) return nullptr;
  const std::string_view params = out.params.text();
  out.text = between(begin, params.data() + params.size());
  const bool sound = (out.branch.empty() || chars::all(out.branch, chars::token)) &&
                     (!out.rport || out.rport->empty() || number(*out.rport, 65536).value_or(65536) < 65536);
  if (!sound) {
    why = fault::params;
    return nullptr;
  }
  return p;
}

}  // namespace grammar

result<via_view> parse_via(std::string_view text) {
  via_view out;
  fault why = fault::none;
  const char* const end = text.data() + text.size();
  const char* const stop = grammar::via(text.data(), end, out, why);
  if (stop == nullptr) return failure(std::string(text_of(why)));
  if (stop != end) return failure(std::string(text_of(fault::trailing)));
  return out;
}

}  // namespace reveille::sip
