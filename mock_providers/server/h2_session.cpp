#include <utility>

#include "mock_providers/faults/fault_reader.hpp"
#include "mock_providers/server/ping_guard.hpp"
#include "mock_providers/server/provider_session.hpp"
#include "net/http2/server_session.hpp"
#include "pns/reason_word.hpp"

namespace reveille::mock_providers {
namespace {

class h2_session final : public byte_session, public answering_session, private http2::server_listener {
 public:
  h2_session(const session_context& around, front f, const std::shared_ptr<tls_connection>& connection)
      : around_(around),
        connection_(connection),
        certificate_(read_client_certificate(connection ? connection->peer_certificate() : std::string())),
        usual_max_streams_(around.backend.first_max_streams(f, certificate_.has_value())),
        session_(*this, config_for(usual_max_streams_, f)),
        pings_(f == front::google ? around.backend.how().google_ping_interval : nanoseconds(0)),
        last_request_(around.time.now().steady) {
    line_.front = f;
    line_.opened = certificate_.has_value();
    line_.apns.certificate = std::move(certificate_);
    around_.delayer.began(f, self_);
  }

  void receive(std::span<const std::uint8_t> bytes, const instant& now) override {
    now_ = now;
    session_.receive(bytes);
    if (standing_.octets_per_second) read_slowly(bytes.size());
  }
  void produce(std::vector<std::uint8_t>& out, std::size_t limit) override { session_.produce(out, limit); }
  bool finished() const override { return session_.finished(); }
  void closed(const instant&) override { self_.reset(); }

 private:
  static http2::server_config config_for(std::uint32_t max_streams, front f) {
    http2::server_config config;
    config.max_streams = max_streams;
    if (f == front::google) config.excess_streams_words = "exceeded_max_concurrent_streams";   // PROVIDERS 2.4
    return config;
  }

  void requested(const http2::server_request& what) override {
    ++requests_;
    last_request_ = now_.steady;
    decision d = around_.backend.take(line_, {what.method, what.path, what.headers, what.body, what.truncated}, now_);
    if (d.answer.accepted) around_.delayer.delivery_waits();
    if (d.delay > nanoseconds(0)) {
      around_.delayer.delay(now_.steady + d.delay, self_, what.stream, std::move(d));
    } else {
      carry_out(what.stream, d);
    }
  }
  void stream_reset(std::uint32_t, std::uint32_t) override {}  // a late answer to it is ignored by respond()
  void pinged() override {
    ++pings_seen_;
    if (pings_.pinged(now_.steady)) google_goodbye("too_many_pings");
  }

  void carry_out(std::uint32_t stream, const decision& d) override {
    if (d.reset) {
      session_.reset(stream, code_of(*d.reset));
    } else if (!d.silence) {
      respond(stream, d.answer);
    }
    if (d.max_streams) {
      usual_max_streams_ = *d.max_streams;
      if (!standing_.settings.max_streams) session_.set_max_streams(*d.max_streams);
    }
    if (d.stream_window) {
      usual_window_ = *d.stream_window;
      if (!standing_.settings.stream_window) session_.set_stream_window(*d.stream_window);
    }
    if (d.goaway) goodbye(*d.goaway);
    const auto connection = connection_.lock();
    if (!connection) return;
    if (d.close) return connection->abort();
    connection->wake();
  }

  void tell(connection_facts& about) const override {
    const auto connection = connection_.lock();
    about.peer = connection ? connection->peer() : std::string_view();
    about.protocol = "h2";
    about.requests = requests_;
    about.pings = pings_seen_;
    about.open_streams = session_.open_streams();
    about.latest_stream = session_.latest_stream();
    about.max_streams = standing_.settings.max_streams.value_or(usual_max_streams_);
    about.stream_window = standing_.settings.stream_window.value_or(usual_window_);
    about.going_away = going_away_;
    about.certificate = line_.apns.certificate.has_value();
    about.team_id = line_.apns.team_id;
    about.key_id = line_.apns.key_id;
    about.token_expired = line_.apns.token_expired;
  }
  bool say_goodbye(const scripted_goaway& how) override {
    goodbye(how);
    if (const auto connection = connection_.lock()) connection->wake();
    return true;
  }
  void break_off() override {
    if (const auto connection = connection_.lock()) connection->abort();
  }
  void time_out(steady_time before) override {
    if (last_request_ >= before || going_away_ || session_.open_streams() > 0) return;
    google_goodbye("session_timed_out");
    if (const auto connection = connection_.lock()) connection->wake();
  }
  void google_goodbye(std::string_view words) {
    scripted_goaway g;
    g.reason = words;
    g.code = usual_goaway_code(words);
    goodbye(g);
    ++around_.backend.counters().providers[static_cast<std::size_t>(pns::provider::fcm)].goaways;
  }

