#include "tests/hostile/measure.hpp"

#include <atomic>
#include <sstream>
#include <thread>

#include "simulator/load/engine_probe.hpp"

namespace reveille::hostile {

namespace {
using namespace std::chrono_literals;

/// Without new calls between two phases: longer than an honest call.
constexpr auto gap = 500ms;

/// Resident memory of a process, and its most since the start.
class memory_watch {
 public:
  explicit memory_watch(pid_t pid)
      : pid_(static_cast<std::uint32_t>(pid)), thread_([this](const std::stop_token& stopping) {
          while (!stopping.stop_requested()) {
            most_ = std::max(most_.load(), now());
            std::this_thread::sleep_for(50ms);
          }
        }) {}
  std::uint64_t now() const {
    const auto usage = load::usage_of(pid_);
    return usage ? usage->rss_bytes : 0;
  }
  std::uint64_t most() const { return most_; }

 private:
  std::uint32_t pid_;
  std::atomic<std::uint64_t> most_{0};
  std::jthread thread_;
};

double cpu_of(stand& at) {
  const auto usage = load::usage_of(static_cast<std::uint32_t>(at.engine().pid()));
  return usage ? usage->cpu_seconds : 0;
}

double value_in(const std::map<std::string, double>& samples, const std::string& name) {
  const auto found = samples.find(name);
  return found == samples.end() ? 0 : found->second;
}

bool ready(stand& at) { return http(at.admin(), "GET", "/readyz").find(" 200 ") != std::string::npos; }

void judge(figures& f, const attack& a, const options& with) {
  if (with.smoke) {
    if (f.alone.answered == 0 || f.beside.answered == 0 || f.after.answered == 0) f.faults.push_back("good calls are not served");
    return;
  }
  const auto lost = [&](const tally& t, const char* when) {
    if (t.unanswered() > 0) f.faults.push_back(std::to_string(t.unanswered()) + " good calls lost " + when);
  };
  lost(f.alone, "before it");
  if (a.promised == promise::all_answered) lost(f.beside, "beside it");
  if (a.promised != promise::aimed) lost(f.after, "after it");
  for (const auto& [what, times] : f.harms) f.faults.push_back(std::to_string(times) + " " + what);
  const double ratio = f.sent.octets == 0 ? 0 : static_cast<double>(f.received.octets) / static_cast<double>(f.sent.octets);
  if (a.most_amplification > 0 && ratio > a.most_amplification) f.faults.push_back("amplified beyond the bound");
}

void run(figures& f, const attack& a, const options& with) {
  stand at(with.where, a.with);
  good_calls good(at.sip(), at.control(), a.with.phone_expires);
  assault does(at, good, steady::now() + with.alone + 60s, with.scale);
  memory_watch memory(at.engine().pid());
  if (a.prepare != nullptr) a.prepare(does);
  const auto metrics_before = bound_counters(http(at.admin(), "GET", "/metrics"));
  const double cpu_start = cpu_of(at);
  const auto alone_start = steady::now();
  does.pause(with.alone);
  const double cpu_before = cpu_of(at);
  const std::chrono::duration<double> alone = steady::now() - alone_start;
  const auto metrics_at_start = bound_counters(http(at.admin(), "GET", "/metrics"));
  good.hold();
  does.pause(gap);
  f.rss_before = memory.now();

  const traffic sent_before = does.sent(), received_before = does.received();
  const auto start = steady::now();
  good.enter(phase::beside);
  good.go_on();
  does.begin(start + with.beside);
  a.run(does);
  // An attack that has ended by itself leaves the rest of its time to the good calls.
  while (does.goes_on() && at.engine().running()) does.pause(20ms);
  const std::chrono::duration<double> took = steady::now() - start;
  f.seconds = took.count();
  f.cpu_seconds = std::max(0.0, cpu_of(at) - cpu_before - (cpu_before - cpu_start) / alone.count() * f.seconds);

  good.enter(phase::after);
  does.pause(with.after);
  good.finish();
  does.drain();
  f.messages = does.messages() - sent_before.datagrams;
  f.sent = {does.sent().datagrams - sent_before.datagrams, does.sent().octets - sent_before.octets};
  f.received = {does.received().datagrams - received_before.datagrams, does.received().octets - received_before.octets};
  f.rss_after = memory.now();
  f.rss_most = memory.most();
  f.alone = good.of(phase::alone);
  f.beside = good.of(phase::beside);
  f.after = good.of(phase::after);
  f.harms = does.harms();
  f.remarks = does.remarks();
  if (good.refused_registers() > 0) f.remarks.push_back(std::to_string(good.refused_registers()) + " REGISTERs of good phones refused");
  if (at.engine().running()) {
    const auto at_start = [&](const std::string& name) { return value_in(metrics_at_start, name); };
    for (const auto& [name, value] : bound_counters(http(at.admin(), "GET", "/metrics"))) {
      // Less what the good calls alone make it rise.
      const double usual = (at_start(name) - value_in(metrics_before, name)) * 
                           std::chrono::duration<double>(with.beside + with.after + gap) / std::chrono::duration<double>(with.alone);
      const double grown = value - at_start(name) - usual * 1.5;
      if (grown >= 1) f.counters[name] = static_cast<std::uint64_t>(grown);
    }
    if (!ready(at)) f.faults.push_back("/readyz does not say 200 afterwards");
  } else {
    f.faults.push_back("the engine has died: " + at.engine().last_lines(3));
  }
  judge(f, a, with);
}
}  // namespace

figures measure(const attack& a, const options& with) {
  figures f;
  f.of = &a;
  options own = with;
  std::string pattern = (with.where.directory / (std::string(a.name) + "-XXXXXX")).string();
  if (::mkdtemp(pattern.data()) == nullptr) {
    f.faults.push_back("no directory could be made in " + with.where.directory.string());
    return f;
  }
  own.where.directory = pattern;
  try {
    run(f, a, own);
  } catch (const std::exception& e) {
    const std::string what = e.what();
    (what.find("tmpfs") != what.npos ? f.skipped = what : f.faults.emplace_back(what));
  }
  std::error_code ignored;
  if (!with.keep) std::filesystem::remove_all(pattern, ignored);
  return f;
}

std::map<std::string, double> bound_counters(std::string_view exposition) {
  static constexpr std::string_view prefix = "reveille_";
  static constexpr std::string_view marks[] = {"refused", "dropped", "bounds", "lost", "failures", "throttled", "full",
                                               "oddities", "bad_requests", "stateless", "unreachable", "connects",
                                               "goaways", "evict", "limit", "reject", "absorbed", "foreign", "forged",
                                               "collisions", "shortened", "corrupt", "recoveries"};
  std::map<std::string, double> out;
  std::istringstream lines{std::string(exposition)};
  for (std::string line; std::getline(lines, line);) {
    const std::size_t blank = line.rfind(' ');
    const std::size_t name_end = line.find_first_of("{ ");
    if (!line.starts_with(prefix) || blank == line.npos) continue;
    const std::string family = line.substr(0, name_end);
    if (!family.ends_with("_total")) continue;
    if (std::none_of(std::begin(marks), std::end(marks), [&](std::string_view m) { return family.find(m) != family.npos; })) continue;
    std::string key = line.substr(prefix.size(), blank - prefix.size());
    if (const std::size_t shard = key.find("shard=\""); shard != key.npos) {
      std::size_t end = key.find('"', shard + 7) + 1;
      if (end < key.size() && key[end] == ',') ++end;
      key.erase(shard, end - shard);
      if (key.ends_with("{}")) key.resize(key.size() - 2);
    }
    out[key] += std::strtod(line.c_str() + blank, nullptr);
  }
  return out;
}

}  // namespace reveille::hostile
