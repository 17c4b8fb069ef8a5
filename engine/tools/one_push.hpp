/// One push by hand, with the engine's own plan, credentials and senders: what `reveille push` sends, and `reveille
/// doctor` probes with.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/random.hpp"
#include "core/result.hpp"
#include "core/time.hpp"
#include "engine/config/config.hpp"
#include "engine/push/push_config.hpp"
#include "pns/payload.hpp"
#include "engine/tools/doctor_outside.hpp"
#include "pns/push_order.hpp"

namespace reveille {

/// What the operator asks for.
struct push_wish {
  std::string provider;                  ///< as pn-provider says it
  std::string app;                       ///< bundle id, with .voip for a voip token, or Firebase project; "" = the first
  std::string token;                     ///< pn-prid
  std::string param;                     ///< pn-param; "" = made from `app`
  pns::payload_kind kind = pns::payload_kind::invite;
  std::string from = "100";
  std::string name;
};

/// The same target that a phone's REGISTER would make. Pure. Errors say what is wrong with the wish.
result<pns::push_target> target_of(const push_wish& wish, const config::settings& settings);

/// Pure. @param patience until the deadline.
pns::push_order order_of(const push_wish& wish, pns::push_target target, seconds patience, const instant& now,
                         random_source& random);

/// Leaves only the app that `target` goes to, so that no other app's mistake, key or connection is in the way. Pure.
void keep_only(config::settings& settings, const pns::push_target& target);

/// Where the target's pushes go, and how to look at the way there. Pure. @pre `config` is of settings after keep_only().
https_wish way_of(const pns::push_target& target, const push_config& config);

/// Which body the target's app gets.
pns::payload_wire wire_of(const pns::push_target& target, const config::settings& settings);

/// How the request would look: nothing is sent and nothing bought.
struct composed_request {
  std::string url;                       ///< with the path
  std::vector<std::pair<std::string, std::string>> headers;   ///< authorization shortened to a fingerprint
  std::string body;
};
/// @return an error when the configuration has a mistake, no app fits, or the order cannot be written.
result<composed_request, std::vector<error>> compose_one(const push_config& config, const pns::push_order& order,
                                                         const instant& now);

/// Sends it through a push thread of its own and waits for the answer, until a little after the deadline.
/// @return the mistakes of the configuration, or the answer.
result<pns::push_answer, std::vector<error>> send_one(const push_config& config, const pns::push_order& order,
                                                      const clock& time);

}  // namespace reveille
