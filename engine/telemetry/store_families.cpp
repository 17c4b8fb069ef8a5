#include "engine/telemetry/engine_families.hpp"

namespace reveille {
namespace {

constexpr std::string_view operation_names[store_operation_count] = {"upsert", "remove", "load", "bucket_append",
                                                                     "bucket_drain"};

}  // namespace

void add_store_families(metric_sink& to, const store_counters& counters) {
  for (std::size_t i = 0; i < store_operation_count; ++i) {
    const std::string_view op = operation_names[i];
    to.counter("reveille_store_operations_total", "Store operations that were answered.",
               {{"op", op}, {"outcome", "ok"}}, counters.ok[i]);
    to.counter("reveille_store_operations_total", "", {{"op", op}, {"outcome", "error"}}, counters.failed[i]);
  }
  for (std::size_t i = 0; i < store_operation_count; ++i) {
    to.histogram("reveille_store_duration_seconds", "Store operation, queueing included.", {{"op", operation_names[i]}},
                 counters.durations[i]);
  }
  to.histogram("reveille_store_batch_items", "Operations per commit.", {}, counters.batch_items);
  to.counter("reveille_store_commits_total", "Batches written.", {}, counters.commits);
  to.gauge("reveille_store_queue_length", "Operations waiting for a commit.", {},
           static_cast<double>(counters.queue_length));
  to.gauge("reveille_store_queue_bytes", "Octets that these operations hold.", {},
           static_cast<double>(counters.queue_bytes));
  to.counter("reveille_store_queue_full_total", "Operations refused because the queue was full.", {},
             counters.queue_full);
  to.counter("reveille_store_corrupt_values_total", "Stored values that could not be decoded.", {},
             counters.corrupt_values);
  constexpr std::string_view failures = "reveille_store_failures_total";
  to.counter(failures, "Commits and syncs that the disk refused, and files found missing.", {{"kind", "write"}}, counters.write_failures);
  to.counter(failures, "", {{"kind", "sync"}}, counters.sync_failures);
  to.counter(failures, "", {{"kind", "missing"}}, counters.missing_files);
  to.counter("reveille_store_recoveries_total", "Returns from a failing disk to normal work.", {}, counters.recoveries);
  to.gauge("reveille_store_lost_writes", "Acknowledged writes that the log did not hold when it was last read.", {},
           static_cast<double>(counters.lost_writes));
  to.gauge("reveille_store_aors_listed", "1 when an unknown AOR is told without a look into the database.", {},
           counters.aors_listed ? 1 : 0);
  to.gauge("reveille_store_aor_filter_bytes", "Memory of the filter that tells unknown AORs.", {},
           static_cast<double>(counters.aor_filter_bytes));
  to.gauge("reveille_store_failing", "1 while writes are refused and recovery is tried.", {}, counters.failing ? 1 : 0);
}

}  // namespace reveille
