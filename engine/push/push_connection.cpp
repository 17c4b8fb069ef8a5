#include "engine/push/push_connection.hpp"

namespace reveille {

push_connection::push_connection(push_connection_owner& owner, push_connection_id id, const push_limits& limits)
    : owner_(owner), id_(id), limits_(limits) {
  http2::client_config config;
  config.requests_limit = limits.connection_requests;
  h2_.emplace(as_listener(), config);
}

void push_connection::opened(push_protocol by, const instant& now) {
  if (by == push_protocol::http1) {
    h2_.reset();
    h1_.emplace(as_listener(), http1::client_config{});
  }
  now_ = now;
  open_ = true;
  opened_at_ = heard_ = now.steady;
}

void push_connection::receive(std::span<const std::uint8_t> bytes, const instant& now) {
  now_ = now;
  heard_ = now.steady;
  pinging_ = mute_ = false;  // whatever came, the peer lives
  with([&](auto& session) { session.receive(bytes); });
}

void push_connection::closed(const instant& now) {
  now_ = now;
  open_ = false;
  with([](auto& session) { session.disconnect(); });
}

push_connection::health push_connection::check(const instant& now, bool& produced) {
  now_ = now;
  if (!open_ || given_up_ || h1_) return health::fine;  // HTTP/1.1 has no PING: the answer timeout finds a silent peer
  if (mute_) {
    given_up_ = true;
    return health::silent;
  }
  if (pinging_) {
    given_up_ = now.steady - ping_sent_ >= limits_.ping_timeout;
    return given_up_ ? health::silent : health::fine;
  }
  if (now.steady - heard_ < patience()) return health::fine;
  h2_->ping();
  ++pings_;
  pinging_ = true;
  ping_sent_ = now.steady;
  produced = true;
  return health::fine;
}

steady_time push_connection::next_check() const {
  if (!open_ || given_up_ || h1_) return steady_time::max();
  if (pinging_) return ping_sent_ + limits_.ping_timeout;
  return heard_ + patience();
}

/// Who answers PINGs but no pushes is alive, and would end the connection for more of them (too_many_pings).
nanoseconds push_connection::patience() const {
  return open_streams() > 0 && pings_ < limits_.pings_between_answers ? limits_.ping_after : limits_.ping_idle;
}

void push_connection::answered(std::uint64_t tag, const http2::response& answer) {
  ++answers_;
  pings_ = 0;
  owner_.on_answer(*this, tag, answer);
}

void push_connection::lost(std::uint64_t tag, http2::loss how, std::uint32_t) { owner_.on_loss(*this, tag, how); }

}  // namespace reveille