  void goodbye(const scripted_goaway& g) {
    going_away_ = true;
    std::string debug = pns::reason_word(g.reason);
    if (line_.front != front::google) {
      const auto ms = around_.time.now().wall.time_since_epoch().count();
      debug = R"({"reason":")" + debug + R"(","timestamp":)" + std::to_string(ms) + "}";
    }
    session_.goaway(g.spares_open ? session_.latest_stream() : session_.latest_reported(), g.code, debug);
  }

  void stand(const standing_faults& what) override {
    const standing_faults before = std::exchange(standing_, what);
    const std::uint32_t streams = what.settings.max_streams.value_or(usual_max_streams_);
    if (streams != before.settings.max_streams.value_or(usual_max_streams_)) session_.set_max_streams(streams);
    const std::uint32_t window = what.settings.stream_window.value_or(usual_window_);
    if (window != before.settings.stream_window.value_or(usual_window_)) session_.set_stream_window(window);
    if (what.hold_windows && !before.hold_windows) session_.hold_windows();
    if (!what.hold_windows && before.hold_windows) session_.release_windows();
    const auto connection = connection_.lock();
    if (!connection) return;
    if (what.stop_reading) {
      connection->pause_reading();
    } else if (before.stop_reading) {
      connection->resume_reading();
    }
    connection->wake();
  }

  void read_slowly(std::size_t octets) {
    const auto connection = connection_.lock();
    if (!connection) return;
    connection->pause_reading();
    around_.delayer.pause(now_.steady + nanoseconds(octets * 1'000'000'000 / *standing_.octets_per_second), self_);
  }
  void resume() override {
    const auto connection = connection_.lock();
    if (connection && !standing_.stop_reading) connection->resume_reading();
  }

  void respond(std::uint32_t stream, const provider_answer& a) {
    std::array<http2::header, 6> headers;
    std::size_t n = 0;
    if (!a.content_type.empty()) headers[n++] = {"content-type", a.content_type};
    for (const auto& [name, value] : a.headers) {
      if (n < headers.size()) headers[n++] = {name, value, http2::indexing::first};
    }
    session_.respond(stream, a.status, std::span(headers.data(), n), a.body);
    pings_.answered();
  }

  static http2::error_code code_of(reset_kind kind) {
    switch (kind) {
      case reset_kind::refused_stream: return http2::error_code::refused_stream;
      case reset_kind::internal_error: return http2::error_code::internal_error;
      case reset_kind::cancel: return http2::error_code::cancel;
    }
    return http2::error_code::internal_error;
  }

  session_context around_;
  std::weak_ptr<tls_connection> connection_;
  connection_state line_;
  standing_faults standing_;
  std::optional<client_certificate> certificate_;   ///< until `line_` has it
  std::uint32_t usual_max_streams_;   ///< what holds where the script says nothing
  std::uint32_t usual_window_ = http2::server_config{}.stream_window;
  http2::server_session session_;
  ping_guard pings_;
  steady_time last_request_;
  std::uint64_t requests_ = 0;
  std::uint64_t pings_seen_ = 0;
  bool going_away_ = false;
  instant now_{};
  std::shared_ptr<answering_session*> self_ = std::make_shared<answering_session*>(this);
};

}  // namespace

std::unique_ptr<byte_session> make_h2_session(const session_context& around, front f,
                                                     const std::shared_ptr<tls_connection>& connection) {
  return std::make_unique<h2_session>(around, f, connection);
}

}  // namespace reveille::mock_providers
