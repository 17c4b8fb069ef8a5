#include "simulator/load/scene.hpp"

#include <charconv>

namespace reveille::load {

namespace {
constexpr std::string_view magic_cookie = "z9hG4bK";

bool take_number(std::string_view& text, std::uint32_t& into) {
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), into);
  if (fault != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}
}  // namespace

void append_number(std::string& out, std::uint64_t value) {
  char text[24];
  const auto [end, fault] = std::to_chars(text, text + sizeof text, value);
  out.append(text, static_cast<std::size_t>(end - text));
}

void append_copied_headers(std::string& out, const sip_text& request) {
  for (const std::string_view via : request.vias()) {
    out += "Via: ";
    out += via;
    out += "\r\n";
  }
  out += "From: ";
  out += request.from;
  out += "\r\nCall-ID: ";
  out += request.call_id;
  out += "\r\nCSeq: ";
  append_number(out, request.cseq);
  out += ' ';
  out += request.cseq_method;
  out += "\r\n";
}

scene::scene(const load_options& given, std::string tag, datagram_port& sockets, random_source& source, steady_time start)
    : options(given),
      names(given, std::move(tag)),
      phones(given.subscribers),
      net(sockets),
      random(source),
      wheel(start),
      now(start),
      truth(truth_rules{given.grace, seconds(2), given.pushes_per_call}, names) {
  for (std::size_t i = 0; i < net.size(); ++i) local_texts_.push_back(net.local(static_cast<std::uint16_t>(i)).text());
  for (std::uint32_t i = 0; i < given.subscribers; ++i) {
    phones[i].kind = names.kind_of({i});
    // Neighbours share a socket, so that the first phase can send them in one system call.
    phones[i].socket = static_cast<std::uint16_t>(i / 32 % given.sockets);
    phones[i].registered = !given.register_first;
  }
  registrations.subscribers = given.subscribers;
  if (!given.register_first) registrations.registered = given.subscribers;
}

void scene::append_branch(std::string& out, branch_name branch) const {
  out += magic_cookie;
  out += names.tag();
  out += branch.kind;
  append_number(out, branch.number);
  out += '.';
  append_number(out, branch.generation);
}

std::optional<branch_name> scene::read_branch(std::string_view text) const {
  if (!text.starts_with(magic_cookie)) return std::nullopt;
  text.remove_prefix(magic_cookie.size());
  if (!text.starts_with(names.tag()) || text.size() == names.tag().size()) return std::nullopt;
  text.remove_prefix(names.tag().size());
  branch_name out;
  out.kind = text.front();
  text.remove_prefix(1);
  if (!take_number(text, out.number) || !text.starts_with('.')) return std::nullopt;
  text.remove_prefix(1);
  if (!take_number(text, out.generation) || !text.empty()) return std::nullopt;
  return out;
}

}  // namespace reveille::load
