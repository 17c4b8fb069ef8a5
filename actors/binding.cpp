#include "actors/binding.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstring>

#include "actors/octets.hpp"
#include "sip/chars.hpp"

namespace reveille {
namespace {

constexpr std::uint8_t flag_push = 1;
constexpr std::uint8_t flag_quarantined = 2;
constexpr std::uint8_t flag_stale = 4;
constexpr std::uint8_t flag_outbound = 8;
/// In the place of a Path's length: that of the binding before. No Path is so long.
constexpr std::uint16_t path_as_before = 0xffff;

std::uint16_t checked_size(std::string_view text) {
  assert(text.size() <= 0xffff);  // a SIP message is at most 64 KiB
  return static_cast<std::uint16_t>(text.size());
}

std::string_view without_quotes(std::string_view value) {
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') return value.substr(1, value.size() - 2);
  return value;
}

std::string_view find_in_either(const sip::params_view& first, const sip::params_view& second, std::string_view name) {
  if (const auto value = first.find(name)) return without_quotes(*value);
  if (const auto value = second.find(name)) return without_quotes(*value);
  return {};
}

void encode_endpoint(std::string& out, const endpoint& e) {
  octets::put8(out, e.v6 ? 1 : 0);
  out.append(reinterpret_cast<const char*>(e.address.data()), e.v6 ? 16 : 4);
  octets::put16(out, e.port);
}

bool decode_endpoint(std::string_view& rest, endpoint& e) {
  std::uint8_t family = 0;
  if (!octets::take8(rest, family) || family > 1) return false;
  e.v6 = family == 1;
  const std::size_t size = e.v6 ? 16 : 4;
  if (rest.size() < size) return false;
  std::memcpy(e.address.data(), rest.data(), size);
  rest.remove_prefix(size);
  return octets::take16(rest, e.port);
}

}  // namespace

binding::binding(const binding_text& text, const binding_facts& facts, shared_path path)
    : text_(new char[text.uri.size() + text.params.size() + text.call_id.size()]),
      uri_size_(checked_size(text.uri)),
      params_size_(checked_size(text.params)),
      call_id_size_(checked_size(text.call_id)),
      path_(std::move(path)),
      facts_(facts) {
  if (!path_ && !text.path.empty()) path_ = std::make_shared<const std::string>(text.path);
  assert(text.path.size() < path_as_before);
  char* p = text_.get();
  for (const std::string_view part : {text.uri, text.params, text.call_id}) {
    if (!part.empty()) std::memcpy(p, part.data(), part.size());
    p += part.size();
  }
}

binding::binding(const binding& other) : binding(other.text(), other.facts_, other.path_) {}

binding& binding::operator=(const binding& other) {
  if (this != &other) *this = binding(other);
  return *this;
}

std::string_view label_of(const sip::params_view& uri_params, const sip::params_view& header_params) {
  return find_in_either(uri_params, header_params, "label");
}

std::string_view instance_of(const sip::params_view& uri_params, const sip::params_view& header_params) {
  return find_in_either(header_params, uri_params, "+sip.instance");
}

std::uint32_t reg_id_of(const sip::params_view& header_params) {
  const auto text = header_params.find("reg-id");
  std::uint32_t value = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), value).ptr != text->data() + text->size()) return 0;
  return value < 0x80000000U ? value : 0;
}

bool same_label(std::string_view a, std::string_view b) {
  if (a == b) return true;
  if (a.find('%') == std::string_view::npos && b.find('%') == std::string_view::npos) return false;
  return sip::unescape(a) == sip::unescape(b);
}

bool same_push_params(const pns::push_params& a, const pns::push_params& b) {
  const auto provider = pns::provider_of(a.provider);
  if (a.prid.empty() || a.param != b.param || provider != pns::provider_of(b.provider)) return false;
  if (!provider && a.provider != b.provider) return false;
  // Apple's tokens are hexadecimal digits, which some apps write large at one time and small at another.
  return a.prid == b.prid || (provider && provider != pns::provider::fcm && sip::chars::iequal(a.prid, b.prid));
}

