#include "engine/config/profiles.hpp"

#include <fstream>
#include <map>

namespace reveille::config {
namespace {

std::string_view base_name(base_profile base) {
  switch (base) {
    case base_profile::ecss10: return "ecss10";
    case base_profile::native: return "native";
  }
  return {};
}

/// One octet more than the compiler takes is enough to be refused: a path may lead anywhere.
constexpr std::streamsize read_limit = (std::streamsize{1} << 20) + 1;

std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text(static_cast<std::size_t>(read_limit), '\0');
  in.read(text.data(), read_limit);
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

/// `[apns] badge` is ecss10's property.
pns::payload_properties defaults_of(std::string_view builtin, const settings& s) {
  pns::payload_properties out;
  if (builtin == "ecss10") out["badge"] = s.apns.badge;
  return out;
}

profile_source source_of(const payload_profile& p, const settings& s) {
  profile_source out;
  out.name = p.name;
  if (p.file.empty()) {
    const std::string_view base = base_name(p.base);
    out.file = std::string(base) + ".json";
    out.text = pns::builtin_profile_text(base);
    out.properties = defaults_of(base, s);
  } else {
    out.file = p.file;
    out.text = contents(p.file);
  }
  for (const std::string& property : p.properties) {
    const std::size_t equals = property.find('=');
    if (equals != std::string::npos) out.properties[property.substr(0, equals)] = property.substr(equals + 1);
  }
  return out;
}

}  // namespace

std::vector<profile_source> profile_sources(const settings& s) {
  std::vector<profile_source> out;
  for (const std::string_view name : pns::builtin_profile_names()) {
    out.push_back({std::string(name), std::string(name) + ".json", std::string(pns::builtin_profile_text(name)),
                   defaults_of(name, s)});
  }
  for (const payload_profile& p : s.profiles) out.push_back(source_of(p, s));
  return out;
}

faults check_profiles(const settings& s) {
  faults out;
  std::map<std::string, pns::payload_profile, std::less<>> good;
  std::map<std::string, std::string, std::less<>> file_of;
  for (const profile_source& source : profile_sources(s)) {
    if (source.text.empty()) continue;  // said already: the file cannot be read
    auto made = pns::payload_profile::compile(source.text, source.properties);
    if (made) {
      good.emplace(source.name, std::move(*made));
      file_of.emplace(source.name, source.file);
      continue;
    }
    for (const pns::placed_fault& f : made.error()) {
      fault complaint{source.file, f.place.line, f.place.column, f.what};
      if (std::find(out.begin(), out.end(), complaint) == out.end()) out.push_back(std::move(complaint));
    }
  }
  const auto want = [&](const std::string& name, pns::payload_wire wire, std::string_view what, const std::string& app) {
    const auto found = good.find(name);
    if (found == good.end() || found->second.find(wire, pns::payload_kind::invite) != nullptr) return;
    out.push_back({file_of[name], 1, 1, "profile " + name + " has no \"" + std::string(what) + "\", and " + app + " uses it"});
  };
  for (const apns_app& app : s.apns.apps) want(app.profile, pns::payload_wire::apns, "apns", "APNs app " + app.bundle);
  for (const fcm_app& app : s.fcm.apps) {
    const bool legacy = app.api == fcm_app_config::api::legacy;
    want(app.profile, legacy ? pns::payload_wire::fcm_legacy : pns::payload_wire::fcm_v1, legacy ? "fcm_legacy" : "fcm_v1",
         "FCM app " + app.project);
  }
  return out;
}

}  // namespace reveille::config
