/// What subscribers must know of the configured apps: whose a token may be, and whether its app is switched on.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "pns/app_table.hpp"

namespace reveille::pns {

enum class accounts : std::uint8_t {
  many,   ///< several AORs may be registered with one token: two accounts in one app
  one,    ///< the newest registration has it: a phone whose user changed gets no calls of the former one (SPEC 2.4)
};

struct app_rule {
  pns::accounts accounts = pns::accounts::many;
  bool enabled = true;   ///< false: its push bindings are ordinary ones (SPEC 2.3c)
  bool operator==(const app_rule&) const = default;
};

/// Plain data, immutable once made.
class app_rules {
 public:
  void add(provider p, std::string team, std::string app, app_rule rule) {
    any_one_ = any_one_ || rule.accounts == accounts::one;
    any_off_ = any_off_ || !rule.enabled;
    rows_.add(p, std::move(team), std::move(app), rule);
  }
  accounts of(const push_target& target) const {
    const app_rule* const r = rows_.find(target);
    return r != nullptr ? r->accounts : accounts::many;
  }
  /// An app that nobody configured is on: its binding is kept, and an alarm says why it is not pushed (SPEC 2.1).
  bool is_enabled(const push_target& target) const {
    const app_rule* const r = rows_.find(target);
    return r == nullptr || r->enabled;
  }
  /// False: nobody needs to remember whose a token is.
  bool any_one() const { return any_one_; }
  /// False: nobody needs to ask whose app a token is of.
  bool any_off() const { return any_off_; }
  bool operator==(const app_rules&) const = default;

 private:
  app_table<app_rule> rows_;
  bool any_one_ = false;
  bool any_off_ = false;
};

}  // namespace reveille::pns
