/// Of which apps a token belongs to one AOR at a time (SPEC 2.4: accounts = many | one).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pns/push_params.hpp"

namespace reveille::pns {

enum class accounts : std::uint8_t {
  many,   ///< several AORs may be registered with one token: two accounts in one app
  one,    ///< the newest registration has it: a phone whose user changed gets no calls of the former one
};

/// Plain data, immutable once made.
class app_accounts {
 public:
  /// In the order of configuration: the first of a provider is its default app (SPEC 2.1).
  void add(provider p, std::string team, std::string app, accounts rule) {
    rows_.push_back({p, std::move(team), std::move(app), rule});
    any_one_ = any_one_ || rule == accounts::one;
  }
  accounts of(const push_target& target) const {
    for (const row& r : rows_) {
      if (r.provider_ != target.provider) continue;
      if (target.app.empty()) return r.rule;  // the default
      if (r.app == target.app && (target.team.empty() || r.team.empty() || r.team == target.team)) return r.rule;
    }
    return accounts::many;
  }
  /// False: nobody needs to remember whose a token is.
  bool any_one() const { return any_one_; }

 private:
  struct row {
    provider provider_;
    std::string team;
    std::string app;
    accounts rule;
  };
  std::vector<row> rows_;
  bool any_one_ = false;
};

}  // namespace reveille::pns
