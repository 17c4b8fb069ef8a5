/// Where an HTTP service listens, read from a URL. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace reveille {

/// Where an HTTP service listens.
struct push_endpoint {
  enum class scheme : std::uint8_t { https, http };

  std::string host;
  std::uint16_t port = 443;
  scheme how = scheme::https;
  bool operator==(const push_endpoint&) const = default;

  /// "https://host[:port][/path]", the path being ignored; nullopt for anything else.
  static std::optional<push_endpoint> parse(std::string_view url);
  /// "http://..." too: for gateways on premises, where the configuration allows it.
  static std::optional<push_endpoint> parse_either(std::string_view url);
  /// `:authority`: the host alone on the scheme's own port, as node-apn and the others send it.
  std::string authority() const;
};
/// What follows the authority in a URL, or `otherwise` when nothing does.
std::string path_of_url(std::string_view url, std::string_view otherwise);

}  // namespace reveille
