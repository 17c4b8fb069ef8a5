/// What is set for each app, found by what a device says of itself in pn-param (SPEC 2.1, 2.2).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "pns/push_params.hpp"

namespace reveille::pns {

/// Plain data, immutable once made: any thread may look. In the order of configuration, and searched so: apps are few.
template <class Value>
class app_table {
 public:
  void add(provider p, std::string team, std::string app, Value value) {
    rows_.push_back({p, std::move(team), std::move(app), std::move(value)});
  }
  /// Of the app that pn-param names, or of the provider's first when it names none; nullptr = not configured.
  const Value* find(const push_target& target) const {
    for (const row& r : rows_) {
      if (r.of != target.provider) continue;
      const bool named = r.app == target.app && (target.team.empty() || r.team.empty() || r.team == target.team);
      if (named || target.app.empty()) return &r.value;
    }
    return nullptr;
  }
  bool operator==(const app_table&) const = default;

 private:
  struct row {
    provider of;
    std::string team;
    std::string app;
    Value value;
    bool operator==(const row&) const = default;
  };
  std::vector<row> rows_;
};

}  // namespace reveille::pns
