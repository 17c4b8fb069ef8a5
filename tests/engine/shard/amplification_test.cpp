// Octets out over octets in, for sources that have answered nothing of ours: a shard with real subscribers, its store and
// its timers (SPEC 2.4b, 2.4c).
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "actors/runtime/actor_host.hpp"
#include "actors/runtime/home.hpp"
#include "actors/subscriber_config.hpp"
#include "engine/store/memory_store.hpp"
#include "tests/engine/shard/lone_shard.hpp"
#include "tests/engine/shard/shard_bench.hpp"

namespace reveille {
namespace {

const endpoint victim = at("203.0.113.9:5060");
const endpoint stranger = at("198.51.100.66:6666");

/// Counts what goes to whom, and keeps it.
class counting_wire final : public shard_outlet {
 public:
  bool transmit(const flow& to, const sip::packet& packet) override {
    octets[to.remote] += packet.view().size();
    texts.emplace_back(packet.view());
    return true;
  }
  bool hand_over_to(shard_id, hand_over&&) override { return true; }
  std::map<endpoint, std::size_t> octets;
  std::vector<std::string> texts;
};

class Amplification : public ::testing::Test, public store_answers {
 protected:
  Amplification() {
    disk_.answer_to(shard_id{0}, *this);
    shard_ports ports{wire_, pushes_, random_, pool_, [this](home_outlet& out, const instant& start) {
                        return std::make_unique<home>(actors_, home_config{}, around_, disk_, out, start.steady);
                      }};
    shard_ = std::make_unique<shard>(shard_id{0}, config_, ports, now_);
  }

  void loaded(aor_key key, const aor& of, store_token token, result<std::optional<subscriber_record>> record) override {
    shard_->on_loaded(key, of, token, std::move(record), now_);
  }
  void written(aor_key key, const aor& of, store_token token, bool ok) override {
    shard_->on_written(key, of, token, ok, now_);
  }

  /// A datagram that says it comes from there, and all that follows in the next minute. @return its octets.
  std::size_t arrive(const std::string& text, const endpoint& from, nanoseconds then = seconds(60)) {
    const std::string octets = sip::with_crlf(text);
    slab_ptr slab = pool_.take(octets.size() + sip::message::index_room);
    octets.copy(slab->data(), octets.size());
    flow f;
    f.remote = from;
    f.local = config_.listeners.front().address;
    shard_->on_datagram(std::move(slab), octets.size(), f, now_);
    const steady_time end = now_.steady + then;
    for (;;) {
      disk_.complete_all();
      const auto due = shard_->next_due();
      if (!due || *due > end) break;
      if (*due > now_.steady) now_ = now_ + (*due - now_.steady);
      shard_->on_timer(now_);
    }
    now_ = now_ + (end - now_.steady);
    return octets.size();
  }

  static std::string request(std::string_view method, std::string_view lines, int number) {
    const bool registers = method == "REGISTER";
    const std::string n = std::to_string(number);
    return std::string(method) + (registers ? " sip:example.com" : " sip:103@example.com") +
           " SIP/2.0\nVia: SIP/2.0/UDP h;rport;branch=z9hG4bK" + n + "\nFrom: <sip:103@example.com>;tag=a" +
           "\nTo: <sip:103@example.com>\nCall-ID: " + std::string(method) + n + "\nCSeq: 1 " + std::string(method) +
           "\nMax-Forwards: 70\n" + std::string(lines) + "Content-Length: 0\n\n";
  }
  static std::string contacts(int count, std::size_t more) {
    std::string out = "Contact: ";
    for (int i = 0; i < count; ++i) {
      out += (i > 0 ? ", " : "") + ("<sip:103@203.0.113.9:" + std::to_string(5000 + i) + ">;x=") + std::string(more, 'x');
    }
    return out + "\n";
  }
  std::size_t to(const endpoint& where) { return wire_.octets[where]; }

  instant now_ = noon;
  seeded_random random_{3};
  slab_pool pool_;
  subscriber_config settings_;
  shard_config config_ = lone_shard();
  shard_context around_{settings_, pool_, random_, shard_id{0}, 7};
  silent_gateway pushes_;
  counting_wire wire_;
  memory_store disk_;
  actor_host actors_{actor_scheduling::stepped};
  std::unique_ptr<shard> shard_;
};

TEST_F(Amplification, AFetchReturnsAtMostThreeTimesItsOctets) {
  arrive(request("REGISTER", contacts(12, 500), 1), at("10.0.0.1:5060"));
  const std::size_t in = arrive(request("REGISTER", "", 2), victim);
  EXPECT_GT(to(victim), 0u);
  EXPECT_LE(to(victim), 3 * in);
}

TEST_F(Amplification, ARegisterReturnsAtMostThreeTimesItsOctets) {
  arrive(request("REGISTER", contacts(11, 500), 1), at("10.0.0.1:5060"));
  const std::size_t in = arrive(request("REGISTER", "Contact: <sip:103@203.0.113.9>\n", 2), victim);
  EXPECT_LE(to(victim), 3 * in);
}

TEST_F(Amplification, AMessageToContactsOfASpoofedRegisterIsFourCopiesOfOne) {
  arrive(request("REGISTER", contacts(12, 0), 1), victim);
  wire_.octets.clear();
  std::size_t in = 0;
  for (int n = 0; n < 10; ++n) in += arrive(request("MESSAGE", "", 100 + n), stranger);
  EXPECT_GT(to(victim), 0u);
  EXPECT_LE(to(victim), 7 * in) << "137 times, once";
  RecordProperty("ratio", std::to_string(static_cast<double>(to(victim)) / static_cast<double>(in)));
}

TEST_F(Amplification, AnInviteToContactsOfASpoofedRegisterIsFourCopiesOfOne) {
  arrive(request("REGISTER", contacts(12, 0), 1), victim);
  wire_.octets.clear();
  const std::size_t in = arrive(request("INVITE", "Contact: <sip:102@198.51.100.66>\n", 2), stranger);
  EXPECT_GT(to(victim), 0u);
  EXPECT_LE(to(victim), 10 * in);
}

TEST_F(Amplification, OneMoreSpoofedRegisterReleasesOneInvite) {
  std::string sleepers = "Contact: ";
  for (int i = 0; i < 12; ++i) {
    sleepers += (i > 0 ? ", " : "") + ("<sip:103@203.0.113.9:" + std::to_string(5000 + i) + ";pn-provider=fcm;pn-param=p;pn-prid=t") +
                std::to_string(i) + ">";
  }
  arrive(request("REGISTER", sleepers + "\n", 1), victim);
  wire_.octets.clear();
  std::size_t in = arrive(request("INVITE", "Contact: <sip:102@198.51.100.66>\n", 2), stranger, seconds(1));
  in += arrive(request("REGISTER", sleepers + "\n", 3), victim);
  EXPECT_GT(to(victim), 0u);
  EXPECT_LE(to(victim), 4 * in);
}

TEST_F(Amplification, APhoneThatHasAnsweredGetsAllRepetitions) {
  arrive(request("REGISTER", contacts(1, 0), 1), victim);
  arrive(request("MESSAGE", "", 2), stranger, milliseconds(10));
  arrive(answer_text(*sip::make_message(wire_.texts.back()), 200), victim);
  wire_.texts.clear();
  arrive(request("MESSAGE", "", 3), stranger);
  const auto copies = std::count_if(wire_.texts.begin(), wire_.texts.end(),
                                    [](const std::string& text) { return text.starts_with("MESSAGE "); });
  EXPECT_EQ(copies, 11) << "RFC 3261 17.1.2.2";
}

}  // namespace
}  // namespace reveille