std::string_view binding::label() const { return label_of(sip::params_of_checked(uri()), sip::params_view(params())); }

std::string_view binding::instance() const { return instance_of(sip::params_of_checked(uri()), sip::params_view(params())); }

std::uint32_t binding::reg_id() const { return reg_id_of(sip::params_view(params())); }

std::optional<std::string_view> binding::pn_provider() const {
  const auto in_uri = sip::params_of_checked(uri()).find("pn-provider");
  return in_uri ? in_uri : sip::params_view(params()).find("pn-provider");
}

pns::push_params binding::push_params() const {
  auto read = pns::read_push_params(sip::params_of_checked(uri()), sip::params_view(params()));
  return read ? std::move(*read) : pns::push_params{};
}

std::optional<pns::push_target> binding::push_target() const {
  auto target = pns::parse_push_target(push_params());
  if (!target) return std::nullopt;
  return std::move(*target);
}

namespace {

/// `text` with another value of its first ;pn-prid=, or nullopt when there is none.
std::optional<std::string> with_prid(std::string_view text, std::string_view value) {
  constexpr std::string_view name = ";pn-prid=";
  const auto same = [](char a, char b) { return sip::chars::lower(a) == b; };
  const auto found = std::search(text.begin(), text.end(), name.begin(), name.end(), same);
  if (found == text.end()) return std::nullopt;
  const std::size_t begin = static_cast<std::size_t>(found - text.begin()) + name.size();
  const std::size_t end = std::min(text.find_first_of(";?", begin), text.size());
  std::string out(text.substr(0, begin));
  out += value;
  out += text.substr(end);
  return out;
}

}  // namespace

std::optional<binding> binding::with_token(const prid& to) const {
  // The URI's parameters win over the header's (pns::read_push_params).
  const auto in_uri = with_prid(uri(), to.view());
  const auto in_header = in_uri ? std::nullopt : with_prid(params(), to.view());
  if (!in_uri && !in_header) return std::nullopt;
  binding_text changed = text();
  if (in_uri) changed.uri = *in_uri;
  if (in_header) changed.params = *in_header;
  if (changed.uri.size() > 0xffff || changed.params.size() > 0xffff) return std::nullopt;
  binding out(changed, facts_, path_);
  const auto target = out.push_target();
  if (!target || target->tokens.size() != 1 || target->tokens.front().value != to) return std::nullopt;
  return out;
}

std::string binding::request_uri() const {
  std::string out;
  out.reserve(uri().size());
  if (const auto parsed = sip::parse_uri(uri())) append_stripped_uri(out, *parsed);
  return out;
}

bool binding::is_said_by(std::string_view contact) const {
  if (contact.empty() || contact.front() != '<') {  // a display name, or no brackets
    const auto read = sip::parse_name_addr(contact);
    return read && read->uri.text == uri() && read->params.text() == params();
  }
  const std::size_t behind = 1 + std::size_t{uri_size_};
  return contact.size() == behind + 1 + params_size_ && contact[behind] == '>' &&
         contact.substr(1, uri_size_) == uri() && contact.substr(behind + 1) == params();
}

std::size_t binding::resident_bytes() const {
  return sizeof *this + text_octets();
}

void encode_flow(std::string& out, const flow& f) {
  octets::put8(out, static_cast<std::uint8_t>(f.kind));
  encode_endpoint(out, f.remote);
  encode_endpoint(out, f.local);
}

std::optional<flow> decode_flow(std::string_view& rest) {
  flow f;
  std::uint8_t kind = 0;
  if (!octets::take8(rest, kind) || kind > static_cast<std::uint8_t>(transport::wss)) return std::nullopt;
  f.kind = static_cast<transport>(kind);
  if (!decode_endpoint(rest, f.remote) || !decode_endpoint(rest, f.local)) return std::nullopt;
  return f;
}

