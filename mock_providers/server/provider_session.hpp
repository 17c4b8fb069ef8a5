/// One connection of a client: HTTP/2 or HTTP/1.1 bytes on one side, the backend on the other.
#pragma once

#include <cstdint>
#include <memory>

#include "core/time.hpp"
#include "mock_providers/backend/connection_facts.hpp"
#include "mock_providers/backend/provider_backend.hpp"
#include "net/tls/byte_session.hpp"
#include "net/tls/tls_connection.hpp"

namespace reveille::mock_providers {

/// Carries decisions out, at once or when the server's timer says so. Threads: the connection's.
class answering_session {
 public:
  virtual ~answering_session() = default;
  virtual void carry_out(std::uint32_t stream, const decision& what) = 0;
  /// What the script says of all connections has changed.
  virtual void stand(const standing_faults& what) = 0;
  /// A pause that it asked answer_delayer::pause() for is over.
  virtual void resume() = 0;

  // For those who steer the mock from outside.
  /// Fills in all but id, service and since.
  virtual void tell(connection_facts& about) const = 0;
  /// GOAWAY now. @return false: HTTP/1.1 has none.
  virtual bool say_goodbye(const scripted_goaway& how) = 0;
  /// TCP reset.
  virtual void break_off() = 0;
  /// Google's front end lets nobody wait for ever: if nothing has been asked since `before` and nothing is open, goodbye.
  virtual void time_out(steady_time before) = 0;
};

/// Port to the server: decisions that must wait. `session` is empty by the time the connection is gone.
class answer_delayer {
 public:
  virtual ~answer_delayer() = default;
  /// The backend has accepted a push: something may have to be delivered later.
  virtual void delivery_waits() = 0;
  virtual void delay(steady_time until, std::weak_ptr<answering_session*> session, std::uint32_t stream, decision what) = 0;
  /// resume() it then. Only scripts with `connections` ask for it.
  virtual void pause(steady_time until, std::weak_ptr<answering_session*> session) = 0;
  /// A session has begun: tell it to stand() by the script now and whenever that changes.
  virtual void began(front f, std::weak_ptr<answering_session*> session) = 0;
};

struct session_context {
  provider_backend& backend;
  answer_delayer& delayer;
  const clock& time;
};

/// @param connection used for TCP resets only; the session is owned by it.
std::unique_ptr<byte_session> make_h2_session(const session_context& around, front f,
                                                     const std::shared_ptr<tls_connection>& connection);
std::unique_ptr<byte_session> make_h1_session(const session_context& around, front f,
                                                     const std::shared_ptr<tls_connection>& connection);

}  // namespace reveille::mock_providers
