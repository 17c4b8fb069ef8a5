/// The production engine: makes the parts, introduces them to each other, ends them in the right order.
///
/// Threads: all calls on the main thread. Errors: start() says in a sentence what the operator must change.
#pragma once

#include <memory>
#include <vector>

#include "core/flow.hpp"
#include "core/result.hpp"
#include "engine/config/config.hpp"
#include "net/metrics/metrics_page.hpp"

namespace reveille {

class engine {
 public:
  /// @pre config::validate() found nothing.
  static result<std::unique_ptr<engine>> start(const config::settings& settings, const build_info& build);
  /// Stops at once; what was acknowledged is durable.
  ~engine();
  engine(const engine&) = delete;
  engine& operator=(const engine&) = delete;

  std::vector<endpoint> listening() const;
  std::size_t shards() const;
  /// Where /metrics and the admin API are; an empty endpoint when they are switched off.
  endpoint admin() const;

  /// Says in the log which bounds were hit or left since the last time (SPEC 8.7). Call it once a second.
  void watch_limits();

  /// New calls are refused from now on; those in flight go on (SPEC 9, clean shutdown).
  void drain();
  /// After drain(): nothing is in flight any more.
  bool idle() const;

 private:
  class impl;
  explicit engine(std::unique_ptr<impl> made);
  std::unique_ptr<impl> impl_;
};

}  // namespace reveille
