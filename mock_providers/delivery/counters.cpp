#include "mock_providers/delivery/counters.hpp"

#include <string_view>

namespace reveille::mock_providers {
namespace {

void family(std::string& out, std::string_view name, std::string_view type, std::string_view help) {
  out.append("# HELP reveille_mock_").append(name).append(" ").append(help).append("\n# TYPE reveille_mock_");
  out.append(name).append(" ").append(type).append("\n");
}

void sample(std::string& out, std::string_view name, std::string_view labels, std::uint64_t value) {
  out.append("reveille_mock_").append(name);
  if (!labels.empty()) out.append("{").append(labels).append("}");
  out.append(" ").append(std::to_string(value)).append("\n");
}

std::string label_value(std::string_view text) {
  std::string out;
  for (char c : text) out += c == '"' || c == '\\' || c < ' ' ? '_' : c;  // a script's reason may hold anything
  return out;
}

template <class Value>
void per_provider(std::string& out, const mock_counters& c, std::string_view name, std::string_view help, Value value) {
  family(out, name, "counter", help);
  for (std::size_t p = 0; p < c.providers.size(); ++p) {
    sample(out, name, "provider=\"" + std::string(pns::name_of(static_cast<pns::provider>(p))) + "\"",
           value(c.providers[p]));
  }
}

}  // namespace

void append_metrics(std::string& out, const mock_counters& c) {
  per_provider(out, c, "requests_total", "Push requests that arrived.", [](const auto& p) { return p.requests; });
  per_provider(out, c, "accepted_total", "Push requests answered 200.", [](const auto& p) { return p.accepted; });
  per_provider(out, c, "repeated_ids_total", "Accepted with an id that was accepted before.",
               [](const auto& p) { return p.repeated_ids; });
  per_provider(out, c, "silenced_total", "Left unanswered by the fault script.", [](const auto& p) { return p.silenced; });
  per_provider(out, c, "resets_total", "Streams reset by the fault script.", [](const auto& p) { return p.resets; });
  per_provider(out, c, "goaways_total", "GOAWAY frames sent by the fault script, for too many pings and to the idle.", [](const auto& p) { return p.goaways; });
  per_provider(out, c, "settings_changes_total", "SETTINGS sent by the fault script.",
               [](const auto& p) { return p.settings_changes; });
  family(out, "refused_total", "counter", "Push requests refused, by status and the provider's word.");
  for (std::size_t p = 0; p < c.providers.size(); ++p) {
    for (const auto& [what, count] : c.providers[p].refused) {
      sample(out, "refused_total",
             "provider=\"" + std::string(pns::name_of(static_cast<pns::provider>(p))) + "\",status=\"" +
                 std::to_string(what.first) + "\",reason=\"" + label_value(what.second) + "\"",
             count);
    }
  }
  struct row {
    std::string_view name, type, help;
    std::uint64_t value;
  };
  const row rows[] = {
      {"delivered_total", "counter", "Notifications handed to devices.", c.deliveries.delivered},
      {"delivery_lost_total", "counter", "Notifications lost on purpose.", c.deliveries.lost},
      {"delivery_stored_total", "counter", "Notifications kept for a device that was away.", c.deliveries.stored},
      {"delivery_replaced_total", "counter", "Kept notifications replaced by a newer one.", c.deliveries.replaced},
      {"delivery_expired_total", "counter", "Notifications that expired before delivery.", c.deliveries.expired},
      {"delivery_queue_full_total", "counter", "Notifications dropped because too many waited.", c.deliveries.queue_full},
      {"deliveries_waiting", "gauge", "Notifications on their way.", c.deliveries.waiting},
      {"oauth_issued_total", "counter", "Access tokens issued.", c.oauth_issued},
      {"oauth_refused_total", "counter", "Requests for access tokens refused.", c.oauth_refused},
      {"connections_accepted_total", "counter", "TLS connections accepted.", c.connections_accepted},
      {"handshakes_failed_total", "counter", "TLS handshakes that failed.", c.handshakes_failed},
      {"connections_open", "gauge", "TLS connections open.", c.connections_open},
      {"answers_waiting", "gauge", "Answers held back by the answer delay.", c.answers_waiting},
      {"connections_silent", "gauge", "TCP connections that the fault script leaves unanswered.", c.connections_silent},
      {"subscribers_dropped_total", "counter", "Subscribers closed because they were too far behind.", c.subscribers_dropped},
      {"control_refused_total", "counter", "Connections to the control port beyond its bound.", c.control_refused},
      {"ledger_accepted", "gauge", "Acceptances that the ledger has counted since it was last cleared.", c.ledger.accepted},
      {"ledger_pushes", "gauge", "Different pushes among them.", c.ledger.distinct},
      {"ledger_repeated_pushes", "gauge", "Pushes among them that were accepted more than once.", c.ledger.repeated},
      {"ledger_most_acceptances", "gauge", "Acceptances of the most repeated push (255: that or more).", c.ledger.most},
      {"ledger_uncounted", "gauge", "Acceptances that came when the ledger was full.", c.ledger.uncounted},
  };
  for (const row& r : rows) {
    family(out, r.name, r.type, r.help);
    sample(out, r.name, "", r.value);
  }
}

}  // namespace reveille::mock_providers
