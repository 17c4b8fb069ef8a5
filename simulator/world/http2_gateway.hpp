/// The engine's push senders in the virtual world: a real push_worker with real credentials and HTTP/2 sessions, joined to
/// the mock providers by byte pipes. Hand-overs, connections, octets, answers and timers are items of the schedule.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "engine/push/push_plan.hpp"
#include "engine/push/push_worker.hpp"
#include "simulator/world/byte_pipe.hpp"
#include "simulator/world/http2_providers.hpp"
#include "simulator/world/http2_truth.hpp"
#include "simulator/world/push_service.hpp"

namespace reveille::world {

class http2_gateway final : public push_service, public push_outside, public pipe_watcher {
 public:
  http2_gateway(schedule& when, ledger& truth, const http2_config& config, answer_sink to_home, device_sink to_device,
                entry_probe has_entry);
  ~http2_gateway() override;

  bool submit(pns::push_order order) override;
  void withdraw(pns::push_id id) override;

  void know(const prid& token, const std::string& device, const std::string& aor_user) override;
  void calm() override;
  void forget_homes() override;
  void conclude() override;
  std::uint64_t accepted() const override { return truth_.accepted(); }
  bool serves_google() const override { return true; }

  const http2_truth& truth() const { return truth_; }

 private:
  class worker_end;
  class provider_line;
  struct connection {
    std::shared_ptr<pipe_link> link;
    std::shared_ptr<tls_connection> line;   ///< the provider's handle on it
  };

  void start();
  void open(push_connection_id id, const push_endpoint& where, const push_route& route) override;
  void wake(push_connection_id id) override;
  void abort(push_connection_id id) override;
  void purchase(std::uint16_t sender, const std::string& url, const push_route& route, std::string form) override;
  void answer(shard_id home, pns::push_answer&& what) override;

  void frame_written(const pipe_link& on, pipe_end by, const wire_frame& what) override;
  void frame_begun(const pipe_link& on, pipe_end at, const wire_frame& what) override;
  void frame_arrived(const pipe_link& on, pipe_end at, const wire_frame& what) override;
  void end_moved(pipe_end at) override;

  std::shared_ptr<pipe_link> connect(mock_providers::front f, pipe_traffic traffic,
                                     std::unique_ptr<byte_session> client);
  std::unique_ptr<byte_session> token_exchange(std::uint16_t sender, const std::string& url, std::string form);
  /// Does it on the push thread, unless the engine has died in between.
  void later(nanoseconds delay, std::function<void()> what);
  /// What the push thread does after every batch of events.
  void turn();
  void rearm();
  void check_accounts();

  schedule& when_;
  ledger& ledger_;
  http2_config config_;
  answer_sink to_home_;
  device_sink to_device_;
  entry_probe has_entry_;
  std::map<std::string, std::string> users_;                       ///< subscriber by token
  http2_truth truth_;
  http2_providers providers_;
  seeded_random random_;
  push_router router_;
  std::unique_ptr<push_worker> worker_;
  std::map<std::uint64_t, connection> connections_;                ///< by number of link
  std::map<push_connection_id, std::uint64_t> link_of_;            ///< of this life's open connections
  std::set<push_connection_id> dirty_;
  std::optional<steady_time> armed_;
  std::uint64_t links_ = 0;
  std::uint64_t life_ = 0;
  std::uint64_t taken_ = 0;                                        ///< orders, in this life
  std::uint64_t lives_ambiguous_ = 0;                              ///< resent_ambiguous of earlier lives
  bool turning_ = false;
};

}  // namespace reveille::world
