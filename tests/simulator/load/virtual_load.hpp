/// A load run against the fake engine in virtual time: a whole night of calls in milliseconds, the same every time.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "simulator/load/load_run.hpp"
#include "tests/simulator/load/fake_engine.hpp"

namespace reveille::load {

class virtual_load final : public datagram_port {
 public:
  virtual_load(load_options given, lies told, double loss = 0)
      : options_(std::move(given)), engine_(options_.engine, told), loss_(loss), random_(options_.seed), noise_(7), now_(seconds(1000)) {
    run_ = std::make_unique<load_run>(options_, "test1", *this, random_, now_);
  }

  std::size_t size() const override { return options_.sockets + options_.caller_sockets; }
  endpoint local(std::uint16_t socket) const override {
    endpoint out = *parse_address("127.0.1.1", 0);
    out.port = static_cast<std::uint16_t>(20000 + socket);
    return out;
  }
  void send(std::uint16_t socket, const endpoint& to, std::string_view bytes) override {
    if (to == options_.engine && !lost()) to_engine_.push_back({local(socket), std::string(bytes)});
  }

  /// Steps a millisecond at a time; true once the run is done.
  bool play_for(nanoseconds limit) {
    const steady_time end = now_ + limit;
    while (!run_->done() && now_ < end) step();
    return run_->done();
  }
  /// Until the run is done, for at most `limit` of virtual time.
  report::run_report play(nanoseconds limit = std::chrono::hours(2)) {
    EXPECT_TRUE(play_for(limit));
    report::run_report out;
    if (run_->done()) run_->fill(out);
    return out;
  }
  load_run& run() { return *run_; }

 private:
  bool lost() { return loss_ > 0 && noise_.unit() < loss_; }
  void step() {
    now_ += milliseconds(1);
    while (!to_engine_.empty()) {
      const fake_engine::datagram d = std::move(to_engine_.front());
      to_engine_.pop_front();
      engine_.on_datagram(d.to, d.bytes, now_);
    }
    engine_.advance(now_);
    for (const fake_engine::datagram& d : engine_.take_datagrams()) {
      const int socket = d.to.port - 20000;
      if (socket < 0 || static_cast<std::size_t>(socket) >= size() || lost()) continue;
      run_->on_datagram(static_cast<std::uint16_t>(socket), options_.engine, d.bytes, now_);
    }
    for (const push_seen& p : engine_.take_pushes()) run_->on_push(p, now_);
    run_->advance(now_);
  }

  load_options options_;
  fake_engine engine_;
  double loss_;
  seeded_random random_;
  seeded_random noise_;
  steady_time now_;
  std::deque<fake_engine::datagram> to_engine_;
  std::unique_ptr<load_run> run_;
};

inline load_options small_load() {
  load_options o;
  o.engine = *parse_endpoint("127.0.0.1:5060");
  o.subscribers = 300;
  o.sockets = 40;
  o.caller_sockets = 4;
  o.calls_per_second = 20;
  o.duration = seconds(10);
  o.ring_time = seconds(10);
  o.settle_time = seconds(5);
  o.grace = milliseconds(500);
  return o;
}

}  // namespace reveille::load
