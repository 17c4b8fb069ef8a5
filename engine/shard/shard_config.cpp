#include "engine/shard/shard_config.hpp"

#include <algorithm>
#include <charconv>

namespace reveille {
namespace {

constexpr std::uint16_t default_port = 5060;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool same_text(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

/// "host", "host:port", "[v6]:port" in two.
std::pair<std::string_view, std::uint16_t> split_host_port(std::string_view text) {
  const auto colon = text.rfind(':');
  const auto bracket = text.rfind(']');
  if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket)) return {text, 0};
  std::uint16_t port = 0;
  std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
  return {text.substr(0, colon), port};
}

std::string bracketed(const endpoint& address) {
  return address.v6 ? "[" + address.address_text() + "]" : address.address_text();
}

}  // namespace

own_names::own_names(const shard_config& config)
    : domains_(config.domains), listeners_(config.listeners), trusted_(config.trusted_peers), realm_(config.realm) {
  if (realm_.empty() && !domains_.empty()) realm_ = domains_.front();
  for (listener& l : listeners_) {
    if (l.sent_by.empty()) l.sent_by = l.address.text();
    const auto [host, port] = split_host_port(l.sent_by);
    names_.push_back({std::string(host), port == 0 ? default_port : port});
    names_.push_back({bracketed(l.address), l.address.port});
    for (const std::string& alias : config.aliases) {
      const auto [name, its_port] = split_host_port(alias);
      names_.push_back({std::string(name), its_port == 0 ? l.address.port : its_port});
    }
  }
}

bool own_names::served(std::string_view host) const {
  return std::any_of(domains_.begin(), domains_.end(), [&](const std::string& d) { return same_text(d, host); });
}

bool own_names::self(const sip::uri_view& uri) const {
  const std::uint16_t port = uri.port == 0 ? default_port : uri.port;
  for (const address_name& name : names_) {
    if (name.port == port && same_text(name.host, uri.host)) return true;
  }
  if (!served(uri.host)) return false;
  if (uri.port == 0) return true;
  return std::any_of(names_.begin(), names_.end(), [&](const address_name& n) { return n.port == port; });
}

bool own_names::trusted(const endpoint& peer) const {
  return std::any_of(trusted_.begin(), trusted_.end(), [&](const endpoint& t) {
    return t.v6 == peer.v6 && t.address == peer.address && (t.port == 0 || t.port == peer.port);
  });
}

std::uint8_t own_names::listener_of(const endpoint& local) const {
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    if (listeners_[i].address == local) return static_cast<std::uint8_t>(i);
  }
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    if (listeners_[i].address.port == local.port) return static_cast<std::uint8_t>(i);
  }
  return 0;
}

}  // namespace reveille
