#include "net/metrics/metrics_page.hpp"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <sstream>

namespace reveille {
namespace {

double seconds_of(const timeval& t) {
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
}

std::size_t open_descriptors() {
  DIR* const listing = ::opendir("/proc/self/fd");
  if (listing == nullptr) return 0;
  std::size_t count = 0;
  while (::readdir(listing) != nullptr) ++count;
  ::closedir(listing);
  return count > 3 ? count - 3 : 0;  // not ".", "..", nor the listing itself
}

/// Field 22 of /proc/self/stat, ticks after boot (proc(5)); the name in field 2 may hold blanks and parentheses.
double started_after_boot() {
  std::ifstream in("/proc/self/stat");
  const std::string stat((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(stat.substr(name_end + 1));
  std::string field;
  for (int number = 3; number <= 22; ++number) fields >> field;
  return std::strtod(field.c_str(), nullptr) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double boot_time() {
  std::ifstream in("/proc/stat");
  for (std::string word; in >> word;) {
    double value = 0;
    if (word == "btime" && in >> value) return value;
  }
  return 0;
}

double resident_bytes() {
  std::ifstream in("/proc/self/statm");
  double size = 0, resident = 0;
  in >> size >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

void add_process_metrics(metric_sink& to) {
  rusage used{};
  if (::getrusage(RUSAGE_SELF, &used) == 0) {
    to.counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", {},
               seconds_of(used.ru_utime) + seconds_of(used.ru_stime));
  }
  to.gauge("process_resident_memory_bytes", "Resident memory size in bytes.", {}, resident_bytes());
  to.gauge("process_open_fds", "Number of open file descriptors.", {}, static_cast<double>(open_descriptors()));
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    to.gauge("process_max_fds", "Maximum number of open file descriptors.", {}, static_cast<double>(limit.rlim_cur));
  }
  to.gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.", {},
           boot_time() + started_after_boot());
}

}  // namespace reveille
