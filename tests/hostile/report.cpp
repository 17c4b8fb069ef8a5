#include "tests/hostile/report.hpp"

#include <algorithm>
#include <cstdio>

#include "simulator/report/duration_text.hpp"

namespace reveille::hostile {

namespace {
constexpr std::size_t counters_shown = 3;

template <class... Values>
std::string format(const char* pattern, Values... values) {
  char out[512];
  std::snprintf(out, sizeof out, pattern, values...);
  return out;
}

double megabytes(std::uint64_t octets) { return static_cast<double>(octets) / 1e6; }
std::string ratio_of(const figures& f) {
  if (f.sent.octets == 0) return "-";
  return format("%.2f", static_cast<double>(f.received.octets) / static_cast<double>(f.sent.octets));
}
std::string cpu_of(const figures& f) {
  return f.messages == 0 ? "-" : format("%.1f", f.cpu_seconds * 1e6 / static_cast<double>(f.messages));
}
std::string served(const tally& t) { return std::to_string(t.answered) + "/" + std::to_string(t.offered); }
std::string set_up(const tally& t) {
  if (t.set_up.count() == 0) return "-";
  return report::write_duration(t.set_up.quantile(0.5)) + " / " + report::write_duration(t.set_up.quantile(0.99));
}
std::string unanswered(const tally& t) {
  std::string out;
  for (const auto& [status, times] : t.refused) out += (out.empty() ? "" : ", ") + std::to_string(times) + " got " + std::to_string(status);
  if (t.silent > 0) out += (out.empty() ? "" : ", ") + std::to_string(t.silent) + " no answer";
  return out;
}
std::vector<std::pair<std::string, std::uint64_t>> most_grown(const figures& f) {
  std::vector<std::pair<std::string, std::uint64_t>> all(f.counters.begin(), f.counters.end());
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  if (all.size() > counters_shown) all.resize(counters_shown);
  return all;
}
std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : "; ") + part;
  return out;
}
}  // namespace

std::string text_heading() {
  return format("%-12s %9s %7s %8s %6s %7s %21s %8s %8s %6s  %-19s  %-19s\n", "attack", "messages", "/s", "CPU us", "cores",
                "out:in", "MB before/most/after", "alone", "beside", "after", "set-up p50/p99 alone", "beside");
}

std::string text_of(const figures& f) {
  const std::string name(f.of->name);
  if (!f.skipped.empty()) return format("%-12s skipped: ", name.c_str()) + f.skipped + "\n";
  const double seconds = std::max(f.seconds, 1e-3);
  const std::string memory = format("%.0f/%.0f/%.0f", megabytes(f.rss_before), megabytes(f.rss_most), megabytes(f.rss_after));
  std::string out = format("%-12s %9llu %7.0f %8s %6.2f %7s %21s %8s %8s %6s  %-19s   %-19s\n", name.c_str(),
                           static_cast<unsigned long long>(f.messages), static_cast<double>(f.messages) / seconds, cpu_of(f).c_str(),
                           f.cpu_seconds / seconds, ratio_of(f).c_str(), memory.c_str(), served(f.alone).c_str(),
                           served(f.beside).c_str(), served(f.after).c_str(), set_up(f.alone).c_str(), set_up(f.beside).c_str());
  const auto line = [&](const std::string& words) {
    if (!words.empty()) out += "             " + words + "\n";
  };
  const std::string beside = unanswered(f.beside), after = unanswered(f.after);
  if (!beside.empty()) line("good calls beside it: " + beside);
  if (!after.empty()) line("good calls after it: " + after);
  for (const auto& [counter, grown] : most_grown(f)) line("+" + std::to_string(grown) + "  " + counter);
  line(joined(f.remarks));
  for (const std::string& fault : f.faults) line("FAULT: " + fault);
  return out;
}

std::string markdown_of(const std::vector<figures>& all) {
  std::string out =
      "| attack | messages, a second | CPU each | octets out for one in | memory before, most, after | good calls beside it | their "
      "set-up alone, p50 / p99 | beside it | what rose |\n|---|---|---|---|---|---|---|---|---|\n";
  for (const figures& f : all) {
    const std::string name(f.of->name);
    if (!f.skipped.empty()) {
      out += "| `" + name + "` | not run: " + f.skipped + " | | | | | | | |\n";
      continue;
    }
    std::string rose;
    for (const auto& [counter, grown] : most_grown(f)) {
      rose += (rose.empty() ? "`" : ", `") + counter + "` " + std::to_string(grown);
    }
    std::string good = std::to_string(f.beside.answered) + " of " + std::to_string(f.beside.offered);
    if (const std::string words = unanswered(f.beside); !words.empty()) good += ": " + words;
    if (f.after.unanswered() > 0) good += "; after it " + served(f.after);
    std::vector<std::string> words = f.remarks;
    words.insert(words.end(), f.faults.begin(), f.faults.end());
    if (const std::string more = joined(words); !more.empty()) good += " (" + more + ")";
    std::replace(good.begin(), good.end(), '\n', ' ');  // a table's cells take no line ends
    out += "| `" + name + "` | " +
           format("%llu, %.0f | %s us | %s | %.0f, %.0f, %.0f MB", static_cast<unsigned long long>(f.messages),
                  static_cast<double>(f.messages) / std::max(f.seconds, 1e-3), cpu_of(f).c_str(), ratio_of(f).c_str(),
                  megabytes(f.rss_before), megabytes(f.rss_most), megabytes(f.rss_after)) +
           " | " + good + " | " + set_up(f.alone) + " | " + set_up(f.beside) + " | " + rose + " |\n";
  }
  return out;
}

}  // namespace reveille::hostile
