// The hot path takes nothing from the heap: a REGISTER that refreshes, from datagram to answer.
#include "tests/core/allocation_counter.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "actors/runtime/actor_host.hpp"
#include "actors/runtime/home.hpp"
#include "actors/subscriber.hpp"
#include "actors/subscriber_config.hpp"
#include "engine/shard/shard.hpp"
#include "engine/shard/shard_config.hpp"
#include "engine/shard/shard_counters.hpp"
#include "tests/engine/shard/lone_shard.hpp"
#include "tests/sip/make_message.hpp"

namespace reveille {
namespace {

constexpr int warm_up = 8;    ///< the first ones fill the pools and grow what is reused
constexpr int refreshes = 64;

struct contact_case {
  const char* name;
  const char* contact;
};
constexpr contact_case contacts[] = {
    {"Voip", "<sip:103@10.0.0.1:5060;pn-provider=apns;pn-param=DEF123GHIJ.com.example.app.voip;"
             "pn-prid=aa11aa11aa11aa11aa11aa11aa11aa11aa11aa11aa11aa11aa11aa11aa11aa11>;+sip.instance=\"<urn:uuid:1>\""},
    {"Android", "<sip:103@10.0.0.1:5060;pn-provider=fcm;pn-param=project-1;"
                "pn-prid=fcm-token-that-is-much-longer-than-any-short-string:APA91b>"},
};

/// The same client again and again: one Call-ID, CSeq counts up, the branch is new.
std::string refresh(const char* contact, int n) {
  return sip::with_crlf("REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK" +
                        std::to_string(100 + n) +
                        ";rport\nMax-Forwards: 70\nFrom: <sip:103@example.com>;tag=r\nTo: <sip:103@example.com>\n"
                        "Call-ID: one-and-the-same@10.0.0.1\nCSeq: " +
                        std::to_string(100 + n) + " REGISTER\nContact: " + contact +
                        "\nExpires: 3600\nSupported: path, outbound\nUser-Agent: Test phone 1.0\nContent-Length: 0\n\n");
}

flow phone() {
  flow f;
  f.remote = *parse_endpoint("10.0.0.1:5060");
  f.local = *parse_endpoint("192.0.2.1:5060");
  return f;
}

class RegisterRefresh : public ::testing::TestWithParam<contact_case> {
 protected:
  instant now{steady_time(seconds(1000)), wall_time(seconds(1'700'000'000))};
  seeded_random random{1};
  subscriber_config settings;
};

TEST_P(RegisterRefresh, TakesNothingInTheSubscriber) {
  const shard_context around{settings, sip::test_pool(), random, shard_id{0}};
  subscriber subject(around, aor_key{42}, aor("103@example.com"), nullptr, now);
  effects out;
  int answered = 0;
  std::uint64_t taken = 0;
  for (int n = 0; n < warm_up + refreshes; ++n) {
    register_received e;
    e.request = sip::parse_octets(refresh(GetParam().contact, n)).value();
    e.source = phone();
    const subscriber_event event = std::move(e);
    now = now + seconds(1);
    std::vector<store_token> written;
    {
      const std::uint64_t before = heap_allocations();
      out.clear();
      subject.apply(event, now, out);
      if (n >= warm_up) taken += heap_allocations() - before;
    }
    const auto look = [&] {
      for (const effect& one : out) {
        if (const auto* s = std::get_if<send>(&one)) answered += s->status == 200 ? 1 : 0;
        if (const auto* w = std::get_if<write>(&one); w && w->token.value != 0) written.push_back(w->token);
      }
    };
    look();
    while (!written.empty()) {
      const write_finished done{written.back(), true};
      written.pop_back();
      out.clear();
      subject.apply(done, now, out);
      look();
    }
  }
  EXPECT_EQ(answered, warm_up + refreshes);
  EXPECT_EQ(taken, 0U) << "in " << refreshes << " refreshes";
}

/// Answers loads with "nothing there" and writes with "done", when asked to.
class patient_store final : public store {
 public:
  struct asked {
    aor_key key;
    aor of;
    store_token token;
    bool load;
  };
  bool try_load(shard_id, aor_key key, const aor& of, store_token token) override {
    queue.push_back({key, of, token, true});
    return true;
  }
  bool try_write(shard_id, aor_key key, const aor& of, store_mutation, store_token token) override {
    queue.push_back({key, of, token, false});
    return true;
  }
  std::vector<asked> queue;
};

TEST_P(RegisterRefresh, TakesNothingFromDatagramToAnswer) {
  shard_config config = lone_shard();
  config.limits.server_transactions = 1000;
  config.limits.client_transactions = 1000;
  actor_host host{actor_scheduling::stepped};
  patient_store disk;
  silent_gateway pushes;
  counting_outlet out;
  shard subject(shard_id{0}, config,
                {out, pushes, random, sip::test_pool(),
                 [&](home_outlet& outlet, const instant& start) {
                   return std::make_unique<home>(host, home_config{},
                                                 shard_context{settings, sip::test_pool(), random, shard_id{0}}, disk,
                                                 outlet, start.steady);
                 }},
                now);
  std::uint64_t taken = 0;
  for (int n = 0; n < warm_up + refreshes; ++n) {
    const std::string text = refresh(GetParam().contact, n);
    slab_ptr bytes = sip::test_pool().take(text.size() + sip::message::index_room);
    std::memcpy(bytes->data(), text.data(), text.size());
    now = now + milliseconds(100);
    const flow from = phone();
    const std::uint64_t before = heap_allocations();
    subject.on_datagram(std::move(bytes), text.size(), from, now);
    if (n >= warm_up) taken += heap_allocations() - before;
    for (const patient_store::asked& a : std::exchange(disk.queue, {})) {
      if (a.load) {
        subject.on_loaded(a.key, a.of, a.token, std::optional<subscriber_record>(), now);
      } else if (a.token.value != 0) {
        subject.on_written(a.key, a.of, a.token, true, now);
      }
    }
    while (!disk.queue.empty()) {  // what the load has set free may write
      const patient_store::asked a = disk.queue.back();
      disk.queue.pop_back();
      if (a.token.value != 0) subject.on_written(a.key, a.of, a.token, true, now);
    }
    subject.on_timer(now);
  }
  EXPECT_EQ(out.granted, std::uint64_t{warm_up + refreshes});
  EXPECT_EQ(taken, 0U) << "in " << refreshes << " refreshes";
}

// A binding without push is durable (ARCHITECTURE 3): each refresh of it is a write, whose octets are the store's to keep.
INSTANTIATE_TEST_SUITE_P(Push, RegisterRefresh, ::testing::Values(contacts[0], contacts[1]),
                         [](const auto& of) { return std::string(of.param.name); });

}  // namespace
}  // namespace reveille
