#include "sip_entries.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "sip/caller_identity.hpp"
#include "sip/edit.hpp"
#include "sip/list.hpp"
#include "sip/message.hpp"
#include "sip/response.hpp"
#include "sip/scanner.hpp"

namespace reveille::fuzz {
namespace {

using namespace reveille::sip;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "property does not hold: %s\n", what);
  std::abort();
}

slab_pool& pool() {
  static auto* const made = new slab_pool;
  return *made;
}

const endpoint& source() {
  static const endpoint made = *parse_endpoint("192.0.2.77:49152");
  return made;
}

/// @param left where to put the slab as parse() left it.
result<message_ptr, reject> parse(std::string_view octets, bool datagram, slab_ptr* left = nullptr) {
  slab_ptr bytes = pool().take(octets.size() + message::index_room);
  if (!bytes) bytes = pool().take(octets.size());
  if (!bytes) return tl::unexpected(reject{0, reasons::message_too_long});
  if (!octets.empty()) std::memcpy(bytes->data(), octets.data(), octets.size());
  if (left != nullptr) *left = bytes;
  return message::parse(std::move(bytes), octets.size(), datagram);
}

bool within(std::string_view part, std::string_view whole) {
  return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void same_facts(const message& a, const message& b) {
  require(a.text() == b.text(), "same text");
  require(a.is_request() == b.is_request() && a.method_text() == b.method_text() && a.request_uri() == b.request_uri() &&
              a.status() == b.status() && a.reason() == b.reason() && a.version() == b.version(),
          "same start line");
  require(a.call_id() == b.call_id() && a.cseq().number == b.cseq().number && a.cseq().method_text == b.cseq().method_text,
          "same Call-ID and CSeq");
  require(a.from_tag() == b.from_tag() && a.to_tag() == b.to_tag() && a.via_count() == b.via_count() &&
              a.top_via().text == b.top_via().text && a.top_via().branch == b.top_via().branch &&
              a.top_via().host == b.top_via().host && a.top_via().port == b.top_via().port,
          "same tags and Vias");
  require(a.max_forwards() == b.max_forwards() && a.expires() == b.expires() && a.body() == b.body(), "same numbers, body");
}

void twins_agree(std::string_view octets) {
  std::string a(octets);
  std::string b(octets);
  a.append(slab::tail_slack, '\0');
  b.append(slab::tail_slack, '\n');
  std::array<line, limits::lines + 1> la{};
  std::array<line, limits::lines + 1> lb{};
  head_index ia{};
  head_index ib{};
  const auto ra = scan_head(a.data(), octets.size(), ia, la.data());
  const auto rb = scan_head_scalar(b.data(), octets.size(), ib, lb.data());
  require(ra == rb && std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(octets.size()), b.begin()), "twins agree");
  if (!ra.empty()) return;
  require(ia.lines == ib.lines && ia.body_begin == ib.body_begin && ia.first == ib.first && ia.count == ib.count &&
              ia.start_line_size == ib.start_line_size,
          "twins index the same");
  for (std::size_t i = 0; i < ia.lines; ++i) {
    require(la[i].begin == lb[i].begin && la[i].value_begin == lb[i].value_begin && la[i].value_size == lb[i].value_size &&
                la[i].name_size == lb[i].name_size && la[i].id == lb[i].id && la[i].next == lb[i].next,
            "twins find the same lines");
  }
}

void walk(const message& m) {
  const std::string_view text = m.text();
  std::size_t lines = 0;
  m.for_each_line([&](std::string_view name, std::string_view value) {
    ++lines;
    require(within(name, text) && within(value, text), "lines lie within the text");
    require(value.find_first_of("\r\n") == std::string_view::npos, "no line end within a value");
    (void)m.first(name);
  });
  require(lines <= limits::lines, "bounded lines");
  for (const name_addr_view& who : {m.from(), m.to()}) {
    require(within(who.uri.text, text) && within(who.params.text(), text), "From and To lie within the text");
  }
  std::size_t vias = 0;
  m.for_each_element(header::via, [&](std::string_view element) {
    ++vias;
    require(parse_via(element).has_value(), "a Via that passed parses alone");
  });
  require(vias == m.via_count(), "Vias counted");
  m.for_each_element(header::contact, [&](std::string_view element) {
    require(element == "*" || parse_name_addr(element), "a Contact that passed parses alone");
  });
  for (const header h : {header::route, header::record_route, header::path}) {
    m.for_each_element(h, [](std::string_view element) { require(parse_name_addr(element).has_value(), "a route parses alone"); });
  }
  for (const auto trust : {asserted_identity::ignore, asserted_identity::believe}) {
    require(!caller_identity_of(m, trust, "example.com").number.empty(), "a caller has a number");
  }
}

bool is_pn(std::string_view name) { return name.substr(0, 3) == "pn-"; }

std::vector<std::string> lines_of(const message& m, header but_not) {
  std::vector<std::string> out;
  m.for_each_line([&](std::string_view name, std::string_view value) {
    const header id = header_of(name);
    if (id == header::max_forwards || id == but_not) return;
    out.push_back(std::string(name) + ":" + std::string(value));
  });
  return out;
}

}  // namespace