std::size_t binding::encoded_bytes() const {
  constexpr std::size_t numbers = 2 + 3 * 8 + 4 + 4 * 2;
  constexpr std::size_t longest_flow = 1 + 2 * (1 + 16 + 2);
  return numbers + longest_flow + text_octets() + path().size();
}

void binding::encode(std::string& out, const binding* before) const {
  octets::put8(out, static_cast<std::uint8_t>((facts_.push ? flag_push : 0) | (facts_.quarantined ? flag_quarantined : 0) |
                                              (facts_.stale ? flag_stale : 0) | (facts_.outbound ? flag_outbound : 0)));
  octets::put8(out, static_cast<std::uint8_t>(facts_.provider));
  octets::put64(out, static_cast<std::uint64_t>(facts_.expires.time_since_epoch().count()));
  octets::put64(out, static_cast<std::uint64_t>(facts_.registered.time_since_epoch().count()));
  octets::put64(out, facts_.branch);
  octets::put32(out, facts_.cseq);
  encode_flow(out, facts_.source);
  for (const std::string_view part : {uri(), params(), call_id()}) octets::put_text(out, part);
  if (before != nullptr && shares_path(*before)) return octets::put16(out, path_as_before);
  octets::put_text(out, path());
}

std::optional<binding> binding::decode(std::string_view& rest, written_by writer, const binding* before) {
  binding_facts facts;
  std::uint8_t flags = 0;
  std::uint8_t provider = 0;
  std::uint64_t expires = 0;
  std::uint64_t registered = 0;
  if (!octets::take8(rest, flags) || (flags & ~(flag_push | flag_quarantined | flag_stale | flag_outbound)) != 0) {
    return std::nullopt;
  }
  if (!octets::take8(rest, provider) || provider >= pns::provider_count) return std::nullopt;
  if (!octets::take64(rest, expires) || !octets::take64(rest, registered) || !octets::take64(rest, facts.branch) ||
      !octets::take32(rest, facts.cseq) || expires > year_9999_ms || registered > year_9999_ms) {
    return std::nullopt;
  }
  const auto source = decode_flow(rest);
  if (!source) return std::nullopt;
  binding_text text;
  for (std::string_view* part : {&text.uri, &text.params, &text.call_id}) {
    if (!octets::take_text(rest, *part)) return std::nullopt;
  }
  shared_path path;
  std::string_view length = rest;
  std::uint16_t path_size = 0;
  if (octets::take16(length, path_size) && path_size == path_as_before) {
    if (before == nullptr || !before->path_) return std::nullopt;
    path = before->path_;
    text.path = *path;
    rest = length;
  } else if (!octets::take_text(rest, text.path)) {
    return std::nullopt;
  } else if (before != nullptr && before->path_ && *before->path_ == text.path) {
    path = before->path_;  // written by a release that repeated it
  }
  if (const auto uri = sip::parse_uri(text.uri); !uri || !uri->is_sip()) return std::nullopt;
  facts.push = (flags & flag_push) != 0;
  facts.outbound = (flags & flag_outbound) != 0;
  facts.reg_id_ignored = !facts.outbound && sip::params_view(text.params).find("reg-id").has_value();
  // A REGISTER since may have lifted it, unwritten: one push more asks the provider again (SPEC 6.5).
  facts.quarantined = (flags & flag_quarantined) != 0 && writer == written_by::this_process;
  facts.provider = static_cast<pns::provider>(provider);
  facts.expires = wall_time(milliseconds(static_cast<std::int64_t>(expires)));
  facts.registered = wall_time(milliseconds(static_cast<std::int64_t>(registered)));
  facts.source = *source;
  // ARCHITECTURE 3: written behind, so after a restart it is pushed, never dialled. A connection of this process may have
  // closed since, so only UDP's flows are as good as they were.
  facts.stale = facts.push && (writer == written_by::another_process || (flags & flag_stale) != 0 ||
                               facts.source.kind != transport::udp);
  return binding(text, facts, std::move(path));
}

}  // namespace reveille
