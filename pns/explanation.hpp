/// What a provider's answer means to the operator, and what is to be done: a sentence or two, for `reveille push` and
/// `reveille doctor`. docs/providers.md says what the engine does by itself.
#pragma once

#include <string>
#include <string_view>

#include "pns/payload.hpp"
#include "pns/push_order.hpp"

namespace reveille::pns {

/// Static text; never empty. Reasons that nobody documents are explained by their status.
/// @param reason as the sorters report it (verdict::reason).
std::string_view explain_answer(payload_wire service, int status, std::string_view reason);

/// The same for any end of a push, those without an answer among them; with a 410's time stamp.
std::string explain(payload_wire service, const push_answer& answer);

/// The words that stand as reason where no provider answered: request_fault's, and OAuth errors. "" for others.
std::string_view explain_fault(std::string_view word);

/// "2026-11-24 15:16:18 UTC"
std::string utc_text(wall_time at);

}  // namespace reveille::pns
