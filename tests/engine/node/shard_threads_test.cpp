// Several shards' threads with small inboxes between them: nothing that somebody waits for is lost silently (SPEC 10.4).
#include <gtest/gtest.h>
#include <poll.h>

#include <array>
#include <cstring>
#include <future>
#include <map>
#include <memory>
#include <utility>

#include "actors/runtime/actor_host.hpp"
#include "actors/subscriber_config.hpp"
#include "core/system_ports.hpp"
#include "engine/shard/shard_config.hpp"
#include "engine/shard/shard_counters.hpp"
#include "engine/shard/shard_thread.hpp"
#include "engine/volatile_store.hpp"

namespace reveille {
namespace {

constexpr std::uint16_t count = 4;
constexpr int patience_ms = 30'000;

class no_pushes final : public push_gateway {
 public:
  bool submit(pns::push_order) override { return false; }
  void withdraw(pns::push_id) override {}
};

/// Each shard has a port of its own here, so that a test chooses who gets a datagram; one phone speaks to each.
class ShardThreads : public ::testing::Test {
 protected:
  ~ShardThreads() override {
    for (auto& s : shards_) s->stop();
  }

  void start(std::size_t inbox_limit) {
    config_.shards = count;
    config_.domains = {"example.com"};
    config_.key = {11, 22};
    config_.secret = {33, 44};
    std::vector<shard_thread*> all;
    for (std::uint16_t i = 0; i < count; ++i) {
      shard_thread_config thread;
      thread.self = {i};
      thread.listen = {parse_endpoint("127.0.0.1:0").value()};
      thread.inbox_limit = inbox_limit;
      auto made = shard_thread::open(thread, {config_, subscribers_, host_, pools_[i], store_, pushes_, clock_});
      ASSERT_TRUE(made.has_value()) << made.error().what;
      shards_.push_back(std::move(*made));
      config_.listeners.push_back({shards_.back()->listening().front(), ""});
      store_.answer_to(shard_id{i}, *shards_.back());
      all.push_back(shards_.back().get());
      phones_.push_back(udp_socket::open(parse_endpoint("127.0.0.1:0").value(), pool_).value());
    }
    for (auto& s : shards_) s->start(all);
  }

  void send(std::uint16_t to_shard, const std::string& method, const std::string& call_id) {
    udp_socket& phone = *phones_[to_shard];
    const std::string here = phone.local().text();
    const std::string text =
        method + " sip:" + (method == "REGISTER" ? "" : call_id + "@") + "example.com SIP/2.0\r\nVia: SIP/2.0/UDP " +
        here + ";branch=z9hG4bK" + call_id + "\r\nMax-Forwards: 70\r\nFrom: <sip:a@example.com>;tag=1\r\nTo: <sip:" +
        call_id + "@example.com>\r\nCall-ID: " + call_id + "\r\nCSeq: 1 " + method + "\r\nContact: <sip:" + call_id +
        "@" + here + ">\r\nContent-Length: 0\r\n\r\n";
    const slab_ptr bytes = pool_.take(text.size());
    std::memcpy(bytes->data(), text.data(), text.size());
    phone.send(shards_[to_shard]->listening().front(), bytes, text.size());
    phone.flush();
  }

  /// Until there are as many final answers as that, by Call-ID; what is repeated counts once.
  bool gets_finals(std::size_t wanted) {
    while (finals_.size() < wanted) {
      std::array<pollfd, count> readable{};
      for (std::size_t i = 0; i < count; ++i) readable[i] = {phones_[i]->fd(), POLLIN, 0};
      if (::poll(readable.data(), readable.size(), patience_ms) <= 0) return false;
      for (auto& phone : phones_) {
        std::vector<datagram> in(16);
        const std::size_t n = phone->receive(in);
        for (std::size_t i = 0; i < n; ++i) note(std::string(in[i].bytes->view(0, in[i].size)));
      }
    }
    return true;
  }
  void note(const std::string& answer) {
    const int status = std::stoi(answer.substr(8, 3));
    const auto at = answer.find("Call-ID: ") + 9;
    if (status >= 200) finals_.emplace(answer.substr(at, answer.find('\r', at) - at), status);
  }
  std::size_t answered(int status) const {
    std::size_t n = 0;
    for (const auto& [id, with] : finals_) n += with == status ? 1 : 0;
    return n;
  }
  std::uint64_t refused_at(std::uint16_t shard, refusal why) const {
    return shards_[shard]->shard_counters_now()->refusals[static_cast<std::size_t>(why)].value();
  }
  std::uint64_t refused() const {
    std::uint64_t n = 0;
    for (const auto& s : shards_) {
      for (const slot& why : s->shard_counters_now()->refusals) n += why.value();
    }
    return n;
  }
  std::uint64_t inboxes_full() const {
    std::uint64_t n = 0;
    for (const auto& s : shards_) n += s->counters().inbox_dropped;
    return n;
  }
  std::uint64_t dropped(drop_reason why) const {
    std::uint64_t n = 0;
    for (const auto& s : shards_) n += s->shard_counters_now()->drops[static_cast<std::size_t>(why)].value();
    return n;
  }

