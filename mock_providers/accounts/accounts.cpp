#include "mock_providers/accounts/accounts.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace reveille::mock_providers {
namespace {

using nlohmann::json;

constexpr std::size_t max_name = 200;
constexpr std::size_t max_pem = 16 * 1024;

/// The first fault stays, and nothing is read after it.
class account_reader {
 public:
  result<accounts> read(const json& root) {
    accounts out;
    only(root, "", {"teams", "projects"});
    each(root, "", "teams", accounts::max_teams, [&](const json& v, const std::string& at) { out.teams.push_back(team(v, at)); });
    each(root, "", "projects", accounts::max_projects,
         [&](const json& v, const std::string& at) { out.projects.push_back(project(v, at)); });
    if (fault_.empty() && out.teams.empty() && out.projects.empty()) blame("", "neither \"teams\" nor \"projects\"");
    if (!fault_.empty()) return failure(fault_);
    return out;
  }

 private:
  void blame(const std::string& at, const std::string& what) {
    if (fault_.empty()) fault_ = at.empty() ? what : at + ": " + what;
  }
  static std::string inside(const std::string& at, const char* key) { return at.empty() ? key : at + "." + key; }

  void only(const json& v, const std::string& at, std::initializer_list<std::string_view> known) {
    if (!v.is_object()) return blame(at, "wants an object");
    for (const auto& [key, unused] : v.items()) {
      if (std::find(known.begin(), known.end(), key) == known.end()) {
        return blame(at, "unknown key \"" + key.substr(0, 60) + "\"");
      }
    }
  }
  std::string text(const json& v, const std::string& at, const char* key, std::size_t limit = max_name, bool wanted = false) {
    const auto found = fault_.empty() ? v.find(key) : v.end();
    if (found == v.end()) {
      if (wanted) blame(inside(at, key), "is missing");
      return {};
    }
    if (found->is_string() && found->get_ref<const std::string&>().size() <= limit) {
      if (wanted && found->get_ref<const std::string&>().empty()) blame(inside(at, key), "is empty");
      return found->get<std::string>();
    }
    blame(inside(at, key), "wants a text of at most " + std::to_string(limit) + " octets");
    return {};
  }
  template <class Take>
  void each(const json& v, const std::string& at, const char* key, std::size_t limit, Take take) {
    const auto found = fault_.empty() ? v.find(key) : v.end();
    if (found == v.end()) return;
    if (!found->is_array() || found->size() > limit) return blame(inside(at, key), "wants a list of at most " + std::to_string(limit));
    for (std::size_t i = 0; i < found->size() && fault_.empty(); ++i) {
      take((*found)[i], inside(at, key) + "[" + std::to_string(i) + "]");
    }
  }
  std::vector<std::string> bundles(const json& v, const std::string& at) {
    std::vector<std::string> out;
    each(v, at, "bundles", accounts::max_bundles, [&](const json& b, const std::string& where) {
      if (!b.is_string() || b.get_ref<const std::string&>().empty()) return blame(where, "wants a bundle id");
      out.push_back(b.get<std::string>());
    });
    return out;
  }
  std::string key_pem(const json& v, const std::string& at) {
    std::string pem = text(v, at, "key_pem", max_pem);
    if (!pem.empty() && fault_.empty()) {
      if (const auto good = verifying_half(pem); !good) blame(inside(at, "key_pem"), good.error().what);
    }
    return pem;
  }

  apns_team_account team(const json& v, const std::string& at) {
    apns_team_account out;
    only(v, at, {"team_id", "bundles", "keys"});
    out.team_id = text(v, at, "team_id", max_name, true);
    out.bundles = bundles(v, at);
    each(v, at, "keys", accounts::max_keys, [&](const json& k, const std::string& where) {
      apns_key_account key;
      only(k, where, {"key_id", "environment", "bundles", "key_pem"});
      key.key_id = text(k, where, "key_id", max_name, true);
      // It becomes part of a file's name.
      const auto fine = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); };
      if (!std::all_of(key.key_id.begin(), key.key_id.end(), fine)) blame(where + ".key_id", "wants letters and digits");
      const std::string scope = text(k, where, "environment");
      if (scope == "production") key.scope = key_scope::production;
      else if (scope == "sandbox") key.scope = key_scope::sandbox;
      else if (!scope.empty() && scope != "both") blame(where + ".environment", "is production, sandbox or both");
      key.bundles = bundles(k, where);
      key.key_pem = key_pem(k, where);
      out.keys.push_back(std::move(key));
    });
    return out;
  }

  fcm_project_account project(const json& v, const std::string& at) {
    fcm_project_account out;
    only(v, at, {"project", "number", "client_email", "key_pem", "legacy_key"});
    out.project = text(v, at, "project", max_name, true);
    const auto fine = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-'; };
    if (!std::all_of(out.project.begin(), out.project.end(), fine)) blame(at + ".project", "wants small letters, digits and dashes");
    out.number = text(v, at, "number");
    out.client_email = text(v, at, "client_email");
    if (out.client_email.empty()) out.client_email = "pusher@" + out.project + ".iam.gserviceaccount.com";
    out.key_pem = key_pem(v, at);
    out.legacy_key = text(v, at, "legacy_key");
    return out;
  }

  std::string fault_;
};

template <class List, class Key>
void replace_by(List& list, List more, Key key) {
  for (auto& one : more) {
    const auto found = std::find_if(list.begin(), list.end(), [&](const auto& x) { return x.*key == one.*key; });
    if (found != list.end()) *found = std::move(one);
    else list.push_back(std::move(one));
  }
}

}  // namespace

result<pns::verifying_key> verifying_half(const std::string& pem) {
  if (const auto whole = pns::signing_key::from_pem(pem)) return pns::verifying_key::from_pem(whole->public_pem());
  return pns::verifying_key::from_pem(pem);
}

accounts accounts::of(const identity& who, const credentials& keys, const std::string& legacy_key) {
  accounts out;
  out.teams.push_back({who.team_id, {who.bundle}, {{who.key_id, key_scope::both, {}, keys.apns_key_pem}}});
  out.projects.push_back({who.project, who.project_number, who.client_email, keys.google_key_pem, legacy_key});
  return out;
}

result<accounts> accounts::parse(std::string_view text) {
  json root;
  try {
    root = json::parse(text);
  } catch (const json::exception& e) {   // out_of_range too: a number that no double holds
    return failure(std::string("no JSON: ") + e.what());
  }
  return account_reader().read(root);
}

void accounts::merge(accounts more) {
  replace_by(teams, std::move(more.teams), &apns_team_account::team_id);
  replace_by(projects, std::move(more.projects), &fcm_project_account::project);
}

std::size_t accounts::without_key() const {
  std::size_t n = 0;
  for (const apns_team_account& team : teams) {
    for (const apns_key_account& key : team.keys) n += key.key_pem.empty() ? 1U : 0U;
  }
  for (const fcm_project_account& project : projects) n += project.key_pem.empty() ? 1U : 0U;
  return n;
}

result<void> accounts::make_keys() {
  for (apns_team_account& team : teams) {
    for (apns_key_account& key : team.keys) {
      if (!key.key_pem.empty()) continue;
      auto made = make_apns_key();
      if (!made) return tl::unexpected(made.error());
      key.key_pem = std::move(*made);
    }
  }
  for (fcm_project_account& project : projects) {
    if (!project.key_pem.empty()) continue;
    auto made = make_google_key();
    if (!made) return tl::unexpected(made.error());
    project.key_pem = std::move(*made);
  }
  return {};
}

}  // namespace reveille::mock_providers
