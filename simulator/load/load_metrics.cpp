#include "simulator/load/load_metrics.hpp"

#include "net/http1/server.hpp"
#include "net/metrics/metrics_page.hpp"

namespace reveille::load {

namespace {

using counted = load_metrics::counted;

void add_families(metric_sink& to, const load_metrics& m, const stage_slots& stages) {
  to.gauge("reveille_load_registered", "Phones that have registered.", {}, static_cast<double>(m.value(counted::registered)));
  to.gauge("reveille_load_registers_in_flight", "REGISTERs without an answer.", {}, static_cast<double>(m.value(counted::register_in_flight)));
  to.counter("reveille_load_retransmissions_total", "Datagrams sent again by phones and callers.", {}, m.value(counted::retransmitted));
  to.counter("reveille_load_calls_offered_total", "Calls offered.", {}, m.value(counted::offered));
  to.counter("reveille_load_calls_not_offered_total", "Arrivals without a free phone.", {}, m.value(counted::not_offered));
  to.gauge("reveille_load_calls_in_flight", "Calls that still move.", {}, static_cast<double>(m.value(counted::in_flight)));
  struct outcome {
    const char* name;
    counted what;
  };
  for (const outcome& o : {outcome{"answered", counted::answered}, {"cancelled", counted::cancelled}, {"not_woken", counted::not_woken},
                           {"unanswered", counted::unanswered}, {"failed", counted::failed}}) {
    to.counter("reveille_load_calls_total", "Calls that ended.", {{"outcome", o.name}}, m.value(o.what));
  }
  to.counter("reveille_load_pushes_total", "Pushes at the phones.", {{"kind", "call"}}, m.value(counted::pushes_invite));
  to.counter("reveille_load_pushes_total", "Pushes at the phones.", {{"kind", "missed_call"}}, m.value(counted::pushes_missed));
  to.counter("reveille_load_missed_calls_expected_total", "Calls that must be told.", {}, m.value(counted::expected));
  to.counter("reveille_load_missed_calls_told_total", "Of these, told.", {}, m.value(counted::told));
  to.counter("reveille_load_violations_total", "Contradictions found.", {}, m.value(counted::violations));
  for (std::size_t i = 0; i < report::stage_count; ++i) {
    to.histogram("reveille_load_stage_seconds", "Latency of each stage of a woken call.", {{"stage", report::stage_names[i].id}},
                 stages[i].values());
  }
  add_process_metrics(to);
}

class served final : public metrics_endpoint {
 public:
  served(const load_metrics& metrics, const stage_slots& stages) {
    page_.add_source([&metrics, &stages](metric_sink& to) { add_families(to, metrics, stages); });
  }
  result<bool> listen(const endpoint& where) {
    http1::server_options options;
    options.listen = where;
    auto started = http1::server::start(options, [this](const http1::request& asked) { return answer(asked); });
    if (!started) return failure(started.error().what);
    server_ = std::move(*started);
    return true;
  }
  endpoint listening() const override { return server_->listening(); }

 private:
  http1::response answer(const http1::request& asked) const {
    if (asked.path != "/metrics") return {404, "text/plain", "only /metrics is here\n", ""};
    if (asked.method != "GET") return {405, "text/plain", "", "GET"};
    return {200, std::string(metrics_page::content_type), page_.text(), ""};
  }
  metrics_page page_;
  std::unique_ptr<http1::server> server_;  // last: its thread must end before what it reads
};

}  // namespace

void load_metrics::update(const load_run& run, steady_time now) {
  if (now < next_) return;
  next_ = now + interval;
  const run_state state = run.state();
  const scene& s = run.at();
  const report::call_counts& c = s.truth.calls();
  set(counted::registered, state.registered);
  set(counted::register_in_flight, state.register_in_flight);
  set(counted::retransmitted, s.registrations.retransmitted);
  set(counted::offered, c.offered);
  set(counted::in_flight, state.calls_in_flight);
  set(counted::answered, c.answered);
  set(counted::cancelled, c.cancelled);
  set(counted::not_woken, c.not_woken);
  set(counted::unanswered, c.unanswered);
  set(counted::failed, c.failed);
  set(counted::not_offered, state.not_offered);
  set(counted::pushes_invite, s.pushes.invites);
  set(counted::pushes_missed, s.pushes.missed_calls);
  set(counted::told, s.truth.missed().told);
  set(counted::expected, s.truth.missed().expected);
  set(counted::violations, s.truth.violation_count());
}

result<std::unique_ptr<metrics_endpoint>> metrics_endpoint::start(const std::string& listen, const load_metrics& metrics,
                                                                  const stage_slots& stages) {
  const auto where = parse_endpoint(listen);
  if (!where) return failure("--metrics-listen: " + where.error().what);
  auto out = std::make_unique<served>(metrics, stages);
  if (const auto started = out->listen(*where); !started) return failure("--metrics-listen: " + started.error().what);
  return out;
}

}  // namespace reveille::load
