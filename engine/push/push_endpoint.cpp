#include "engine/push/push_endpoint.hpp"

#include <charconv>

namespace reveille {

std::optional<push_endpoint> push_endpoint::parse(std::string_view url) {
  const auto found = parse_either(url);
  return found && found->how == scheme::https ? found : std::nullopt;
}

std::optional<push_endpoint> push_endpoint::parse_either(std::string_view url) {
  constexpr std::string_view secure = "https://", plain = "http://";
  const bool is_plain = url.starts_with(plain);
  if (!is_plain && !url.starts_with(secure)) return std::nullopt;
  url.remove_prefix(is_plain ? plain.size() : secure.size());
  url = url.substr(0, url.find('/'));
  push_endpoint out;
  if (is_plain) {
    out.how = scheme::http;
    out.port = 80;
  }
  std::string_view port;
  if (!url.empty() && url.front() == '[') {
    const std::size_t end = url.find(']');
    if (end == url.npos) return std::nullopt;
    out.host = url.substr(1, end - 1);
    url.remove_prefix(end + 1);
    if (!url.empty() && url.front() != ':') return std::nullopt;
    if (!url.empty()) port = url.substr(1);
    if (url == ":") return std::nullopt;
  } else {
    const std::size_t colon = url.find(':');
    out.host = url.substr(0, colon);
    if (colon != url.npos) {
      port = url.substr(colon + 1);
      if (port.empty()) return std::nullopt;
    }
  }
  if (out.host.empty()) return std::nullopt;
  if (!port.empty()) {
    const auto [end, fault] = std::from_chars(port.data(), port.data() + port.size(), out.port);
    if (fault != std::errc() || end != port.data() + port.size() || out.port == 0) return std::nullopt;
  }
  return out;
}

std::string push_endpoint::authority() const {
  std::string out = host.find(':') == std::string::npos ? host : '[' + host + ']';
  if (port != (how == scheme::https ? 443 : 80)) out += ':' + std::to_string(port);
  return out;
}

std::string path_of_url(std::string_view url, std::string_view otherwise) {
  const std::size_t authority = url.find("://");
  const std::size_t slash = authority == url.npos ? url.npos : url.find('/', authority + 3);
  return std::string(slash == url.npos ? otherwise : url.substr(slash));
}

}  // namespace reveille
