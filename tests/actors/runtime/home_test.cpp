#include "actors/runtime/home.hpp"

#include "core/hash.hpp"
#include "home_fixture.hpp"

namespace reveille {
namespace {

sip::message_ptr request(std::string_view method) {
  const std::string text = std::string(method) +
                           " sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK1\r\n"
                           "Max-Forwards: 70\r\nFrom: <sip:ann@example.com>;tag=1\r\nTo: <sip:ann@example.com>\r\n"
                           "Call-ID: c1\r\nCSeq: 1 " + std::string(method) + "\r\nContent-Length: 0\r\n\r\n";
  static slab_pool pool;
  slab_ptr bytes = pool.take(4096);
  std::memcpy(bytes->data(), text.data(), text.size());
  auto parsed = sip::message::parse(bytes, text.size(), true);
  return parsed.has_value() ? *parsed : nullptr;
}

TEST_F(Home, MakesASubscriberFromTheStoreWhenItIsFirstNeeded) {
  make();
  disk.bindings["ann"] = "a phone";
  ASSERT_TRUE(deliver("ann", numbered(1)));
  EXPECT_TRUE(script().log.empty());
  answer();
  EXPECT_EQ(script().log, (lines{"made ann from 'a phone'", "ann: push 1"}));
  EXPECT_EQ(subject->counters().resident, 1U);
  EXPECT_EQ(subject->counters().bindings, 1U);

  ASSERT_TRUE(deliver("ann", numbered(2)));
  EXPECT_EQ(script().log.back(), "ann: push 2");
  EXPECT_TRUE(disk.queue.empty());
}

TEST_F(Home, AsksForNoRecordThatIsSurelyAbsent) {
  home_config config;
  config.loads_in_flight = 1;
  make(config);
  disk.absent = {"ann"};
  disk.full = true;
  ASSERT_TRUE(deliver("ann", numbered(1)));
  EXPECT_EQ(script().log, (lines{"made ann", "ann: push 1"}));
  EXPECT_TRUE(disk.queue.empty());
  EXPECT_EQ(subject->counters().loads, 0U);
  EXPECT_EQ(subject->counters().loads_spared, 1U);
  EXPECT_EQ(subject->counters().resident, 1U);

  disk.full = false;
  ASSERT_TRUE(deliver("bob", numbered(1)));
  EXPECT_EQ(disk.queue.size(), 1U);
  EXPECT_EQ(subject->counters().loads, 1U);
}

TEST_F(Home, LosesNoEventAndKeepsTheirOrderWhileTheRecordIsRead) {
  make();
  for (std::uint32_t i = 0; i < 5; ++i) ASSERT_TRUE(deliver("ann", numbered(i)));
  EXPECT_EQ(disk.queue.size(), 1U);
  answer();
  EXPECT_EQ(script().log, (lines{"made ann", "ann: push 0", "ann: push 1", "ann: push 2", "ann: push 3", "ann: push 4"}));
}

TEST_F(Home, RefusesEventsOverTheQueueBoundOfOneAor) {
  home_config config;
  config.queue_limit = 3;
  make(config);
  for (std::uint32_t i = 0; i < 3; ++i) ASSERT_TRUE(deliver("ann", numbered(i)));
  EXPECT_FALSE(deliver("ann", register_received{request("REGISTER"), {}}));
  EXPECT_EQ(subject->counters().queue_full, 1U);
  answer();
  EXPECT_EQ(script().log.size(), 4U);
}

TEST_F(Home, RefusesLoadsOverTheirBoundAndTakesThemAgainLater) {
  home_config config;
  config.loads_in_flight = 2;
  config.loads_waiting = 0;
  make(config);
  ASSERT_TRUE(deliver("ann", numbered(1)));
  ASSERT_TRUE(deliver("bob", numbered(1)));
  EXPECT_FALSE(deliver("cid", numbered(1)));
  EXPECT_EQ(subject->counters().loads_refused, 1U);
  answer();
  EXPECT_TRUE(deliver("cid", numbered(1)));
}

TEST_F(Home, KeepsLoadsThatFindTheStoreBusyAndServesThemInTheirOrder) {
  home_config config;
  config.loads_in_flight = 2;
  config.loads_waiting = 3;
  make(config);
  for (const char* name : {"ann", "bob", "cid", "dan", "eve"}) ASSERT_TRUE(deliver(name, numbered(1)));
  EXPECT_FALSE(deliver("fay", numbered(1)));
  EXPECT_EQ(disk.queue.size(), 2U);
  EXPECT_EQ(subject->counters().loads_waiting, 3U);
  ASSERT_TRUE(deliver("cid", numbered(2)));  // behind its first
  answer_all();
  EXPECT_EQ(script().log, (lines{"made ann", "ann: push 1", "made bob", "bob: push 1", "made cid", "cid: push 1",
                                 "cid: push 2", "made dan", "dan: push 1", "made eve", "eve: push 1"}));
  EXPECT_EQ(subject->counters().loads_waiting, 0U);
  EXPECT_FALSE(subject->next_due().has_value());
}

TEST_F(Home, AsksAFullStoreAgainAndTellsWhoWaitedTooLong) {
  home_config config;
  config.load_patience = milliseconds(100);
  make(config);
  disk.full = true;
  ASSERT_TRUE(deliver("ann", numbered(1)));
  now.steady += milliseconds(60);
  ASSERT_TRUE(deliver("bob", register_received{request("REGISTER"), {}}));
  ASSERT_TRUE(subject->next_due().has_value());
  now.steady += milliseconds(50);
  subject->on_timer(now);
  EXPECT_EQ(subject->counters().loads_late, 1U);  // ann's
  EXPECT_EQ(subject->counters().resident, 1U);
  now.steady += milliseconds(60);
  subject->on_timer(now);
  EXPECT_EQ(subject->counters().loads_late, 2U);
  ASSERT_EQ(outlet.done.size(), 1U);
  EXPECT_EQ(std::get<send>(outlet.done[0].second).status, 503);
  disk.full = false;
  settle("ann");
  EXPECT_EQ(script().log, (lines{"made ann", "ann: push 0"}));
}

TEST_F(Home, HasAPlaceForTheCancelOfEachInviteThatWaits) {
  home_config config;
  config.queue_limit = 2;
  make(config);
  const auto invite = [](std::uint32_t n) {
    return request_received{request("INVITE"), {shard_id{0}, n, 1}, {}, peer_trust::open};
  };
  const auto cancel = [](std::uint32_t n) { return cancel_received{{shard_id{0}, n, 1}, nullptr}; };
  ASSERT_TRUE(deliver("ann", invite(1)));
  ASSERT_TRUE(deliver("ann", invite(2)));
  EXPECT_FALSE(deliver("ann", invite(3)));
  EXPECT_TRUE(deliver("ann", cancel(1)));
  EXPECT_TRUE(deliver("ann", cancel(2)));
  EXPECT_FALSE(deliver("ann", cancel(3)));  // its INVITE was refused: there is nothing to cancel
  EXPECT_TRUE(deliver("ann", numbered(7)));
  EXPECT_EQ(subject->counters().queue_full, 2U);
  answer();
  EXPECT_EQ(script().log.size(), 6U);
}

TEST_F(Home, RefusesWhenTheStoreIsFull) {
  home_config config;
  config.loads_waiting = 0;
  make(config);
  disk.full = true;
  EXPECT_FALSE(deliver("ann", numbered(1)));
  EXPECT_EQ(subject->counters().loads_refused, 1U);
  EXPECT_EQ(subject->counters().resident, 0U);
  disk.full = false;
  settle("ann");
  EXPECT_EQ(script().log.front(), "made ann");
}

TEST_F(Home, WritesAddressesEarlyRatherThanRefuseANewcomer) {
  home_config config;
  config.resident_limit = 20;
  make(config);
  for (int i = 0; i < 200; ++i) {
    const std::string name = "user" + std::to_string(i);
    script().dirty.insert(name);  // as after a refresh, for a minute
    settle(name);
  }
  EXPECT_EQ(subject->counters().residents_refused, 0U);
  EXPECT_EQ(subject->counters().left_early, 180U);
  EXPECT_EQ(subject->counters().resident, 20U);
  EXPECT_EQ(std::count_if(disk.bindings.begin(), disk.bindings.end(),
                          [](const auto& b) { return b.second == "address of " + b.first; }), 180);
}

TEST_F(Home, KeepsAnAddressThatTheStoreHasNoRoomFor) {
  home_config config;
  config.resident_limit = 1;
  make(config);
  script().dirty = {"ann"};
  settle("ann");
  disk.full = true;
  disk.absent = {"bob"};
  ASSERT_TRUE(deliver("bob", numbered(1)));
  EXPECT_EQ(std::count(script().log.begin(), script().log.end(), "gone ann"), 0);
  disk.full = false;
  settle("cid");
  answer_all();
  EXPECT_EQ(subject->counters().resident, 1U);
}

TEST_F(Home, FindsTheOnesWhoMayLeaveHoweverManyMayNot) {
  home_config config;
  config.resident_limit = 500;
  config.loads_in_flight = 2;
  make(config);
  for (int i = 0; i < 499; ++i) {
    const std::string name = "talking" + std::to_string(i);
    script().busy.insert(name);
    settle(name);
  }
  for (int i = 0; i < 300; ++i) settle("caller" + std::to_string(i));
  EXPECT_EQ(subject->counters().residents_refused, 0U);
  EXPECT_LE(subject->counters().resident, 502U);
}

TEST_F(Home, TakesNewcomersAgainAsSoonAsOneOfAFullDirectoryIsAtRest) {
  home_config config;
  config.resident_limit = 3;
  config.loads_in_flight = 1;
  make(config);
  script().busy = {"ann", "bob", "cid", "dan"};
  for (const char* name : {"ann", "bob", "cid", "dan"}) settle(name);
  EXPECT_FALSE(deliver("eve", numbered(1)));
  EXPECT_FALSE(deliver("eve", numbered(1)));
  EXPECT_EQ(subject->counters().residents_refused, 2U);
  script().busy.erase("bob");
  deliver("bob", numbered(2));  // its call ends with this
  EXPECT_EQ(script().log.back(), "gone bob");
  EXPECT_TRUE(deliver("eve", numbered(1)));
  answer_all();
  EXPECT_EQ(script().log.back(), "gone eve");  // nobody else can
}

TEST_F(Home, BoundsWhatResidentsHoldNotOnlyTheirNumber) {
  home_config config;
  config.resident_bytes = 1'000'000;
  make(config);
  for (int i = 0; i < 100; ++i) {
    const std::string name = "fat" + std::to_string(i);
    script().bytes[name] = 300'000;
    settle(name);
    EXPECT_LE(subject->counters().resident_bytes, 1'300'000U);
  }
  EXPECT_EQ(subject->counters().resident, 3U);
  EXPECT_EQ(subject->counters().bytes_refused, 0U);

  script().bytes["fat99"] = 200;  // its contacts went
  deliver("fat99", numbered(1));
  EXPECT_LE(subject->counters().resident_bytes, 601'000U);
  EXPECT_EQ(subject->retire_idle(now), 0U);
  EXPECT_EQ(subject->counters().resident_bytes, 0U);
}

TEST_F(Home, LetsTheIdleLeaveAtTheBoundButNeverTheBusy) {
  home_config config;
  config.resident_limit = 3;
  config.loads_in_flight = 1;
  make(config);
  script().busy = {"ann", "bob"};
  settle("ann");
  settle("bob");
  settle("cid");
  settle("dan");
  EXPECT_EQ(subject->counters().resident, 3U);
  EXPECT_EQ(std::count(script().log.begin(), script().log.end(), "gone cid"), 1);

  script().busy.insert("dan");
  script().busy.insert("eli");
  settle("eli");  // stands over the bound, as who waits for a write
  EXPECT_FALSE(deliver("eve", numbered(1)));
  EXPECT_EQ(subject->counters().residents_refused, 1U);

  script().busy.clear();
  deliver("ann", numbered(9));  // and is at rest
  EXPECT_TRUE(deliver("eve", numbered(1)));
  EXPECT_EQ(subject->counters().resident, 3U);
}

TEST_F(Home, PrefersWhoWasNotHeardOfForLong) {
  home_config config;
  config.resident_limit = 40;
  make(config);
  for (int i = 0; i < 40; ++i) settle("user" + std::to_string(i));
  // The first newcomer finds everybody used and clears the marks; then only user7 stays in use.
  settle("first");
  for (int i = 0; i < 20; ++i) {
    deliver("user7", numbered(1));
    settle("late" + std::to_string(i));
  }
  EXPECT_EQ(std::count(script().log.begin(), script().log.end(), "gone user7"), 0);
  EXPECT_EQ(subject->counters().resident, 40U);
}

TEST_F(Home, ReadsWhatWasWrittenBeforeItLeft) {
  home_config config;
  config.resident_limit = 1;
  make(config);
  script().apply = [](const std::string&, const subscriber_event&, effects& out) {
    out.push_back(write{store_token{}, put_bindings{"new"}});
  };
  disk.bindings["ann"] = "old";
  ASSERT_TRUE(deliver("ann", numbered(1)));
  answer();                              // the load; the write waits in the store's queue
  ASSERT_TRUE(deliver("bob", numbered(1)));  // puts ann away
  ASSERT_EQ(disk.queue.size(), 2U);
  answer();  // ann's write
  answer();  // bob's load
  ASSERT_TRUE(deliver("ann", numbered(2)));
  answer_all();
  EXPECT_EQ(std::count(script().log.begin(), script().log.end(), "made ann from 'new'"), 1);
}

TEST_F(Home, ForgetsAStrangerAtOnce) {
  make();
  script().unknown = {"mallory"};
  settle("mallory");
  EXPECT_EQ(script().log, (lines{"made mallory", "mallory: push 0", "gone mallory"}));
  EXPECT_EQ(subject->counters().resident, 0U);
}

TEST_F(Home, Answers503AndForgetsNothingWhenTheRecordCannotBeRead) {
  make();
  ASSERT_NE(request("REGISTER"), nullptr);
  disk.bindings["ann"] = "a phone";
  ASSERT_TRUE(deliver("ann", register_received{request("REGISTER"), {}}));
  ASSERT_TRUE(deliver("ann", request_received{request("INVITE"), {shard_id{0}, 4, 2}, {}, peer_trust::open}));
  ASSERT_TRUE(deliver("ann", numbered(1)));
  answer(false);
  EXPECT_TRUE(script().log.empty());
  EXPECT_EQ(subject->counters().load_failures, 1U);
  EXPECT_EQ(subject->counters().resident, 0U);
  ASSERT_EQ(outlet.done.size(), 2U);
  const auto& to_phone = std::get<send>(outlet.done[0].second);
  EXPECT_EQ(to_phone.status, 503);
  EXPECT_NE(to_phone.packet.view().find("Retry-After: "), std::string_view::npos);
  const auto& to_caller = std::get<respond>(outlet.done[1].second);
  EXPECT_EQ(to_caller.status, 503);
  EXPECT_EQ(to_caller.transaction.index, 4U);

  settle("ann");
  EXPECT_EQ(script().log.front(), "made ann from 'a phone'");
}

TEST_F(Home, IgnoresAnswersOfTheStoreThatNobodyWaitsFor) {
  make();
  subject->on_loaded(key_of("ann"), aor("ann"), store_token{9}, std::optional<subscriber_record>{}, now);
  ASSERT_TRUE(deliver("ann", numbered(1)));
  subject->on_loaded(key_of("ann"), aor("ann"), store_token{77}, std::optional<subscriber_record>{}, now);
  EXPECT_TRUE(script().log.empty());
  answer();
  EXPECT_EQ(script().log.size(), 2U);
  subject->on_written(key_of("bob"), aor("bob"), store_token{1}, true, now);
}

TEST_F(Home, TellsASubscriberThatItsWriteWasRefused) {
  make();
  settle("ann");
  script().apply = [](const std::string&, const subscriber_event& e, effects& out) {
    if (std::holds_alternative<push_answered>(e)) {
      out.push_back(write{store_token{5}, put_bindings{"x"}});
      out.push_back(write{store_token{0}, put_bindings{"y"}});
    }
  };
  disk.full = true;
  deliver("ann", numbered(1));
  EXPECT_EQ(script().log.back(), "ann: written 5 failed");
  EXPECT_EQ(subject->counters().writes_refused, 2U);
}

TEST_F(Home, FiresTimersInOrderAndOnlyThoseThatStillStand) {
  make();
  settle("ann");
  const auto timer = [](std::uint32_t n) { return timer_key{timer_kind::timer_c, {n, 0}}; };
  script().apply = [&](const std::string&, const subscriber_event& e, effects& out) {
    if (!std::holds_alternative<push_answered>(e)) return;
    out.push_back(set_timer{timer(1), now.steady + milliseconds(300)});
    out.push_back(set_timer{timer(2), now.steady + milliseconds(100)});
    out.push_back(set_timer{timer(3), now.steady + milliseconds(200)});
    out.push_back(clear_timer{timer(3)});
    out.push_back(clear_timer{timer(9)});
    out.push_back(set_timer{timer(2), now.steady + milliseconds(400)});  // moved
  };
  deliver("ann", numbered(1));
  EXPECT_EQ(subject->counters().timers, 2U);
  ASSERT_TRUE(subject->next_due().has_value());
  const std::size_t before = script().log.size();
  while (subject->next_due()) {
    now.steady = *subject->next_due();
    subject->on_timer(now);
  }
  EXPECT_EQ(lines(script().log.begin() + static_cast<std::ptrdiff_t>(before), script().log.end()),
            (lines{"ann: timer 1", "ann: timer 2"}));
}

TEST_F(Home, TakesADeliveryAskedForFromInsideAfterTheEventIsDone) {
  make();
  settle("ann");
  settle("bob");
  script().apply = [](const std::string& name, const subscriber_event& e, effects& out) {
    if (name == "ann" && text_of(e) == "push 1") {
      out.push_back(cancel_branch{{1, 1}, ""});
      out.push_back(cancel_branch{{1, 2}, ""});
    }
  };
  outlet.on_perform = [&](aor_key key, const effect& e) {
    if (std::get<cancel_branch>(e).branch.branch == 1) {
      EXPECT_TRUE(subject->deliver_if_resident(key, numbered(8), now));
      EXPECT_TRUE(subject->deliver(key_of("bob"), "bob", numbered(9), now));
    }
    script().log.push_back("performed");
  };
  script().log.clear();
  deliver("ann", numbered(1));
  EXPECT_EQ(script().log, (lines{"ann: push 1", "performed", "performed", "ann: push 8", "bob: push 9"}));
}

TEST_F(Home, KeepsExceptionsInsideAndAnswersWhoAsked) {
  make();
  settle("ann");
  script().apply = [](const std::string&, const subscriber_event&, effects& out) {
    out.push_back(cancel_branch{{1, 1}, ""});
    throw std::runtime_error("a bug");
  };
  EXPECT_TRUE(deliver("ann", register_received{request("REGISTER"), {}}));
  EXPECT_EQ(subject->counters().handler_failures, 1U);
  ASSERT_EQ(outlet.done.size(), 1U);
  EXPECT_EQ(std::get<send>(outlet.done[0].second).status, 503);
}

TEST_F(Home, NeverMixesTwoAorsOfOneKey) {
  make();
  settle("ann");
  EXPECT_FALSE(subject->deliver(key_of("ann"), "twin", numbered(1), now));
  EXPECT_EQ(subject->counters().collisions, 1U);
  EXPECT_EQ(script().log.back(), "ann: push 0");
}

TEST_F(Home, DropsWhatOnlyAResidentCouldUse) {
  make();
  EXPECT_FALSE(subject->deliver_if_resident(key_of("ann"), numbered(1), now));
  EXPECT_TRUE(disk.queue.empty());
}

TEST_F(Home, TellsTheEntranceWhoIsAwaited) {
  make();
  EXPECT_EQ(subject->standing(key_of("ann")), subscriber_standing::absent);
  settle("ann");
  EXPECT_EQ(subject->standing(key_of("ann")), subscriber_standing::resident);
  script().awaited = {"ann"};
  EXPECT_EQ(subject->standing(key_of("ann")), subscriber_standing::awaited);
  script().awaited.clear();
}

TEST_F(Home, LetsEverybodyIdleLeaveWhenAsked) {
  make();
  script().busy = {"ann"};
  settle("ann");
  settle("bob");
  EXPECT_EQ(subject->retire_idle(now), 1U);
  EXPECT_EQ(subject->counters().left, 1U);
}

TEST_F(Home, BehavesTheSameTwice) {
  const auto run = [&] {
    script() = {};
    home_config config;
    config.resident_limit = 50;
    disk = {};
    make(config);
    seeded_random dice(3);
    for (int i = 0; i < 2000; ++i) {
      deliver("user" + std::to_string(dice.below(200)), numbered(static_cast<std::uint32_t>(i)));
      if (dice.below(3) == 0) answer_all();
    }
    subject.reset();
    return script().log;
  };
  const lines first = run();
  EXPECT_EQ(first, run());
}

}  // namespace
}  // namespace reveille
