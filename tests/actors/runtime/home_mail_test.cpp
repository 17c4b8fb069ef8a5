// Messages by CAF handle: from this thread, from others, to those that left, and after the home is gone.
#include <caf/send.hpp>
#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>

#include <atomic>
#include <thread>

#include "actors/behaviors/subscriber_messages.hpp"
#include "actors/runtime/home_handles.hpp"
#include "core/hash.hpp"
#include "home_fixture.hpp"

namespace reveille {
namespace {

using HomeMail = Home;

TEST_F(HomeMail, ArrivesOnTheHomesThreadFromAnyOther) {
  std::atomic<int> woken{0};
  host.on_mail(shard_id{0}, [&] { ++woken; });
  make();
  settle("ann");
  settle("bob");
  const caf::actor ann = handle_of(*subject, key_of("ann"), "ann", now);
  const caf::actor bob = handle_of(*subject, key_of("bob"), "bob", now);
  script().log.clear();
  script().threads.clear();
  std::thread other([&] {
    for (std::uint32_t i = 1; i <= 3; ++i) caf::anon_send(ann, numbered(i));
    caf::anon_send(bob, numbered(9));
  });
  other.join();
  EXPECT_EQ(woken, 1);
  EXPECT_TRUE(script().log.empty());
  ASSERT_TRUE(subject->next_due().has_value());
  EXPECT_LE(*subject->next_due(), now.steady);
  subject->on_timer(now);
  EXPECT_EQ(script().log, (lines{"ann: push 1", "ann: push 2", "ann: push 3", "bob: push 9"}));
  EXPECT_EQ(script().threads, std::set<std::thread::id>{std::this_thread::get_id()});
  EXPECT_FALSE(subject->next_due().has_value());
}

TEST_F(HomeMail, ComesBeforeAnEventThatTheShardDeliversLater) {
  make();
  settle("ann");
  const caf::actor ann = handle_of(*subject, key_of("ann"), "ann", now);
  caf::anon_send(ann, numbered(1));
  deliver("ann", numbered(2));
  EXPECT_EQ(script().log, (lines{"made ann", "ann: push 0", "ann: push 1", "ann: push 2"}));
  subject->on_timer(now);
  EXPECT_EQ(script().log.size(), 4U);
}

TEST_F(HomeMail, SentFromInsideAnEventIsTakenBeforeTheCallEnds) {
  make();
  settle("ann");
  settle("bob");
  const caf::actor bob = handle_of(*subject, key_of("bob"), "bob", now);
  script().apply = [&](const std::string& name, const subscriber_event&, effects&) {
    if (name == "ann") caf::anon_send(bob, numbered(7));
  };
  deliver("ann", numbered(1));
  EXPECT_EQ(script().log.back(), "bob: push 7");
}

TEST_F(HomeMail, WaitsForTheRecordLikeAnyEvent) {
  make();
  const caf::actor ann = handle_of(*subject, key_of("ann"), "ann", now);
  caf::anon_send(ann, numbered(1));
  subject->on_timer(now);
  EXPECT_TRUE(script().log.empty());
  answer();
  EXPECT_EQ(script().log, (lines{"made ann", "ann: push 1"}));
}

TEST_F(HomeMail, BringsBackWhoHasLeft) {
  make();
  disk.bindings["ann"] = "a phone";
  settle("ann");
  const caf::actor ann = handle_of(*subject, key_of("ann"), "ann", now);
  EXPECT_EQ(subject->retire_idle(now), 0U);
  caf::anon_send(ann, numbered(1));
  subject->on_timer(now);
  answer();
  EXPECT_EQ(script().log.back(), "ann: push 1");
  caf::anon_send(ann, numbered(2));  // the old handle goes on working
  subject->on_timer(now);
  EXPECT_EQ(script().log.back(), "ann: push 2");
}

TEST_F(HomeMail, NobodyLeavesWithAMessageWaiting) {
  make();
  settle("ann");
  const caf::actor ann = handle_of(*subject, key_of("ann"), "ann", now);
  caf::anon_send(ann, numbered(1));
  EXPECT_EQ(subject->retire_idle(now), 1U);
  subject->on_timer(now);
  EXPECT_EQ(subject->retire_idle(now), 0U);
}

TEST_F(HomeMail, IsRefusedOverTheBoundOfOneMailbox) {
  home_config config;
  config.mailbox_limit = 4;
  make(config);
  settle("ann");
  const caf::actor ann = handle_of(*subject, key_of("ann"), "ann", now);
  for (std::uint32_t i = 1; i <= 6; ++i) caf::anon_send(ann, numbered(i));
  subject->on_timer(now);
  EXPECT_EQ(script().log.back(), "ann: push 4");
  EXPECT_EQ(subject->counters().mail_refused, 2U);
  caf::anon_send(ann, numbered(7));
  subject->on_timer(now);
  EXPECT_EQ(script().log.back(), "ann: push 7");
}

TEST_F(HomeMail, AnswersRequestsFromOrdinaryActors) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the answer travels through the packaged CAF's own mailbox, which is not instrumented";
#endif
  make();
  settle("ann");
  const caf::actor ann = handle_of(*subject, key_of("ann"), "ann", now);
  actor_host threaded(actor_scheduling::threaded);
  std::atomic<bool> answered{false};
  std::atomic<bool> failed{false};
  std::thread other([&] {
    caf::scoped_actor self{threaded.system()};
    self->request(ann, std::chrono::seconds(10), summary_atom::value)
        .receive([&](const subscriber_summary& s) { answered = s.resident && s.bindings == 1 && s.at_rest; },
                 [&](const caf::error&) {});
    self->request(ann, std::chrono::seconds(10), std::string("what?"))
        .receive([](const std::string&) {}, [&](const caf::error& e) { failed = e == caf::sec::unexpected_message; });
  });
  while (!answered || !failed) {
    subject->on_timer(now);
    std::this_thread::yield();
  }
  other.join();
  EXPECT_EQ(subject->counters().mail_refused, 1U);
}

TEST_F(HomeMail, ToAClosedHomeIsAnsweredWithAnErrorAndLeavesTheSubscriberOnItsThread) {
  make();
  settle("ann");
  const caf::actor ann = handle_of(*subject, key_of("ann"), "ann", now);
  script().threads.clear();
  caf::anon_send(ann, numbered(1));
  subject.reset();
  EXPECT_EQ(script().log.back(), "gone ann");
  actor_host threaded(actor_scheduling::threaded);
  bool down = false;
  std::thread other([&] {
    caf::scoped_actor self{threaded.system()};
    self->request(ann, std::chrono::seconds(10), summary_atom::value)
        .receive([](const subscriber_summary&) {},
                 [&](const caf::error& e) { down = e == caf::sec::request_receiver_down; });
  });
  other.join();
  EXPECT_TRUE(down);
  EXPECT_EQ(script().threads, std::set<std::thread::id>{std::this_thread::get_id()});
}

TEST_F(HomeMail, SurvivesManySendersWhileSubscribersComeAndGo) {
  home_config config;
  config.mailbox_limit = 100'000;  // no bound may be met here: every message must come through
  config.queue_limit = 100'000;
  make(config);
  std::vector<caf::actor> handles;
  for (int i = 0; i < 16; ++i) {
    const std::string name = "user" + std::to_string(i);
    settle(name);
    handles.push_back(handle_of(*subject, key_of(name), name, now));
    answer_all();
  }
  constexpr int senders = 3;
  constexpr std::uint32_t each = 2000;
  std::vector<std::thread> threads;
  std::atomic<int> running{senders};
  script().log.clear();
  for (int t = 0; t < senders; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint32_t i = 0; i < each; ++i) caf::anon_send(handles[(i + static_cast<std::uint32_t>(t)) % 16], numbered(i));
      --running;
    });
  }
  while (running > 0 || subject->next_due()) {
    subject->on_timer(now);
    answer_all();
    subject->retire_idle(now);
  }
  for (auto& t : threads) t.join();
  while (subject->next_due()) {
    subject->on_timer(now);
    answer_all();
  }
  std::size_t taken = 0;
  for (const std::string& line : script().log) taken += line.find(": push ") != std::string::npos ? 1U : 0U;
  EXPECT_EQ(taken, senders * each);
  handles.clear();
}

}  // namespace
}  // namespace reveille
