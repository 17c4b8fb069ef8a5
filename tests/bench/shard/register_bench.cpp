/// The shard's own part of a REGISTER, from datagram to 200, new and refresh: no kernel, and a store that says "written"
/// between batches. Time and allocations each; the same program under callgrind tells where they go.
///
///   register_bench [AORs] [refreshes]       default: 200000 400000
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "actors/runtime/actor_host.hpp"
#include "actors/runtime/home.hpp"
#include "actors/subscriber_config.hpp"
#include "core/random.hpp"
#include "core/system_ports.hpp"
#include "engine/shard/shard.hpp"
#include "engine/shard/shard_config.hpp"
#include "tests/core/allocation_counter.hpp"
#include "tests/engine/shard/lone_shard.hpp"

namespace {

using namespace reveille;

constexpr std::size_t batch = 64;

/// Knows nobody at once, and answers writes when asked to.
class prompt_store final : public store {
 public:
  bool surely_absent(const aor&) const override { return true; }
  bool try_load(shard_id, aor_key, const aor&, store_token) override { return false; }
  bool try_write(shard_id, aor_key key, const aor& of, store_mutation change, store_token token) override {
    if (const auto* bindings = std::get_if<put_bindings>(&change)) bytes += bindings->encoded.size();
    waiting.push_back({key, of, token, true});
    return true;
  }
  std::vector<written_answer> waiting;
  std::uint64_t bytes = 0;
};

std::string hex(std::uint64_t n) {
  char out[17];
  std::snprintf(out, sizeof out, "%016llx", static_cast<unsigned long long>(n));
  return out;
}

std::string register_of(std::uint64_t n, std::uint64_t cseq) {
  char user[16];
  std::snprintf(user, sizeof user, "u%09llu", static_cast<unsigned long long>(n));
  const std::string u = user;
  const std::uint64_t mixed = n * 0x9e3779b97f4a7c15U;
  return "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:15099;branch=z9hG4bKR" + hex(mixed ^ cseq) +
         ";rport\r\nMax-Forwards: 70\r\nFrom: <sip:" + u + "@example.com>;tag=f" + hex(mixed) + "\r\nTo: <sip:" + u +
         "@example.com>\r\nCall-ID: r" + hex(n) + "@127.0.0.1\r\nCSeq: " + std::to_string(cseq) +
         " REGISTER\r\nContact: <sip:" + u + "@127.0.0.1:15099;transport=udp;pn-provider=apns;pn-prid=" + hex(mixed) +
         hex(mixed * 3) + hex(mixed * 5) + hex(n) +
         ";pn-param=ABCDEF1234.com.example.app.voip>;expires=3600;+sip.instance=\"<urn:uuid:12345678-0000-4000-8000-" +
         hex(n).substr(4) +
         ">\"\r\nSupported: path\r\nUser-Agent: bench/1.0 (device)\r\nAllow: INVITE, ACK, CANCEL, BYE, OPTIONS, MESSAGE\r\n"
         "Content-Length: 0\r\n\r\n";
}

struct stage_of_bench {
  system_clock_port time;
  shard_config config = lone_shard();
  subscriber_config settings;
  home_config home_settings;
  seeded_random random{1};
  slab_pool pool;
  actor_host host{actor_scheduling::stepped};
  prompt_store disk;
  silent_gateway pushes;
  counting_outlet out;
};

/// `next` names the AOR of the n-th REGISTER.
template <class Next>
void run(const char* name, stage_of_bench& stage, shard& subject, std::uint64_t count, std::uint64_t cseq, Next&& next) {
  nanoseconds took{0};
  std::uint64_t allocations = 0;
  const std::uint64_t granted = stage.out.granted, bytes = stage.disk.bytes;
  std::vector<arrived> datagrams;
  std::vector<written_answer> written;
  flow from;
  from.remote = *parse_endpoint("10.0.0.1:5060");
  from.local = stage.config.listeners[0].address;
  for (std::uint64_t done = 0; done < count; done += batch) {
    datagrams.clear();
    for (std::uint64_t i = done; i < std::min<std::uint64_t>(count, done + batch); ++i) {
      const std::string text = register_of(next(i), cseq + i);
      slab_ptr bytes_of = stage.pool.take(text.size() + sip::message::index_room);
      std::memcpy(bytes_of->data(), text.data(), text.size());
      datagrams.push_back({std::move(bytes_of), text.size(), from});
    }
    const std::uint64_t before = heap_allocations();
    const instant now = stage.time.now();
    subject.on_timer(now);
    subject.on_datagrams(datagrams, now);
    written.swap(stage.disk.waiting);
    for (const written_answer& w : written) subject.on_written(w.key, w.of, w.token, w.ok, now);
    written.clear();
    took += stage.time.now().steady - now.steady;
    allocations += heap_allocations() - before;
  }
  std::printf("%-8s %8.0f ns  %5.1f allocations  %5.0f octets written  %llu of %llu answered 200\n", name,
              static_cast<double>(took.count()) / static_cast<double>(count),
              static_cast<double>(allocations) / static_cast<double>(count),
              static_cast<double>(stage.disk.bytes - bytes) / static_cast<double>(count),
              static_cast<unsigned long long>(stage.out.granted - granted), static_cast<unsigned long long>(count));
}

}  // namespace

int main(int count, char** arguments) {
  const std::uint64_t aors = count > 1 ? std::strtoull(arguments[1], nullptr, 10) : 200'000;
  const std::uint64_t refreshes = count > 2 ? std::strtoull(arguments[2], nullptr, 10) : 400'000;
  stage_of_bench stage;
  stage.home_settings.resident_limit = aors * 2;
  stage.home_settings.reserve = aors * 2;
  const shard_context around{stage.settings, stage.pool, stage.random, shard_id{0}};
  shard subject(shard_id{0}, stage.config,
                {stage.out, stage.pushes, stage.random, stage.pool,
                 [&](home_outlet& outlet, const instant& start) {
                   return std::make_unique<home>(stage.host, stage.home_settings, around, stage.disk, outlet, start.steady);
                 }},
                stage.time.now());
  run("new", stage, subject, aors, 1, [](std::uint64_t i) { return i; });
  seeded_random lot(7);
  run("refresh", stage, subject, refreshes, 1 + aors, [&](std::uint64_t) { return lot.below(aors); });
}
