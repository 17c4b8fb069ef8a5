#include "engine/push/settings_reader.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace reveille {
namespace {

/// Base64 of RFC 4648 4, as Basic authentication wants it (RFC 7617).
std::string base64(const std::string& text) {
  std::string out((text.size() + 2) / 3 * 4 + 1, '\0');
  const int n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  out.resize(static_cast<std::size_t>(n));
  return out;
}

}  // namespace

push_switch switch_of(bool enabled, bool paused) { return enabled && !paused ? push_switch::on : push_switch::off; }

std::string first_line(std::string text) {
  text.resize(std::min(text.find_first_of("\r\n"), text.size()));
  return text;
}

void settings_reader::refuse(const std::string& setting, const std::string& what) {
  faults.push_back({from_.setting_text(setting) + what});
}

std::string settings_reader::file(const std::string& setting, const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in || text.str().empty()) {
    refuse(setting, ": cannot read " + path + ", or it is empty");
    return {};
  }
  return text.str();
}

push_endpoint settings_reader::endpoint(const std::string& setting, const std::string& url) {
  const auto parsed = push_endpoint::parse(url);
  if (!parsed) refuse(setting, ": no https URL: " + url);
  return parsed.value_or(push_endpoint{});
}

std::string settings_reader::place(const std::string& element) const {
  const auto found = from_.written_at.find(element);
  return found == from_.written_at.end() ? std::string() : found->second;
}

void settings_reader::sending(const std::string& provider, const config::sending& from, push_route& route,
                              push_limits& limits) {
  route.ca_pem = optional_file(provider + ".ca_file", from.ca_file);
  route.connect_timeout = from.connect_timeout;
  route.answer_timeout = from.limits.answer_timeout;
  if (!from.proxy.empty()) {
    const auto at = push_endpoint::parse_either(from.proxy);
    if (at) {
      route.proxy_host = at->host;
      route.proxy_port = at->port;
    } else {
      refuse(provider + ".proxy", ": no URL: " + from.proxy);
    }
  }
  const std::string who = optional_file(provider + ".proxy_credentials_file", from.proxy_credentials_file);
  if (!who.empty()) route.proxy_authorization = "Basic " + base64(first_line(who));
  limits = from.limits;
  limits.warm_connections = std::min(limits.warm_connections, limits.connections);
  limits.calls_queued = limits.missed_calls_queued = from_.push.queue_limit;
}

}  // namespace reveille
