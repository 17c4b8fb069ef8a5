/// The production gateway in front of the mock providers: real TLS, real HTTP/2, faults on script.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "core/system_ports.hpp"
#include "engine/push/push_threads.hpp"
#include "mock_providers/server/server.hpp"

namespace reveille::testing {

using mock_providers::credentials;

inline const credentials& keys() {
  static const credentials made = credentials::generate().value();
  return made;
}

class collected_answers final : public push_answer_sink {
 public:
  void answered(shard_id, std::vector<pns::push_answer>& batch) override {
    const std::lock_guard lock(mutex_);
    for (pns::push_answer& a : batch) {
      ++times_[a.id.number];
      ends_[a.id.number] = std::string(name_of(end_of(a.outcome)));
      reasons_[a.id.number] = a.reason;
    }
    changed_.notify_all();
  }
  /// Waits until `n` different pushes are answered; the bound only keeps a broken build from hanging.
  bool wait_for(std::size_t n, seconds at_most = seconds(60)) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, at_most, [&] { return times_.size() >= n; });
  }
  std::map<std::string, std::size_t> ends() {
    const std::lock_guard lock(mutex_);
    std::map<std::string, std::size_t> out;
    for (const auto& [number, end] : ends_) ++out[end];
    return out;
  }
  std::string end(std::uint32_t number) {
    const std::lock_guard lock(mutex_);
    return ends_[number] + (reasons_[number].empty() ? "" : ":" + reasons_[number]);
  }
  bool all_once() {
    const std::lock_guard lock(mutex_);
    for (const auto& [number, n] : times_) {
      if (n != 1) return false;
    }
    return true;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::uint32_t, int> times_;
  std::map<std::uint32_t, std::string> ends_, reasons_;
};

class PushAgainstMocks : public ::testing::Test {
 protected:
  void start(mock_providers::server_config mock_config = {}, std::string_view script = "[]",
             std::uint16_t connections = 1) {
    mock_config.behaviour.delivery = {};
    auto started = mock_providers::server::start(mock_config, keys(), nullptr);
    ASSERT_TRUE(started.has_value()) << started.error().what;
    mock = std::move(*started);
    mock->use(mock_providers::fault_script::parse(script).value());

    push_config c;
    c.apns.production = push_endpoint::parse(mock->endpoints().apns_url).value();
    c.apns.sandbox = push_endpoint::parse(mock->endpoints().sandbox_url).value();
    c.apns.route.ca_pem = keys().ca_pem;
    c.apns.limits.connections = connections;
    c.apns.limits.answer_timeout = milliseconds(2000);
    c.apns.limits.breaker_failures = 1000;
    apns_app_config app;
    app.team_id = who.team_id;
    app.bundle = who.bundle;
    app.key_id = who.key_id;
    app.key_pem = keys().apns_key_pem;
    c.apns.apps.push_back(app);
    c.fcm.service = push_endpoint::parse(mock->endpoints().google_url).value();
    c.fcm.route.ca_pem = keys().ca_pem;
    fcm_app_config fcm;
    fcm.service_account = mock_providers::service_account_json(who, keys(), mock->endpoints().token_url);
    c.fcm.apps.push_back(fcm);
    change(c);
    auto made = push_threads::make(c, answers, time);
    ASSERT_TRUE(made.has_value()) << made.error().front().what;
    gateway = std::move(*made);
  }
  virtual void change(push_config&) {}

  static std::string hex_token(std::uint32_t n, std::string_view prefix = "") {
    std::string t(prefix);
    std::string digits = std::to_string(n);
    t.append(64 - t.size() - digits.size(), 'a');
    return t + digits;
  }
  pns::push_order order(std::uint32_t n, pns::provider provider, std::string token) const {
    const instant now = time.now();
    pns::push_order o;
    o.id = {aor_key{n * 7919U}, n};
    o.target.provider = provider;
    if (provider == pns::provider::fcm) {
      o.target.app = who.project;
      o.target.tokens.push_back({prid(std::move(token)), pns::token_service::plain});
    } else {
      o.target.team = who.team_id;
      o.target.app = who.bundle;
      o.target.tokens.push_back({prid(std::move(token)), pns::token_service::voip});
    }
    o.content = pns::invite_content{now.wall, "103", "Alice \"A\"", "a84b4c76e66710@pc33.example.com"};
    o.call.bytes[0] = static_cast<std::uint8_t>(n);
    o.call.bytes[1] = static_cast<std::uint8_t>(n >> 8);
    o.call.bytes[2] = static_cast<std::uint8_t>(n >> 16);
    o.deadline = now.steady + seconds(30);
    o.expires = now.wall + seconds(28);
    return o;
  }
  std::uint64_t sum(slot push_counters::*what, pns::provider p) const {
    return (gateway->counters(0)[static_cast<std::size_t>(p)].*what).value();
  }

  mock_providers::identity who;
  system_clock_port time;
  collected_answers answers;
  std::unique_ptr<mock_providers::server> mock;
  std::unique_ptr<push_threads> gateway;
};

}  // namespace reveille::testing
