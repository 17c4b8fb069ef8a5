#include "actors/runtime/actor_host.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/atom.hpp>

#include <atomic>
#include <cassert>
#include <map>

namespace reveille {

namespace {

/// Messages that an ordinary actor may take before the next has its turn: unlimited, CAF's default, starves the clock.
constexpr std::size_t messages_a_turn = 50;

caf::actor_system_config& configured(caf::actor_system_config& c, actor_scheduling how) {
  // Work stealing, the default, is quadratic with many actors and polls when idle.
  c.set("scheduler.policy", how == actor_scheduling::stepped ? caf::atom("testing") : caf::atom("sharing"));
  c.set("scheduler.max-threads", std::size_t{1});
  c.set("scheduler.max-throughput", messages_a_turn);
  return c;
}

}  // namespace

class actor_host::impl {
 public:
  explicit impl(actor_scheduling how) : system(configured(config, how)) {}

  caf::actor_system_config config;
  caf::actor_system system;
  std::map<shard_id, std::function<void()>> wakers;
  std::atomic<bool> read{false};   ///< by a home: from now on wakers may not change
};

actor_host::actor_host(actor_scheduling how) : impl_(std::make_unique<impl>(how)) {}
actor_host::~actor_host() = default;

caf::actor_system& actor_host::system() { return impl_->system; }

void actor_host::on_mail(shard_id shard, std::function<void()> wake) {
  assert(!impl_->read.load(std::memory_order_relaxed) && "on_mail() after a home was made");
  impl_->wakers[shard] = std::move(wake);
}

const std::function<void()>& actor_host::waker(shard_id shard) const {
  static const std::function<void()> none;
  impl_->read.store(true, std::memory_order_relaxed);
  const auto found = impl_->wakers.find(shard);
  return found == impl_->wakers.end() ? none : found->second;
}

}  // namespace reveille
