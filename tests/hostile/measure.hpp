/// Runs one attack on fresh processes and measures what it cost.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/hostile/attack.hpp"

namespace reveille::hostile {

struct options {
  place where;
  std::chrono::milliseconds alone{2000}, beside{8000}, after{3000};
  double scale = 1;     ///< of each attack's rate
  bool smoke = false;   ///< judges only that the engine lives and serves
  bool keep = false;    ///< the logs
};

struct figures {
  const attack* of = nullptr;
  std::string skipped;              ///< why it could not be run; the rest is then empty
  std::uint64_t messages = 0;
  double seconds = 0;
  double cpu_seconds = 0;           ///< of the engine in these, less what the good calls cost it before
  traffic sent, received;
  std::uint64_t rss_before = 0, rss_most = 0, rss_after = 0;  ///< octets
  tally alone, beside, after;
  std::map<std::string, std::uint64_t> counters;              ///< bounds and refusals that rose, without the prefix
  std::map<std::string, std::uint64_t> harms;
  std::vector<std::string> remarks;
  std::vector<std::string> faults;  ///< why the run fails; empty: it stands
};

/// Never throws for what the engine does. A stand that cannot be built is a fault, or `skipped` where the system forbids it.
figures measure(const attack& a, const options& with);

/// The samples of Prometheus' text whose names tell of a bound or a refusal, shards added up.
std::map<std::string, double> bound_counters(std::string_view exposition);

}  // namespace reveille::hostile
