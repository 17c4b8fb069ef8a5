/// Upserts of 700-byte records and cold loads through rocksdb_store, as the shards use it: two producers, answers
/// counted, each keeping `window` operations in flight. CPU is the whole process's, producers included.
///
///   store_bench [records] [operations] [window]
#include "core/random.hpp"
#include "core/system_ports.hpp"
#include "engine/store/rocksdb_store.hpp"

#include <sys/resource.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

namespace {

using namespace reveille;

class counting_inbox final : public store_answers {
 public:
  void loaded(aor_key, const aor&, store_token, result<std::optional<subscriber_record>> record) override {
    if (!record || !*record) missed.fetch_add(1, std::memory_order_relaxed);
    done.fetch_add(1, std::memory_order_release);
  }
  void written(aor_key, const aor&, store_token, bool ok) override {
    if (!ok) missed.fetch_add(1, std::memory_order_relaxed);
    done.fetch_add(1, std::memory_order_release);
  }
  std::atomic<std::uint64_t> done{0}, missed{0};
};

double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto of = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return of(used.ru_utime) + of(used.ru_stime);
}

aor name_of(std::uint64_t n) {
  return aor("u" + std::to_string(n) + "@example.com");
}

struct workload {
  const char* name;
  std::uint64_t records;
  std::uint64_t operations;
  std::uint64_t window;
  bool load;
  bool sequential;
};

void run(rocksdb_store& store, counting_inbox (&inboxes)[2], const reveille::clock& time, const workload& w) {
  const std::string value(700, 'v');
  const store_counters before = store.counters();
  const double cpu = cpu_seconds();
  const steady_time start = time.now().steady;
  const auto produce = [&](std::uint16_t self) {
    seeded_random random(self + 1U);
    counting_inbox& inbox = inboxes[self];
    const std::uint64_t already = inbox.done.load();
    for (std::uint64_t i = 0; i < w.operations / 2; ++i) {
      while (i - (inbox.done.load(std::memory_order_acquire) - already) >= w.window)
        std::this_thread::sleep_for(std::chrono::microseconds(100));
      const std::uint64_t n = w.sequential ? 2 * i + self : random.below(w.records);
      const aor of = name_of(n);
      const auto submit = [&] {
        return w.load ? store.try_load(shard_id{self}, {n}, of, {1})
                      : store.try_write(shard_id{self}, {n}, of, put_bindings{value}, {1});
      };
      while (!submit()) std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
    while (inbox.done.load(std::memory_order_acquire) - already < w.operations / 2)
      std::this_thread::sleep_for(std::chrono::microseconds(100));
  };
  std::thread other(produce, std::uint16_t{1});
  produce(0);
  other.join();
  const double took = std::chrono::duration<double>(time.now().steady - start).count();
  const double used = cpu_seconds() - cpu;
  const store_counters after = store.counters();
  const double commits = static_cast<double>(after.commits - before.commits);
  std::printf("%-34s %9.0f /s  %6.2f us CPU each  batch %6.1f\n", w.name, static_cast<double>(w.operations) / took,
              used / static_cast<double>(w.operations) * 1e6,
              commits > 0 ? static_cast<double>(w.operations) / commits : 0.0);
}

}  // namespace

int main(int count, char** arguments) {
  const auto argument = [&](int i, std::uint64_t otherwise) {
    return count > i ? std::strtoull(arguments[i], nullptr, 10) : otherwise;
  };
  const std::uint64_t records = argument(1, 1'000'000), operations = argument(2, 1'000'000), window = argument(3, 1024);
  std::string pattern = (std::filesystem::temp_directory_path() / "reveille-bench-XXXXXX").string();
  rocksdb_options options;
  options.path = ::mkdtemp(pattern.data());
  const system_clock_port time;
  counting_inbox inboxes[2];
  for (const durability promise : {durability::process, durability::disk}) {
    options.promise = promise;
    const steady_time opening = time.now().steady;
    auto store = rocksdb_store::open(options, time);
    if (!store) {
      std::fprintf(stderr, "%s\n", store.error().what.c_str());
      return 1;
    }
    for (std::uint16_t s = 0; s < 2; ++s) (*store)->answer_to(shard_id{s}, inboxes[s]);
    const double opened = std::chrono::duration<double, std::milli>(time.now().steady - opening).count();
    std::printf("durability %s, opened in %.0f ms\n", promise == durability::disk ? "disk" : "process", opened);
    if (promise == durability::process) {
      run(**store, inboxes, time, {"fill, in order", records, records, window, false, true});
    }
    run(**store, inboxes, time, {"upsert, random", records, operations, window, false, false});
    run(**store, inboxes, time, {"upsert, random, 16 in flight", records, operations / 20, 8, false, false});
    run(**store, inboxes, time, {"cold load, random", records, operations / 10, window, true, false});
  }
  std::printf("refused or missed: %llu\n",
              static_cast<unsigned long long>(inboxes[0].missed.load() + inboxes[1].missed.load()));
  std::filesystem::remove_all(options.path);
}
