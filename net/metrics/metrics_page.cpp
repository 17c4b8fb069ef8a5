#include "net/metrics/metrics_page.hpp"

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <unordered_map>

namespace reveille {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

class family_builder final : public metric_sink {
 public:
  void counter(std::string_view name, std::string_view help, metric_labels labels, double value) override {
    add(name, help, MetricType::Counter, labels).counter.value = value;
  }
  void gauge(std::string_view name, std::string_view help, metric_labels labels, double value) override {
    add(name, help, MetricType::Gauge, labels).gauge.value = value;
  }
  void histogram(std::string_view name, std::string_view help, metric_labels labels,
                 const histogram_values& values) override {
    if (values.bounds.empty()) return;
    ClientMetric::Histogram& out = add(name, help, MetricType::Histogram, labels).histogram;
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < values.bounds.size(); ++i) {
      below += values.counts[i];
      out.bucket.push_back({below, values.bounds[i]});
    }
    below += values.counts[values.bounds.size()];
    out.bucket.push_back({below, std::numeric_limits<double>::infinity()});
    out.sample_count = below;
    out.sample_sum = values.sum;
  }

  std::vector<MetricFamily> take() { return std::move(families_); }

 private:
  ClientMetric& add(std::string_view name, std::string_view help, MetricType type, metric_labels labels) {
    const auto [at, fresh] = index_.try_emplace(std::string(name), families_.size());
    if (fresh) {
      MetricFamily family;
      family.name = name;
      family.help = help;
      family.type = type;
      families_.push_back(std::move(family));
    }
    ClientMetric& metric = families_[at->second].metric.emplace_back();
    for (const metric_label& label : labels)
      metric.label.push_back({std::string(label.name), std::string(label.value)});
    return metric;
  }

  std::vector<MetricFamily> families_;
  std::unordered_map<std::string, std::size_t> index_;
};

}  // namespace

class metrics_page::collector final : public prometheus::Collectable {
 public:
  void add(source from) { sources_.push_back(std::move(from)); }
  std::vector<MetricFamily> Collect() const override {
    family_builder build;
    for (const source& from : sources_) from(build);
    return build.take();
  }

 private:
  std::vector<source> sources_;
};

metrics_page::metrics_page() : collector_(std::make_unique<collector>()) {}
metrics_page::~metrics_page() = default;

void metrics_page::add_source(source from) {
  collector_->add(std::move(from));
}

std::string metrics_page::text() const {
  return prometheus::TextSerializer().Serialize(collector_->Collect());
}

void add_build_info(metric_sink& to, const build_info& build) {
  to.gauge("reveille_build_info", "Constant 1, the build in the labels.",
           {{"version", build.version}, {"revision", build.revision}, {"program", build.program}}, 1);
}

}  // namespace reveille
