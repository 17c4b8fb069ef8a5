/// APNs and FCM of the virtual world: the mock providers' real backend and sessions, behind byte pipes instead of sockets.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/random.hpp"
#include "mock_providers/backend/provider_backend.hpp"
#include "mock_providers/server/provider_session.hpp"
#include "simulator/world/byte_pipe.hpp"
#include "simulator/world/http2_truth.hpp"
#include "simulator/world/schedule.hpp"

namespace reveille::world {

class http2_providers final : private mock_providers::answer_delayer, private mock_providers::device_sink, private clock {
 public:
  using delivery_sink = std::function<void(const prid& token, bool is_call)>;

  http2_providers(schedule& when, http2_truth& truth, const http2_faults& faults, delivery_sink to_device);

  /// A session for a connection that has been opened. @param own ends the connection; owned by its link.
  std::unique_ptr<byte_session> accept(mock_providers::front f, pipe_traffic traffic,
                                              const std::shared_ptr<tls_connection>& own);
  /// That stream's request may have been judged: tells the truth of it.
  void request_arrived(std::uint64_t link, std::uint32_t stream);
  void calm();

  /// The throw-away keys of this process: made once, since RSA takes a while. What they sign differs from process to
  /// process, what happens does not.
  static const mock_providers::credentials& keys();
  static mock_providers::identity identity();
  static constexpr const char* token_url = "https://oauth2.googleapis.com/token";

 private:
  instant service_time() const;
  void delivery_waits() override;
  void delay(steady_time until, std::weak_ptr<mock_providers::answering_session*> session, std::uint32_t stream,
             mock_providers::decision what) override;
  // The world's scripts say nothing of connections.
  void pause(steady_time, std::weak_ptr<mock_providers::answering_session*>) override {}
  void began(mock_providers::front, std::weak_ptr<mock_providers::answering_session*>) override {}
  void deliver(const mock_providers::delivery& what) override;
  instant now() const override { return service_time(); }
  void arm();

  schedule& when_;
  http2_truth& truth_;
  http2_faults faults_;
  delivery_sink to_device_;
  seeded_random random_;
  std::unique_ptr<mock_providers::provider_backend> backend_;
  std::optional<steady_time> armed_;
};

}  // namespace reveille::world