  system_clock_port clock_;
  slab_pool pool_;
  std::array<slab_pool, count> pools_;
  actor_host host_{actor_scheduling::threaded};
  shard_config config_;
  subscriber_config subscribers_;
  volatile_store store_;
  no_pushes pushes_;
  std::vector<std::unique_ptr<shard_thread>> shards_;
  std::vector<std::unique_ptr<udp_socket>> phones_;
  std::map<std::string, int> finals_;
};

/// Holds a shard's thread between two turns, until it is let go.
class held {
 public:
  explicit held(shard_thread& of) {
    const auto there = std::make_shared<std::promise<void>>();
    auto is_there = there->get_future();
    of.ask([there, go = go_.get_future().share()](shard&, const instant&) {
      there->set_value();
      go.wait();
    });
    is_there.wait();
  }
  ~held() { let_go(); }
  held(const held&) = delete;
  held& operator=(const held&) = delete;
  void let_go() {
    if (!std::exchange(gone_, true)) go_.set_value();
  }

 private:
  std::promise<void> go_;
  bool gone_ = false;
};

class FullInboxesOfThreads : public ShardThreads, public ::testing::WithParamInterface<const char*> {};

/// Three of four shards take nothing: each inbox holds what held it up and, up to the limit, requests. The rest is told
/// at once, and what waits is answered when the three go on.
TEST_P(FullInboxesOfThreads, RefuseWhatBeginsWorkAndLoseNone) {
  constexpr std::size_t limit = 5, tries = 120, waiting = (count - 1) * (limit - 1);
  start(limit);
  std::vector<std::unique_ptr<held>> stopped;
  for (std::uint16_t i = 1; i < count; ++i) stopped.push_back(std::make_unique<held>(*shards_[i]));
  for (std::size_t n = 0; n < tries; ++n) {
    send(0, GetParam(), std::string(GetParam()) + std::to_string(n));
    // At most `waiting` of them have no answer yet; so what is under way fits into any socket's buffer.
    if (n >= waiting + 16) {
      ASSERT_TRUE(gets_finals(n - waiting - 16));
    }
  }
  ASSERT_TRUE(gets_finals(tries - waiting));
  EXPECT_EQ(finals_.size(), tries - waiting);
  EXPECT_GT(answered(503), tries / 2);
  EXPECT_EQ(refused_at(0, refusal::inbox), answered(503));
  EXPECT_EQ(inboxes_full(), answered(503));

  for (auto& s : stopped) s->let_go();
  ASSERT_TRUE(gets_finals(tries)) << "what waited is answered";
  EXPECT_EQ(refused(), answered(503));
  EXPECT_EQ(dropped(drop_reason::inbox_full), 0U);
  EXPECT_EQ(dropped(drop_reason::final_response), 0U);
}

INSTANTIATE_TEST_SUITE_P(WhatBeginsWork, FullInboxesOfThreads, ::testing::Values("REGISTER", "INVITE"),
                         [](const auto& method) { return std::string(method.param); });

/// For ThreadSanitizer too: every shard hands over to every other, and each inbox is full when one hand-over waits in it.
TEST_F(ShardThreads, AnswerEveryRequestWhileTheyHandOverToEachOther) {
  start(1);
  constexpr std::size_t rounds = 100, under_way = 32;
  std::size_t sent = 0;
  for (std::size_t n = 0; n < rounds; ++n) {
    for (std::uint16_t to = 0; to < count; ++to) {
      for (const char* method : {"REGISTER", "INVITE"}) {
        send(to, method, method + std::to_string(to) + "-" + std::to_string(n));
        ++sent;
      }
    }
    if (sent > under_way) {
      ASSERT_TRUE(gets_finals(sent - under_way));
    }
  }
  ASSERT_TRUE(gets_finals(sent));
  EXPECT_EQ(refused(), answered(503));
  EXPECT_EQ(answered(200) + answered(503) + answered(404) + answered(480), sent);
  EXPECT_GT(answered(200), 0U);
  EXPECT_EQ(dropped(drop_reason::inbox_full), 0U);
  EXPECT_EQ(dropped(drop_reason::final_response), 0U);
}

}  // namespace
}  // namespace reveille
