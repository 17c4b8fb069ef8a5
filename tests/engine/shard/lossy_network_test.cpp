// Calls through two shards over a network that loses, doubles and misdelivers: one decision for the caller, and
// nothing left at rest. A seed repeats a failure.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "tests/engine/shard/shard_bench.hpp"

namespace reveille {
namespace {

constexpr std::uint16_t phone_port = 5070, caller_port = 5080;

class lossy_call {
 public:
  explicit lossy_call(std::uint64_t seed) : random_(seed) {
    bench_.arrive(register_text("103", phone_port), phone_port);
    bench_.take();
    cancels_ = random_.below(2) == 0;
    answers_ = random_.below(3) != 0 ? 200 : 486;
    answer_at_ = random_.below(40);
    cancel_at_ = random_.below(40);
  }

  void run() {
    for (std::uint64_t step = 0; step < 160; ++step) {
      // Both ends repeat every 500 ms what was not answered yet.
      if (step % 5 == 0) repeat();
      if (step == answer_at_) rings_out_ = true;
      if (cancels_ && step >= cancel_at_ && step % 5 == 0 && !cancel_answered_ && finals_.empty() && heard_) {
        to_shard(request_text{.method = "CANCEL"}.text(), caller_port);
      }
      bench_.pass(milliseconds(100));
      deliver();
    }
    losing_ = false;
    for (int i = 0; i < 50; ++i) {
      repeat();
      bench_.pass(milliseconds(500), milliseconds(50));
      deliver();
    }
    bench_.pass(seconds(70), milliseconds(50));
  }

  void tally(std::map<int, int>& outcomes) const {
    for (const int status : finals_) ++outcomes[status];
  }

  void check(std::uint64_t seed) {
    bool success = false, failure = false;
    for (const int status : finals_) (status < 300 ? success : failure) = true;
    EXPECT_FALSE(success && failure) << "seed " << seed;
    EXPECT_TRUE(success || failure) << "seed " << seed;
    for (const auto& s : bench_.shards) {
      EXPECT_TRUE(s->idle()) << "seed " << seed;
      EXPECT_FALSE(s->next_due().has_value()) << "seed " << seed;
      EXPECT_EQ(s->counters().server_transactions.value() + s->counters().client_transactions.value(), 0u);
      EXPECT_EQ(s->counters().server_abandoned.value(), 0u) << "seed " << seed;
    }
    std::size_t invites = 0;
    for (const std::string& e : bench_.logs()) invites += e == "request INVITE" ? 1U : 0U;
    EXPECT_EQ(invites, 1u) << "seed " << seed;
  }

 private:
  void to_shard(const std::string& text, std::uint16_t from) {
    const std::uint64_t copies = !losing_ ? 1 : random_.below(10) < 2 ? 0 : random_.below(10) == 0 ? 2 : 1;
    for (std::uint64_t i = 0; i < copies; ++i) {
      bench_.arrive(text, from, static_cast<std::uint16_t>(random_.below(2)));
    }
  }

  void repeat() {
    if (!heard_) to_shard(request_text{}.text(), caller_port);
    if (invite_ && rings_out_ && decided_ == 0) decided_ = answers_;
    if (invite_ && decided_ != 0 && !acknowledged_) to_shard(answer_text(*invite_, decided_), phone_port);
  }

  void deliver() {
    for (const auto& s : bench_.take()) {
      if (losing_ && random_.below(10) < 2) continue;
      const auto m = s.message();
      if (s.to.remote.port == phone_port) {
        at_phone(m);
      } else {
        at_caller(m);
      }
    }
  }

  void at_phone(const sip::message_ptr& m) {
    if (!m->is_request()) return;
    if (m->method() == sip::method::ack) {
      acknowledged_ = true;
    } else if (m->method() == sip::method::cancel) {
      to_shard(answer_text(*m, 200), phone_port);
      if (decided_ == 0) decided_ = 487;
    } else if (m->method() == sip::method::invite) {
      invite_ = m;
      to_shard(answer_text(*m, decided_ != 0 ? decided_ : 180), phone_port);
    }
  }

  void at_caller(const sip::message_ptr& m) {
    if (m->cseq().method == sip::method::cancel) {
      cancel_answered_ = true;
      return;
    }
    heard_ = true;
    if (m->status() < 200) return;
    finals_.insert(m->status());
    request_text ack{.method = "ACK", .to_tag = std::string(m->to_tag())};
    if (m->status() < 300) {
      ack.branch = "z9hG4bKack";
      for (const auto& v : values(*m, sip::header::record_route)) ack.extra += "Route: " + v + "\n";
    }
    to_shard(ack.text(), caller_port);
  }

  shard_bench bench_{2};
  seeded_random random_;
  bool losing_ = true;
  bool cancels_ = false, cancel_answered_ = false, rings_out_ = false, acknowledged_ = false, heard_ = false;
  int answers_ = 0, decided_ = 0;
  std::uint64_t answer_at_ = 0, cancel_at_ = 0;
  sip::message_ptr invite_;
  std::set<int> finals_;
};

TEST(LossyNetwork, LeavesOneDecisionPerCallAndNothingAtRest) {
  std::map<int, int> outcomes;
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    lossy_call call(seed);
    call.run();
    call.check(seed);
    if (HasFailure()) break;
    call.tally(outcomes);
  }
  // The dice reach every end.
  for (const int status : {200, 486, 487}) EXPECT_GT(outcomes[status], 5) << status;
}

}  // namespace
}  // namespace reveille
