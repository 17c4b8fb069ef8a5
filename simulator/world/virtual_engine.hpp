/// The engine in the virtual world: real shards and homes behind fake sockets, clocks and disks. May be killed and
/// started again on the same store.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "actors/ports/push_gateway.hpp"
#include "actors/ports/store.hpp"
#include "actors/runtime/actor_host.hpp"
#include "actors/runtime/home.hpp"
#include "actors/subscriber_config.hpp"
#include "core/slab.hpp"
#include "engine/shard/shard.hpp"
#include "engine/shard/shard_config.hpp"
#include "simulator/world/ledger.hpp"
#include "simulator/world/network.hpp"
#include "simulator/world/schedule.hpp"

namespace reveille::world {

class virtual_engine {
 public:
  /// @param pushes, durable outlive the engine.
  virtual_engine(schedule& when, network& net, ledger& truth, const endpoint& at, std::uint16_t shards,
                 const subscriber_config& subscribers, const home_config& homes);
  ~virtual_engine();

  /// Server transactions that a shard may have. Before start(). Calls to nobody take no others, so the client
  /// transactions stay as they are: those of a busy minute alone would fill a small table (SPEC 10a.4).
  void bound_server_transactions(std::uint32_t most) { config_.limits.server_transactions = most; }
  void start(store& durable, push_gateway& pushes);
  /// As the engine does at its start: subscribers with parked calls take them up with an event that means nothing.
  void resume(const std::vector<std::string>& names);
  /// kill -9: everything in memory is gone, nobody is told.
  void kill();
  bool running() const { return !shards_.empty(); }

  void on_push_answer(shard_id home, pns::push_answer answer);
  store_answers* answers_for(shard_id home);

  /// True when no transaction, call or queued event is left.
  bool at_rest() const;
  std::string unrest() const;          ///< what is left, in words
  std::uint64_t residents_refused() const;   ///< since its last start

 private:
  class station;                       ///< one shard with its outlet, pool and wake-ups
  void on_datagram(const endpoint& from, std::string_view bytes);

  schedule& when_;
  network& net_;
  ledger& truth_;
  endpoint at_;
  std::uint16_t count_;
  subscriber_config subscribers_;
  home_config homes_;
  shard_config config_;
  std::vector<std::shared_ptr<slab_pool>> pools_;   ///< of all lives: shards keep each other's slabs
  std::unique_ptr<actor_host> actors_;
  std::vector<std::unique_ptr<station>> shards_;
  slab_pool watching_;                 ///< for the ledger's own reading
  std::uint64_t life_ = 0;
};

}  // namespace reveille::world
