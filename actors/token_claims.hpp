/// Which tokens an AOR claims for itself: those of apps in which a token belongs to one AOR at a time (SPEC 2.4).
#pragma once

#include "actors/binding.hpp"
#include "actors/effects.hpp"
#include "pns/app_rules.hpp"

namespace reveille {

/// visit(claim_token) for each token of a binding, if its app is one of those.
template <class Visit>
void for_each_claim(const aor& by, const binding& b, const pns::app_rules& accounts, Visit&& visit) {
  const auto target = b.push() ? b.push_target() : std::nullopt;
  if (!target || accounts.of(*target) != pns::accounts::one) return;
  for (const pns::push_token& t : target->tokens) visit(claim_token{by, target->provider, t.value, b.facts().registered});
}

}  // namespace reveille
