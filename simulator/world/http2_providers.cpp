#include "simulator/world/http2_providers.hpp"

#include <cassert>

namespace reveille::world {

namespace mock = mock_providers;

namespace {

/// Before any REGISTER of any world.
constexpr auto long_dead = std::chrono::milliseconds(std::chrono::hours(1));

std::string rule(const std::string& conditions, const std::string& action) {
  return "{" + conditions + (conditions.empty() ? "" : ",") + action + "},";
}

std::string answer(int status, const std::string& reason, const std::string& more = {}) {
  return R"("answer":{"status":)" + std::to_string(status) + R"(,"reason":")" + reason + "\"" + more + "}";
}

/// mock_providers/fault_script.hpp tells what a script may say.
std::string script_of(const http2_faults& f) {
  const auto share = [](double s) { return R"("share":)" + std::to_string(s); };
  const auto every = [](std::uint32_t n) { return R"("every":)" + std::to_string(n); };
  const std::string apns = R"("provider":"apns",)", fcm = R"("provider":"fcm",)";
  std::string out = "[";
  if (f.storm_after > seconds(0)) {
    const std::string during = R"("from":)" + std::to_string(f.storm_after.count()) + R"(,"until":)" +
                               std::to_string((f.storm_after + f.storm).count());
    out += f.silent_storm ? rule(during, R"("silence":true)") : rule(apns + during, answer(503, "ServiceUnavailable")) +
                                                                    rule(fcm + during, answer(503, "UNAVAILABLE"));
  }
  if (f.goaway_every > 0) out += rule(every(f.goaway_every), R"("goaway":"Shutdown")");
  if (f.close_every > 0) out += rule(every(f.close_every), R"("close":true)");
  out += rule(share(f.slow), R"("delay":{"median_ms":900,"p99_ms":4000})");
  out += rule(share(f.silence), R"("silence":true)");
  out += rule(share(f.refused_stream), R"("reset":"refused_stream")");
  out += rule(share(f.internal_error), R"("reset":"internal_error")");
  out += rule(apns + share(f.unavailable), answer(503, "ServiceUnavailable"));
  out += rule(fcm + share(f.unavailable), answer(503, "UNAVAILABLE"));
  out += rule(apns + share(f.throttled), answer(429, "TooManyRequests"));
  out += rule(fcm + share(f.throttled), answer(429, "QUOTA_EXCEEDED", R"(,"retry_after":2)"));
  out += rule(apns + share(f.suspect), answer(400, "BadDeviceToken"));
  out += rule(apns + share(f.expired_bearer), answer(403, "ExpiredProviderToken"));
  out += rule(apns + share(f.stale_410),
              answer(410, "Unregistered", R"(,"timestamp":)" + std::to_string(long_dead.count())));
  out.back() = ']';
  return out;
}

/// The services' clock is ahead of ours.
class clocked_session final : public byte_session {
 public:
  clocked_session(std::unique_ptr<byte_session> inner, nanoseconds ahead)
      : inner_(std::move(inner)), ahead_(std::chrono::duration_cast<milliseconds>(ahead)) {}
  void receive(std::span<const std::uint8_t> bytes, const instant& now) override {
    inner_->receive(bytes, {now.steady, now.wall + ahead_});
  }
  void produce(std::vector<std::uint8_t>& out, std::size_t limit) override { inner_->produce(out, limit); }
  bool finished() const override { return inner_->finished(); }
  void closed(const instant& now) override { inner_->closed({now.steady, now.wall + ahead_}); }

 private:
  std::unique_ptr<byte_session> inner_;
  milliseconds ahead_;
};

}  // namespace

const mock::credentials& http2_providers::keys() {
  static const mock::credentials made = mock::credentials::generate().value();
  return made;
}

mock::identity http2_providers::identity() {
  mock::identity who;
  who.team_id = "TEAM123456";  // what the virtual phones put into their pn-param
  return who;
}

http2_providers::http2_providers(schedule& when, http2_truth& truth, const http2_faults& faults, delivery_sink to_device)
    : when_(when), truth_(truth), faults_(faults), to_device_(std::move(to_device)), random_(when.random().next()) {
  mock::behaviour how;
  how.delivery = {milliseconds(60), milliseconds(400), faults.lost_after_acceptance};
  how.answer = {milliseconds(8), milliseconds(80), 0};
  how.apns_max_streams = faults.apns_streams;
  how.google_max_streams = faults.google_streams;
  how.lower_streams_on_refusal = faults.lower_streams_on_refusal;
  how.access_token_life = faults.access_token_life;
  backend_ = mock::provider_backend::make(identity(), keys(), how, token_url, random_, *this, service_time()).value();
  backend_->use(mock::fault_script::parse(script_of(faults)).value(), service_time());
}

instant http2_providers::service_time() const {
  return {when_.now().steady, when_.now().wall + std::chrono::duration_cast<milliseconds>(faults_.clock_ahead)};
}

std::unique_ptr<byte_session> http2_providers::accept(mock::front f, pipe_traffic traffic,
                                                             const std::shared_ptr<tls_connection>& own) {
  const mock::session_context around{*backend_, *this, *this};
  auto made = traffic == pipe_traffic::http2 ? mock::make_h2_session(around, f, own) : mock::make_h1_session(around, f, own);
  return std::make_unique<clocked_session>(std::move(made), faults_.clock_ahead);
}

void http2_providers::request_arrived(std::uint64_t link, std::uint32_t stream) {
  const mock::push_record& judged = backend_->record();
  assert(judged.size() <= 1);  // requests are handed over frame by frame
  if (judged.empty()) return;
  truth_.judged(link, stream, judged[0]);
  backend_->clear_record();
}

void http2_providers::calm() {
  backend_->use({}, service_time());
  backend_->use_delivery_delay({milliseconds(60), milliseconds(400), 0});
}

void http2_providers::delivery_waits() {
  when_.after(nanoseconds(0), [this] { arm(); });
}

/// Deliveries expire by our clock: the services' is ahead only for tokens.
void http2_providers::arm() {
  const auto due = backend_->advance(when_.now());
  if (!due || (armed_ && *armed_ <= *due && *armed_ > when_.now().steady)) return;
  armed_ = *due;
  when_.at(*due, [this] { arm(); });
}

void http2_providers::delay(steady_time until, std::weak_ptr<mock::answering_session*> session, std::uint32_t stream,
                            mock::decision what) {
  when_.at(until, [session = std::move(session), stream, what = std::move(what)] {
    if (const auto there = session.lock()) (*there)->carry_out(stream, what);
  });
}

void http2_providers::deliver(const mock::delivery& what) {
  to_device_(prid(what.token), what.payload.find(R"("type":"invite")") != what.payload.npos);
}

}  // namespace reveille::world