void sip_parse(const std::uint8_t* data, std::size_t size) {
  const std::string_view octets(reinterpret_cast<const char*>(data), size);
  twins_agree(octets);
  slab_ptr left;
  const auto parsed = parse(octets, true, &left);
  if (!left) return;  // beyond the largest slab
  if (!parsed) {
    const reject& why = parsed.error();
    require(std::find(std::begin(reasons::all), std::end(reasons::all), why.reason) != std::end(reasons::all), "a known reason");
    const packet p = build_refusal(left->view(0, size), source(), why, pool()).packet;
    require((p.bytes != nullptr) == (why.status != 0), "answered when it has a status");
    if (!p.bytes) return;
    std::string answer(p.view());
    answer.append(slab::tail_slack, '\0');
    std::array<line, limits::lines + 1> lines;
    head_index index;
    // Via, From, To, Call-ID and CSeq go back as they came (RFC 3261 8.2.6.2), also what is too long for us.
    const std::string_view fault = scan_head(answer.data(), p.size, index, lines.data());
    require(fault.empty() || fault == reasons::value_too_long || fault == reasons::header_too_long, "a refusal is whole");
    return;
  }
  const message& m = **parsed;
  walk(m);
  const auto again = parse(m.text(), true);
  require(again.has_value(), "its own text parses");
  same_facts(m, **again);
  same_facts(m, *m.compact_copy());
  if (m.first(header::content_length)) require(parse(m.text(), false).has_value(), "and on a stream");
}

void sip_relay(const std::uint8_t* data, std::size_t size) {
  const auto parsed = parse({reinterpret_cast<const char*>(data), size}, true);
  if (!parsed) return;
  const message& m = **parsed;
  const packet same = edits(m).serialise(pool());
  require(same.bytes && same.view() == m.text(), "without edits nothing changes");
  if (m.max_forwards() == 0U || m.via_count() >= limits::vias - 1) return;

  edits e(m);
  e.insert_before_first_via("Via: SIP/2.0/UDP ours;branch=z9hG4bKours\r\n");
  if (m.is_request()) e.replace_request_uri("sip:new@192.0.2.1");
  e.decrement_max_forwards();
  e.set_top_via_received(source());
  e.strip_contact_params(is_pn);
  const packet out = e.serialise(pool());
  if (!out.bytes) return;  // beyond the largest slab
  const auto relayed = parse(out.view(), true);
  if (!relayed) {
    // What we add may pass a bound that the message was just within.
    const std::string_view why = relayed.error().reason;
    require(why == reasons::too_many_lines || why == reasons::header_too_long || why == reasons::value_too_long ||
                why == reasons::too_many_params,
            "our own output parses");
    return;
  }
  const message& r = **relayed;
  require(r.top_via().host == "ours" && r.via_count() == m.via_count() + 1, "our Via is on top");
  require(r.max_forwards() == (m.max_forwards() ? *m.max_forwards() - 1 : 70U), "one hop less");
  require(r.body() == m.body() && r.call_id() == m.call_id() && r.from_tag() == m.from_tag(), "the rest is the same");
  auto before = lines_of(m, header::via);
  auto after = lines_of(r, header::via);
  std::erase_if(before, [](const std::string& l) { return header_of(l.substr(0, l.find(':'))) == header::contact; });
  std::erase_if(after, [](const std::string& l) { return header_of(l.substr(0, l.find(':'))) == header::contact; });
  require(before == after, "untouched lines are identical");
  r.for_each_element(header::contact, [](std::string_view element) {
    const auto contact = parse_name_addr(element);
    if (!contact) return;
    for (const params_view* params : {&contact->uri.params, &contact->params}) {
      params->for_each([](std::string_view name, const std::optional<std::string_view>&) {
        require(!is_pn(name), "push parameters are gone");
        return true;
      });
    }
  });

  edits back(r);
  back.remove_top_via();
  const packet restored = back.serialise(pool());
  const auto upstream = parse(restored.view(), true);
  require(upstream && (*upstream)->via_count() == m.via_count(), "and off again");
  if (!m.is_request()) return;
  const packet answer = build_response(m, source(), 200, "ours", {}, pool());
  const auto response = parse(answer.view(), false);
  require(response || response.error().reason == reasons::header_too_long || response.error().reason == reasons::value_too_long ||
              response.error().reason == reasons::too_many_params,
          "our own response parses");
  if (response) require((*response)->via_count() == m.via_count() && (*response)->call_id() == m.call_id(), "and matches");
}

void sip_uri(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto uri = parse_uri(text)) {
    for (const std::string_view part : {uri->scheme, uri->user, uri->password, uri->host, uri->params.text(), uri->headers, uri->opaque}) {
      require(within(part, text), "parts lie within the URI");
    }
    require(equivalent(*uri, *uri), "a URI equals itself");
    std::string name;
    if (write_aor(*uri, name)) {
      const std::string again_text = "sip:" + name;
      const auto again = parse_uri(again_text);
      require(again && aor_of(*again)->str() == name, "an address-of-record is canonical");
    }
    const std::string bracketed = "<" + std::string(text) + ">;tag=x";
    const auto wrapped = parse_name_addr(bracketed);
    require(wrapped && wrapped->uri.text == text && wrapped->params.find("tag") == "x", "a URI stands in brackets");
  }
  if (const auto who = parse_name_addr(text)) {
    require(within(who->display_name, text) && within(who->uri.text, text) && within(who->params.text(), text), "name-addr parts");
    (void)unquote(who->display_name);
    const auto again = parse_uri(who->uri.text);
    require(again.has_value(), "its URI parses alone");
  }
  if (const auto via = parse_via(text)) require(within(via->text, text) && within(via->host, text), "Via parts");
  std::size_t elements = 0;
  std::string_view rest = text;
  std::string_view element;
  while (text.data() != nullptr && next_element(rest, element)) {
    require(++elements <= size + 1 && within(element, text), "a list ends");
  }
  std::size_t params = 0;
  params_view(text).for_each([&](std::string_view name, const std::optional<std::string_view>& value) {
    require(++params <= size && within(name, text) && (!value || within(*value, text)), "parameters end");
    return true;
  });
  (void)unescape(text);
}

}  // namespace reveille::fuzz
