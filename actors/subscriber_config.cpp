#include "actors/subscriber_config.hpp"

namespace reveille {

std::vector<std::string> subscriber_config::validate() const {
  std::vector<std::string> faults;
  const auto expect = [&](bool holds, const char* otherwise) {
    if (!holds) faults.emplace_back(otherwise);
  };
  expect(answer_timeout >= seconds(1) && answer_timeout <= seconds(600), "call.answer_timeout must be 1 s to 600 s");
  expect(push_ttl_margin >= milliseconds(0) && push_ttl_margin < answer_timeout,
         "push.ttl_margin must be less than call.answer_timeout, or no push is ever sent");
  expect(refused_grace >= milliseconds(0) && refused_grace <= answer_timeout,
         "park.refused_grace must not exceed call.answer_timeout");
  expect(left_grace >= milliseconds(0) && left_grace <= answer_timeout,
         "park.left_grace must not exceed call.answer_timeout");
  expect(timer_c > seconds(0), "sip.timer_c must be positive");
  expect(cancel_give_up > milliseconds(0), "sip.cancel_give_up must be positive");
  expect(push == push_when::always || live_flow == dial_live_flow::yes,
         "push.when = asleep needs dial.live_flow = yes: a live device would be neither pushed nor dialled");
  expect(parked_calls > 0 && parked_calls <= 1000, "limits.parked_calls must be 1 to 1000");
  expect(messages > 0 && messages <= 10000, "limits.messages must be 1 to 10000");
  expect(pushes_per_minute > 0 && pushes_per_minute <= 10000, "push.per_minute must be 1 to 10000");
  expect(contacts > 0 && contacts <= 1000, "registrar.contacts must be 1 to 1000");
  expect(contact_octets >= 1024 && contact_octets <= 1024 * 1024, "registrar.max_contact_octets must be 1 KiB to 1 MiB");
  expect(min_expires >= seconds(0) && min_expires <= seconds(3600),
         "registrar.min_expires must not exceed 3600 s (RFC 3261 10.3)");
  expect(max_expires >= min_expires && max_expires > seconds(0), "registrar.max_expires must not be below min_expires");
  expect(default_expires >= min_expires && default_expires <= max_expires,
         "registrar.default_expires must lie between min_expires and max_expires");
  expect(soft_write_delay >= seconds(0) && soft_write_delay <= seconds(3600), "store.soft_write_delay must be 0 to 3600 s");
  expect(store_patience > seconds(0) && store_patience < seconds(32),
         "store.patience must be 1 s to 31 s: a UDP client gives up after 32 s");
  expect(retry_after > seconds(0), "registrar.retry_after must be positive");
  expect(pnsreg > seconds(120), "registrar.pnsreg must be above 120 s (RFC 8599 5.6.1.1)");
  expect(bucket_entries > 0 && bucket_entries <= 10000, "bucket.entries must be 1 to 10000");
  expect(bucket_age > seconds(0), "bucket.age must be positive");
  expect(bucket_write_late > milliseconds(0), "bucket.write_late must be positive");
  expect(over_after_deadline >= seconds(0), "bucket.over_after_deadline must not be negative");
  expect(missed_min_absence >= seconds(0), "missed_calls.min_absence must not be negative");
  expect(missed_ttl > seconds(0), "missed_calls.ttl must be positive");
  expect(missed_cost.fixed + missed_cost.each < missed_cost.limit, "missed_calls: one call must fit into a push");
  expect(!warn_agent.empty() && warn_agent.find_first_of(" \t\r\n\"") == std::string::npos,
         "sip.warn_agent must be a token");
  return faults;
}

}  // namespace reveille
