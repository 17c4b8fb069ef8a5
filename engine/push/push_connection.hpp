/// One connection of a sender, HTTP/2 or (on-premises gateways) HTTP/1.1: session, health, age. Pure: bytes and the time go in, bytes come out.
/// Threads: that of its push worker.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/time.hpp"
#include "engine/push/push_config.hpp"
#include "engine/push/push_outside.hpp"
#include "net/http1/client_session.hpp"
#include "net/http2/client_session.hpp"

namespace reveille {

class push_connection;

/// Who hears what became of the requests. Called from inside the connection's methods.
class push_connection_owner {
 public:
  virtual ~push_connection_owner() = default;
  virtual void on_answer(push_connection& from, std::uint64_t tag, const http2::response& answer) = 0;
  virtual void on_loss(push_connection& from, std::uint64_t tag, http2::loss how) = 0;
  virtual void on_goaway(push_connection& from, const http2::goaway_notice& notice) = 0;
};

class push_connection final : private http2::client_listener {
  // Before their first use: their return types are deduced.
  template <class Use>
  auto with(Use&& use) {
    return h1_ ? use(*h1_) : use(*h2_);
  }
  template <class Use>
  auto with(Use&& use) const {
    return h1_ ? use(*h1_) : use(*h2_);
  }

 public:
  enum class health : std::uint8_t { fine, silent };

  push_connection(push_connection_owner& owner, push_connection_id id, const push_limits& limits);

  push_connection_id id() const { return id_; }
  /// @param by what the handshake agreed upon.
  void opened(push_protocol by, const instant& now);
  bool is_open() const { return open_; }
  /// May take new requests, now or when streams become free.
  bool usable() const {
    return open_ && !with([](const auto& session) { return session.going_away(); });
  }
  std::size_t capacity() const {
    return open_ ? with([](const auto& session) { return session.capacity(); }) : 0;
  }
  std::uint32_t stream_limit() const {
    return with([](const auto& session) { return session.stream_limit(); });
  }
  std::size_t open_streams() const {
    return with([](const auto& session) { return session.open_streams(); });
  }
  bool finished() const {
    return with([](const auto& session) { return session.finished(); });
  }
  bool has_answered() const { return answers_ > 0; }
  std::uint32_t answers() const { return answers_; }
  /// HTTP/1.1 may be closed after each answer (RFC 9112 9.6): that says nothing of the service.
  bool may_close_at_will() const { return h1_.has_value(); }

  http2::stream_handle submit(const http2::request& what, std::uint64_t tag) {
    used_ = true;
    return with([&](auto& session) { return session.submit(what, tag); });
  }
  /// Has carried a request.
  bool used() const { return used_; }
  bool withdraw(http2::stream_handle which) {
    return with([&](auto& session) { return session.withdraw(which); });
  }
  http2::parting abandon(http2::stream_handle which, const instant& now) {
    now_ = now;
    return with([&](auto& session) { return session.abandon(which); });
  }
  /// No new requests; open ones go on.
  void drain() {
    with([](auto& session) { session.shut_down(); });
  }

  void receive(std::span<const std::uint8_t> bytes, const instant& now);
  void produce(std::vector<std::uint8_t>& out, std::size_t limit) {
    with([&](auto& session) { session.produce(out, limit); });
  }
  void closed(const instant& now);

  /// A request of then was given up. Where no octet has come since, PINGs included, nobody is there: check() says silent.
  void went_unanswered(steady_time submitted) { mute_ = mute_ || heard_ <= submitted; }

  /// PINGs when it is time. @return silent: give the connection up.
  health check(const instant& now, bool& produced);
  /// When check() must look again.
  steady_time next_check() const;
  bool lived(nanoseconds age, const instant& now) const { return now.steady - opened_at_ >= age; }
  bool too_old(const instant& now) const { return now.steady - opened_at_ >= limits_.connection_age; }

  /// The time of the event that is being handled, for the owner's answers to it.
  const instant& now() const { return now_; }

 private:
  void answered(std::uint64_t tag, const http2::response& answer) override;
  void lost(std::uint64_t tag, http2::loss how, std::uint32_t code) override;
  void settings_changed() override {}
  void goaway_received(const http2::goaway_notice& notice) override { owner_.on_goaway(*this, notice); }
  void pong() override {}
  http2::client_listener& as_listener() { return *this; }
  nanoseconds patience() const;   ///< how long nothing may be heard before a PING

  push_connection_owner& owner_;
  const push_connection_id id_;
  const push_limits& limits_;
  std::optional<http2::client_session> h2_;
  std::optional<http1::client_session> h1_;   ///< instead of h2_ once the handshake said so
  instant now_{};
  steady_time opened_at_{};
  steady_time heard_{};        ///< any octet
  steady_time ping_sent_{};
  std::uint32_t pings_ = 0;    ///< since the last answer
  bool open_ = false;
  std::uint32_t answers_ = 0;
  bool used_ = false;
  bool pinging_ = false;
  bool mute_ = false;
  bool given_up_ = false;      ///< check() has said silent; it says so once
};

}  // namespace reveille
