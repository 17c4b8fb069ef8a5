/// /metrics: what the threads have counted, summed when asked (core/slots.hpp). Only what is really fed may have a
/// family; labels come from closed vocabularies, never from the wire.
#pragma once

#include "core/slots.hpp"

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace reveille {

struct metric_label {
  std::string_view name;
  std::string_view value;
};
using metric_labels = std::initializer_list<metric_label>;

/// Takes samples during one scrape. Samples of one name form one family; the first one's help and type count.
class metric_sink {
 public:
  virtual ~metric_sink() = default;
  /// @param name ends in _total
  virtual void counter(std::string_view name, std::string_view help, metric_labels labels, double value) = 0;
  virtual void gauge(std::string_view name, std::string_view help, metric_labels labels, double value) = 0;
  /// @param name ends in its unit. Without bounds nothing is written: it was never fed.
  virtual void histogram(std::string_view name, std::string_view help, metric_labels labels,
                         const histogram_values& values) = 0;

  void counter(std::string_view name, std::string_view help, metric_labels labels, std::uint64_t value) {
    counter(name, help, labels, static_cast<double>(value));
  }
};

/// Threads: add_source() before the first text(); text() from one thread at a time, and the sources run on it.
class metrics_page {
 public:
  using source = std::function<void(metric_sink&)>;

  metrics_page();
  ~metrics_page();
  metrics_page(const metrics_page&) = delete;
  metrics_page& operator=(const metrics_page&) = delete;

  /// @param from reads counters that live as long as this page
  void add_source(source from);
  /// Prometheus' text format 0.0.4. 1 ms for a thousand series.
  std::string text() const;
  static constexpr std::string_view content_type = "text/plain; version=0.0.4; charset=utf-8";

 private:
  class collector;
  std::unique_ptr<collector> collector_;
};

/// process_* from /proc/self: CPU, memory, descriptors, start time. Linux.
void add_process_metrics(metric_sink& to);

/// reveille_build_info{version, revision, program} 1.
struct build_info {
  std::string version;
  std::string revision;
  std::string program;
};
void add_build_info(metric_sink& to, const build_info& build);

}  // namespace reveille
