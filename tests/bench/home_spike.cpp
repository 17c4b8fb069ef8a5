// Paired timing for docs/adr/0001: the home shard (events from the shard's thread straight to its actors) against CAF's
// own scheduler (policy sharing, one worker; an event hop there, a reply hop back). Same subscriber, same REGISTERs.
//
//   home_spike [AORS] [EVENTS]      prints microseconds of CPU (whole process) and of wall time per event
#include <sys/resource.h>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>
#include <caf/send.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <thread>

#include "actors/behaviors/subscriber_messages.hpp"
#include "actors/runtime/actor_host.hpp"
#include "actors/runtime/home.hpp"
#include "actors/subscriber_config.hpp"
#include "core/hash.hpp"
#include "core/mpsc_inbox.hpp"

namespace {

using namespace reveille;

subscriber_config settings;
flow source{*parse_endpoint("127.0.0.1:5099"), *parse_endpoint("127.0.0.1:5060"), 0, transport::udp};
const instant start{steady_time{} + seconds(1), wall_time{} + seconds(1'700'000'000)};

std::string name_of_aor(std::size_t i) { return "user" + std::to_string(i) + "@example.com"; }
aor_key key_of_aor(std::size_t i) { return {siphash({1, 2}, name_of_aor(i))}; }

subscriber_event refresh(slab_pool& pool, std::size_t i, unsigned cseq) {
  char text[1024];
  const int size = std::snprintf(
      text, sizeof text,
      "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5099;branch=z9hG4bK%zu-%u\r\nMax-Forwards: 70\r\n"
      "From: <sip:user%zu@example.com>;tag=1\r\nTo: <sip:user%zu@example.com>\r\nCall-ID: c%zu\r\nCSeq: %u REGISTER\r\n"
      "Contact: <sip:user%zu@127.0.0.1:5099;pn-provider=fcm;pn-param=project;pn-prid=token%zu>\r\nExpires: 3600\r\n"
      "Content-Length: 0\r\n\r\n",
      i, cseq, i, i, i, cseq, i, i);
  slab_ptr bytes = pool.take(static_cast<std::size_t>(size) + sip::message::index_room);
  std::memcpy(bytes->data(), text, static_cast<std::size_t>(size));
  return register_received{*sip::message::parse(std::move(bytes), static_cast<std::size_t>(size), true), source};
}

/// What a shard does with an answer, as far as this timing goes: it lets go of the packet.
struct sink final : home_outlet {
  void perform(aor_key, effect&& what, const instant&) override { sent += std::holds_alternative<send>(what) ? 1U : 0U; }
  std::size_t sent = 0;
};

struct waiting_store final : store {
  struct op { aor_key key; aor of; store_token token; bool load; };
  bool try_load(shard_id, aor_key k, const aor& of, store_token t) override { ops.push_back({k, of, t, true}); return true; }
  bool try_write(shard_id, aor_key k, const aor& of, store_mutation, store_token t) override {
    ops.push_back({k, of, t, false});
    return true;
  }
  template <class Load, class Write>
  void answer(Load&& load, Write&& written) {
    while (!ops.empty()) {
      const op o = std::move(ops.front());
      ops.pop_front();
      if (o.load) load(o); else if (o.token.value != 0) written(o);
    }
  }
  std::deque<op> ops;
};

double cpu_us() {
  rusage u{};
  ::getrusage(RUSAGE_SELF, &u);
  return static_cast<double>(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 + static_cast<double>(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}
double wall_us() {
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now().time_since_epoch()).count();
}
struct stopwatch {
  double cpu = cpu_us(), wall = wall_us();
  void report(const char* what, std::size_t events) const {
    const double n = static_cast<double>(events);
    std::printf("%-46s %7.2f us CPU  %7.2f us wall\n", what, (cpu_us() - cpu) / n, (wall_us() - wall) / n);
  }
};

// ---- (b): the same subscriber as an ordinary CAF actor; its effects come back through an inbox ------------------------
struct reply : inbox_node { effects todo; };
struct returns {
  mpsc_inbox inbox;
  std::size_t taken = 0;
  void take() {
    for (inbox_node* n = inbox.take(); n != nullptr; ++taken) {
      auto* r = static_cast<reply*>(n);
      n = n->next_in_inbox;
      delete r;
    }
  }
};

class scheduled_subscriber : public caf::event_based_actor {
 public:
  scheduled_subscriber(caf::actor_config& c, const shard_context* around, std::size_t i, returns* to)
      : event_based_actor(c), subscriber_(*around, key_of_aor(i), aor(name_of_aor(i)), nullptr, start), to_(to) {}
  caf::behavior make_behavior() override {
    return {[this](const subscriber_event& e) { on(e); }};
  }

 private:
  void on(const subscriber_event& event) {
    auto* r = new reply;
    subscriber_.apply(event, start, r->todo);
    for (std::size_t i = 0; i < r->todo.size(); ++i) {  // a store that answers at once
      const auto* w = std::get_if<reveille::write>(&r->todo[i]);
      const store_token token = w != nullptr ? w->token : store_token{};  // apply() may move the vector
      if (token.value != 0) subscriber_.apply(write_finished{token, true}, start, r->todo);
    }
    to_->inbox.post(*r);
  }
  reveille::subscriber subscriber_;  // caf has a mixin of that name
  returns* to_;
};

constexpr std::size_t in_flight = 1024;
constexpr std::size_t events_of_a_call = 5;  // INVITE, push answer, REGISTER, 180, 200: each waits for the one before

void home_shard(std::size_t aors, std::size_t events) {
  actor_host host(actor_scheduling::threaded);
  slab_pool pool;
  seeded_random random(1);
  waiting_store disk;
  sink out;
  home_config config;
  config.loads_in_flight = aors;
  home subject(host, config, shard_context{settings, pool, random, shard_id{0}}, disk, out, start.steady);
  const auto answer = [&] {
    disk.answer([&](const auto& o) { subject.on_loaded(o.key, o.of, o.token, std::optional<subscriber_record>{}, start); },
                [&](const auto& o) { subject.on_written(o.key, o.of, o.token, true, start); });
  };
  const auto one = [&](std::size_t i, unsigned cseq) {
    subject.deliver(key_of_aor(i), name_of_aor(i), refresh(pool, i, cseq), start);
    answer();
  };
  for (std::size_t i = 0; i < aors; ++i) one(i, 1);
  stopwatch pipelined;
  for (std::size_t n = 0; n < events; ++n) one((n * 7919) % aors, static_cast<unsigned>(2 + n / aors));
  pipelined.report("(a) home shard, REGISTER refresh", events);
  const std::size_t calls = events / events_of_a_call;
  stopwatch calling;
  for (std::size_t n = 0; n < calls; ++n) {
    for (unsigned k = 0; k < events_of_a_call; ++k) one((n * 7919) % aors, static_cast<unsigned>(1'000'000 + n * 8 + k));
  }
  calling.report("(a) home shard, five dependent events", calls);
  if (out.sent < events) std::printf("(a) lost answers: %zu of %zu\n", out.sent, events);
}

void caf_workers(std::size_t aors, std::size_t events) {
  caf::actor_system_config config;
  config.set("scheduler.policy", caf::atom("sharing"));
  config.set("scheduler.max-threads", std::size_t{1});
  config.set("scheduler.max-throughput", std::size_t{50});
  slab_pool requests;      // of this thread
  slab_pool answers;       // of the worker: the first answer adopts it
  seeded_random random(1);
  const shard_context around{settings, answers, random, shard_id{0}};
  returns back;
  {
    caf::actor_system system(config);
    std::vector<caf::actor> actors;
    for (std::size_t i = 0; i < aors; ++i) actors.push_back(system.spawn<scheduled_subscriber>(&around, i, &back));
    std::size_t sent = 0;
    const auto wait_until = [&](std::size_t least) {
      while (back.taken < least) {
        back.take();
        if (back.taken < least) std::this_thread::yield();
      }
    };
    const auto one = [&](std::size_t i, unsigned cseq) {
      caf::anon_send(actors[i], refresh(requests, i, cseq));
      ++sent;
    };
    for (std::size_t i = 0; i < aors; ++i) {
      one(i, 1);
      if (sent > in_flight) wait_until(sent - in_flight);
    }
    wait_until(sent);
    stopwatch pipelined;
    for (std::size_t n = 0; n < events; ++n) {
      one((n * 7919) % aors, static_cast<unsigned>(2 + n / aors));
      if (sent > in_flight) wait_until(sent - in_flight);
    }
    wait_until(sent);
    pipelined.report("(b) CAF sharing, 1 worker, REGISTER refresh", events);
    const std::size_t calls = events / events_of_a_call;
    stopwatch calling;
    for (std::size_t n = 0; n < calls; ++n) {
      for (unsigned k = 0; k < events_of_a_call; ++k) {
        one((n * 7919) % aors, static_cast<unsigned>(1'000'000 + n * 8 + k));
        wait_until(sent);
      }
    }
    calling.report("(b) CAF sharing, 1 worker, five dependent events", calls);
    for (const caf::actor& a : actors) caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
  }
  back.take();
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t aors = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 20'000;
  const std::size_t events = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 200'000;
  slab_pool pool;
  stopwatch parsing;
  for (std::size_t n = 0; n < events; ++n) refresh(pool, n % aors, 1);
  parsing.report("making and parsing the REGISTER, in all below", events);
  for (int round = 0; round < 3; ++round) {
    home_shard(aors, events);
    caf_workers(aors, events);
  }
}
