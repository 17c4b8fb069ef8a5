#include "engine/admin/host_rules.hpp"

#include <algorithm>
#include <optional>

namespace reveille {
namespace {

/// Names are compared without regard to case and to the dot of the root.
std::string canonical(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  std::string out(name);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

/// "a.example:8080" and "[::1]:8080" without the port and the brackets; nullopt when it is no authority.
std::optional<std::string_view> host_of(std::string_view authority) {
  std::string_view host = authority, port;
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    host = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
    if (host.find(':') == std::string_view::npos) return std::nullopt;
  } else if (const std::size_t colon = authority.find(':'); colon != std::string_view::npos) {
    host = authority.substr(0, colon);
    port = authority.substr(colon);
  }
  const bool well_formed = port.empty() || (port.front() == ':' && std::all_of(port.begin() + 1, port.end(), [](char c) {
                             return c >= '0' && c <= '9';
                           }));
  if (!well_formed || host.empty()) return std::nullopt;
  return host;
}

bool is_every_address(const endpoint& e) {
  return std::all_of(e.address.begin(), e.address.end(), [](std::uint8_t b) { return b == 0; });
}

bool is_loopback(const endpoint& e) {
  if (!e.v6) return e.address[0] == 127;
  return std::all_of(e.address.begin(), e.address.end() - 1, [](std::uint8_t b) { return b == 0; }) && e.address.back() == 1;
}

}  // namespace

host_rules::host_rules(const endpoint& listen, std::vector<std::string> names) : listen_(listen), names_(std::move(names)) {
  for (std::string& name : names_) name = canonical(name);
}

bool host_rules::ours(std::string_view authority) const {
  const auto host = host_of(authority);
  if (!host) return false;
  const std::string name = canonical(*host);
  if (name == "localhost" || std::find(names_.begin(), names_.end(), name) != names_.end()) return true;
  // A literal address cannot be made to lead elsewhere: the page would have to come from there.
  const auto literal = parse_address(name, listen_.port);
  if (!literal) return false;
  return is_loopback(*literal) || is_every_address(listen_) ||
         (literal->v6 == listen_.v6 && literal->address == listen_.address);
}

host_rules::verdict host_rules::judge(std::string_view host, std::string_view origin) const {
  if (!host.empty() && !ours(host)) return verdict::foreign_host;
  if (origin.empty()) return verdict::good;
  const std::size_t scheme = origin.find("://");
  const bool web = scheme != std::string_view::npos && (origin.substr(0, scheme) == "http" || origin.substr(0, scheme) == "https");
  return web && ours(origin.substr(scheme + 3)) ? verdict::good : verdict::foreign_origin;  // "null" too
}

}  // namespace reveille
