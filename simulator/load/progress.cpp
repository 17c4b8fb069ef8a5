#include "simulator/load/progress.hpp"

#include <unistd.h>

#include "simulator/report/duration_text.hpp"
#include "simulator/report/put.hpp"

namespace reveille::load {

namespace {

using report::put;
using report::wide;

std::string p99(const scene& s, report::stage which) {
  const report::histogram& h = s.stages[report::index_of(which)];
  return h.count() == 0 ? "-" : report::write_duration(h.quantile(0.99));
}

}  // namespace

progress::progress(std::FILE* out, steady_time start)
    : out_(out), terminal_(::isatty(::fileno(out)) == 1), started_(start), next_(start + refresh) {
  last_.at = start;
}

double progress::rate(std::uint64_t now_count, std::uint64_t then_count, steady_time now) const {
  const double span = std::chrono::duration<double>(now - last_.at).count();
  return span > 0 ? static_cast<double>(now_count - then_count) / span : 0;
}

std::string progress::block(const load_run& run, steady_time now) {
  const run_state state = run.state();
  const scene& s = run.at();
  const report::call_counts& c = s.truth.calls();
  std::string out;
  put(out, "%7.1f s  %s\n", std::chrono::duration<double>(now - started_).count(), std::string(name_of(state.phase)).c_str());
  put(out, "  registered   %10llu of %u   %9.0f /s   %llu in flight, %llu sent again\n", wide(state.registered),
      s.options.subscribers, rate(state.registered, last_.registered, now), wide(state.register_in_flight),
      wide(s.registrations.retransmitted));
  put(out, "  calls        %10llu offered   %7.0f /s   %llu in flight\n", wide(c.offered), rate(c.offered, last_.offered, now),
      wide(state.calls_in_flight));
  put(out, "  ended        %10llu answered, %llu cancelled, %llu not woken, %llu unanswered, %llu failed\n", wide(c.answered),
      wide(c.cancelled), wide(c.not_woken), wide(c.unanswered), wide(c.failed));
  put(out, "  pushes       %10llu for calls, %llu for missed calls; %llu of %llu missed calls told\n", wide(s.pushes.invites),
      wide(s.pushes.missed_calls), wide(s.truth.missed().told), wide(s.truth.missed().expected));
  put(out, "  p99          REGISTER to INVITE %s, push sent %s, post-dial delay %s\n",
      p99(s, report::stage::register_to_invite).c_str(), p99(s, report::stage::push_sent).c_str(),
      p99(s, report::stage::post_dial_delay).c_str());
  put(out, "  violations   %10llu\n", wide(s.truth.violation_count()));
  return out;
}

std::string progress::line(const load_run& run, steady_time now) {
  const run_state state = run.state();
  const scene& s = run.at();
  const report::call_counts& c = s.truth.calls();
  std::string out;
  put(out,
      "%7.1f s  %s: registered %llu (%.0f/s), calls offered %llu, in flight %llu, answered %llu, told %llu/%llu, "
      "p99 REGISTER to INVITE %s, violations %llu\n",
      std::chrono::duration<double>(now - started_).count(), std::string(name_of(state.phase)).c_str(),
      wide(state.registered), rate(state.registered, last_.registered, now), wide(c.offered), wide(state.calls_in_flight),
      wide(c.answered), wide(s.truth.missed().told), wide(s.truth.missed().expected),
      p99(s, report::stage::register_to_invite).c_str(), wide(s.truth.violation_count()));
  return out;
}

void progress::show_violations(const load_run& run) {
  const auto& found = run.at().truth.violations();
  for (; violations_shown_ < found.size() && violations_shown_ < shown_violations; ++violations_shown_) {
    const report::violation& v = found[violations_shown_];
    std::fprintf(out_, "VIOLATION %s %s: expected %s; seen %s\n", v.rule.c_str(), v.call_id.c_str(), v.expected.c_str(),
                 v.seen.c_str());
  }
}

void progress::show(const load_run& run, steady_time now) {
  if (now < next_) return;
  next_ = now + (terminal_ ? refresh : line_every);
  end();
  show_violations(run);
  const std::string text = terminal_ ? block(run, now) : line(run, now);
  std::fputs(text.c_str(), out_);
  std::fflush(out_);
  if (terminal_) lines_shown_ = static_cast<int>(std::count(text.begin(), text.end(), '\n'));
  last_ = {run.state().registered, run.at().truth.calls().offered, run.at().pushes.invites, now};
}

void progress::end() {
  if (lines_shown_ == 0) return;
  std::fprintf(out_, "\x1b[%dA\x1b[J", lines_shown_);  // up, and clear to the end of the screen
  lines_shown_ = 0;
}

}  // namespace reveille::load
