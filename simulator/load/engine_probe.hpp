/// What can be learned of the engine from outside: /proc and its /metrics.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "simulator/report/run_report.hpp"

namespace reveille::load {

struct process_usage {
  double cpu_seconds = 0;       ///< user and system, all threads
  std::uint64_t rss_bytes = 0;
};
/// nullopt when the process is gone.
std::optional<process_usage> usage_of(std::uint32_t pid);
/// Reads the text of /proc/<pid>/stat; nullopt when it is none.
std::optional<process_usage> read_stat(std::string_view stat, long ticks_per_second, long page_bytes);

/// GET of an http:// URL with an address literal; blocks at most two seconds. The body.
result<std::string> fetch(const std::string& url);

/// A histogram from Prometheus' text format, all label sets of that name added up; empty when it is not there.
report::engine_histogram read_histogram(std::string_view exposition, std::string_view name);
/// What was added between two readings.
report::engine_histogram difference(const report::engine_histogram& after, const report::engine_histogram& before);

}  // namespace reveille::load
