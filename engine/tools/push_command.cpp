#include "engine/tools/push_command.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "core/system_ports.hpp"
#include "engine/config/load.hpp"
#include "engine/push/push_counters.hpp"
#include "engine/push/push_setup.hpp"
#include "engine/tools/doctor_outside.hpp"
#include "engine/tools/system_outside.hpp"
#include "pns/explanation.hpp"

namespace reveille {
namespace {

using nlohmann::json;

int fail(push_exit exit, const std::vector<error>& faults) {
  for (const error& e : faults) std::fprintf(stderr, "reveille push: %s\n", e.what.c_str());
  return static_cast<int>(exit);
}

void print(const composed_request& request, bool as_json) {
  if (as_json) {
    json headers = json::object();
    for (const auto& [name, value] : request.headers) headers[name] = value;
    std::puts(json{{"method", "POST"}, {"url", request.url}, {"headers", headers}, {"payload", request.body}}
                  .dump(2, ' ', false, json::error_handler_t::replace)
                  .c_str());
    return;
  }
  std::printf("POST %s\n", request.url.c_str());
  for (const auto& [name, value] : request.headers) std::printf("%s: %s\n", name.c_str(), value.c_str());
  std::printf("\n%s\n", request.body.c_str());
}

/// Why no answer came: the way there, looked at step by step.
std::string way_to(const push_config& config, const pns::push_target& target) {
  system_outside outside;
  const https_wish wish = way_of(target, config);
  const https_facts facts = outside.reach(wish);
  if (!facts.failed) return "The way to " + wish.where.authority() + " is good now.";
  return wish.where.authority() + ": " + explain_failure(facts);
}

}  // namespace

push_report report_of(pns::payload_wire wire, const pns::push_answer& answer) {
  push_report out;
  out.outcome = name_of(end_of(answer.outcome));
  out.status = answer.status;
  out.reason = answer.reason;
  out.explanation = pns::explain(wire, answer);
  if (const auto* taken = std::get_if<pns::accepted>(&answer.outcome)) {
    out.provider_id = taken->provider_id;
    out.exit = push_exit::accepted;
  } else if (const auto* gone = std::get_if<pns::dropped>(&answer.outcome)) {
    using why = pns::dropped::why;
    out.exit = gone->reason == why::no_app || gone->reason == why::provider_off ? push_exit::bad_configuration
               : gone->reason == why::deadline                                  ? push_exit::unreachable
                                                                                : push_exit::refused;
  } else if (answer.status == 0 && std::holds_alternative<pns::try_later>(answer.outcome)) {
    out.exit = push_exit::unreachable;
  }
  return out;
}

std::string text_of(const push_report& r) {
  std::string out = r.outcome;
  if (r.status != 0) out += ": " + std::to_string(r.status);
  if (!r.reason.empty()) out += (r.status != 0 ? " " : ": ") + r.reason;
  if (!r.provider_id.empty()) out += " (" + r.provider_id + ")";
  return out + "\n" + r.explanation + "\n";
}

std::string json_of(const push_report& r) {
  return json{{"outcome", r.outcome},   {"status", r.status},           {"reason", r.reason},
              {"provider_id", r.provider_id}, {"explanation", r.explanation}, {"exit", static_cast<int>(r.exit)}}
             .dump(2, ' ', false, json::error_handler_t::replace) +
         "\n";
}

const CLI::App* add_push_command(CLI::App& program, push_options& o) {
  CLI::App* c = program.add_subcommand("push", "send one push with the engine's own credentials, and explain the answer");
  c->footer(
      "Examples:\n"
      "  reveille push -c reveille.toml --provider apns --app com.example.phone.voip --token d6003173... --from 103 --name Ann\n"
      "  reveille push -c reveille.toml --provider fcm --app my-project --token fGx1... --type missed_calls\n"
      "  reveille push -c reveille.toml --provider apns --pn-param TEAM123456.com.example.phone.voip --token d600... --dry-run\n\n"
      "The push goes the way of every other: same plan, sender, retries and payload profile. It makes a phone ring that has\n"
      "no call waiting for it. --dry-run sends nothing and connects to nobody.\n"
      "Exit status: 0 accepted, 1 refused (or cannot be written), 2 wrong configuration or options, 3 no answer.");
  c->add_option("-c,--config", o.config, "the engine's configuration file")->type_name("FILE")->required();
  c->add_option("--provider", o.wish.provider, "apns, apns.dev (Apple's sandbox) or fcm")->type_name("NAME")->required();
  c->add_option("--token", o.wish.token, "the device's token, as its REGISTER says in pn-prid")->type_name("PRID")->required();
  c->add_option("--app", o.wish.app, "bundle id (with .voip for a PushKit token) or Firebase project; default: the first app")
      ->type_name("APP");
  c->add_option("--pn-param", o.wish.param, "the device's pn-param, in place of --app")->type_name("PARAM");
  c->add_option("--type", o.type, "what it tells")->check(CLI::IsMember({"invite", "missed_calls"}))->capture_default_str();
  c->add_option("--from", o.wish.from, "the caller's number or user@host")->type_name("NUMBER")->capture_default_str();
  c->add_option("--name", o.wish.name, "the caller's display name")->type_name("NAME");
  c->add_option("--timeout", o.timeout, "seconds to wait and retry; the push lives as long")->check(CLI::Range(1, 120))->capture_default_str();
  c->add_flag("--dry-run", o.dry_run, "print request, headers and payload; send nothing");
  c->add_flag("--json", o.json, "print JSON");
  return c;
}

int run_push_command(const push_options& o) {
  auto settings = config::load_file(o.config);
  if (!settings) {
    for (const config::fault& f : settings.error()) std::fprintf(stderr, "%s\n", f.text().c_str());
    return static_cast<int>(push_exit::bad_configuration);
  }
  push_wish wish = o.wish;
  wish.kind = o.type == "invite" ? pns::payload_kind::invite : pns::payload_kind::missed_calls;
  auto target = target_of(wish, *settings);
  if (!target) return fail(push_exit::bad_configuration, {target.error()});
  keep_only(*settings, *target);
  const auto config = read_push_config(*settings);
  if (!config) return fail(push_exit::bad_configuration, config.error());
  system_clock_port time;
  system_random random;
  const pns::push_order order = order_of(wish, *target, seconds(o.timeout), time.now(), random);
  if (o.dry_run) {
    const auto composed = compose_one(*config, order, time.now());
    if (!composed) return fail(push_exit::bad_configuration, composed.error());
    print(*composed, o.json);
    return static_cast<int>(push_exit::accepted);
  }
  if (!o.json) std::printf("sending %s to %s, at most %u s ...\n", o.type.c_str(), wish.provider.c_str(), o.timeout);
  std::fflush(stdout);
  const auto answer = send_one(*config, order, time);
  if (!answer) return fail(push_exit::bad_configuration, answer.error());
  push_report report = report_of(wire_of(order.target, *settings), *answer);
  if (report.exit == push_exit::unreachable) report.explanation += " " + way_to(*config, order.target);
  std::fputs((o.json ? json_of(report) : text_of(report)).c_str(), stdout);
  return static_cast<int>(report.exit);
}

}  // namespace reveille
