/// Shards without threads: in-memory datagrams, hand-overs in a queue, a clock that only the test moves, and
/// subscribers of the simplest kind in the place of the real home.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/shard/shard.hpp"
#include "engine/shard/shard_config.hpp"
#include "engine/shard/shard_counters.hpp"
#include "tests/sip/make_message.hpp"

namespace reveille {

inline endpoint at(std::string_view text) { return *parse_endpoint(text); }
inline const instant noon{steady_time{std::chrono::hours(12)}, wall_time{std::chrono::hours(12)}};

/// Registers contacts, forwards to the newest one, passes responses up. No push, no forking, no state that is kept.
class simple_subscribers final : public subscribers {
 public:
  simple_subscribers(home_outlet& out, slab_pool& pool) : out_(out), pool_(pool) {}

  bool deliver(aor_key key, std::string_view name, subscriber_event&& event, const instant& now) override;
  bool deliver_if_resident(aor_key key, subscriber_event&& event, const instant& now) override;
  void prefetch(aor_key) const override {}
  subscriber_standing standing(aor_key key) const override {
    return awaited.contains(key) ? subscriber_standing::awaited
           : names.contains(key) ? subscriber_standing::resident
                                 : subscriber_standing::absent;
  }
  void on_loaded(aor_key, const aor&, store_token, result<std::optional<subscriber_record>>&&,
                 const instant&) override {}
  void on_written(aor_key, const aor&, store_token, bool, const instant&) override {}
  void on_timer(const instant&) override {}
  std::optional<steady_time> next_due() const override { return std::nullopt; }

  void perform(aor_key key, effect what, const instant& now) { out_.perform(key, std::move(what), now); }

  std::vector<std::string> log;          ///< "register 103@example.com", "request INVITE", "cancel", "response 180" ...
  std::map<aor_key, std::string> names;
  std::map<aor_key, bool> awaited;
  bool full = false;                     ///< refuses everything
  bool forwards = true;                  ///< false: requests only wait
  std::string path;                      ///< Route of what is forwarded
  forward::cause why = forward::cause::request;   ///< of what is forwarded
  server_transaction_id last_transaction;
  std::uint32_t adopted = 0;             ///< call of the last invite_adopted
  server_transaction_id adopted_by;
  branch_id last_branch;
  aor_key last_key;
  sip::message_ptr last_request;
  flow last_source;

 private:
  void handle(aor_key key, subscriber_event& event, const instant& now);

  struct contact {
    std::string uri;
    flow by;
  };
  home_outlet& out_;
  slab_pool& pool_;
  std::map<aor_key, contact> contacts_;
  std::map<branch_id, request_received> calls_;
  std::uint32_t next_call_ = 1;
};

class shard_bench : public shard_outlet, public push_gateway {
 public:
  struct sent {
    flow to;
    std::string text;
    std::string line() const { return text.substr(0, text.find("\r\n")); }
    sip::message_ptr message() const { return sip::make_message(text); }
  };

  explicit shard_bench(std::uint16_t shards = 2, std::function<void(shard_config&)> change = {},
                       slab_pool& pool = sip::test_pool());

  /// A datagram from 192.0.2.1:`port`, text with bare line feeds; runs all hand-overs.
  void arrive(std::string_view text, std::uint16_t port, std::uint16_t to_shard = 0);
  /// The same from any address.
  void arrive_from(const endpoint& sender, std::string_view text, std::uint16_t to_shard = 0);
  /// As one system call brings them.
  void arrive_together(const std::vector<std::string>& octets, std::uint16_t port, std::uint16_t to_shard = 0);
  void arrive_octets(std::string_view octets, std::uint16_t port, std::uint16_t to_shard = 0);
  void pass(nanoseconds by, nanoseconds step = milliseconds(10));
  /// What was sent since the last call.
  std::vector<sent> take();
  std::vector<std::string> take_lines();
  sent only();   ///< take() when it must be one
  std::uint64_t sum(slot shard_counters::*which) const;
  std::uint64_t drops(drop_reason why) const;
  std::uint64_t refusals(refusal why) const;
  std::uint64_t branches_refused(sip::lack why) const;
  simple_subscribers& home_of_user(std::string_view user);
  std::uint16_t home_index(std::string_view user) const;
  std::vector<std::string> logs() const;

  static endpoint phone(std::uint16_t port) { return at("192.0.2.1:" + std::to_string(port)); }

  // shard_outlet
  bool transmit(const flow& to, const sip::packet& packet) override;
  bool hand_over_to(shard_id to, hand_over&& what) override;
  // push_gateway
  bool submit(pns::push_order order) override;
  void withdraw(pns::push_id) override {}

  shard_config config;
  instant now = noon;
  seeded_random random{42};
  std::vector<std::unique_ptr<shard>> shards;
  std::vector<simple_subscribers*> homes;
  bool broken = false;        ///< the transport refuses
  std::uint16_t refused_port = 0;   ///< ... only what goes there
  bool push_full = false;
  std::size_t inbox_limit = 1 << 16;   ///< of what is on the way between shards
  std::size_t handed = 0;

 private:
  arrived datagram(std::string_view octets, std::uint16_t port) const;
  void run_hand_overs();

  std::vector<sent> sent_;
  std::deque<std::pair<shard_id, hand_over>> on_the_way_;
};

// --- messages -------------------------------------------------------------------------------------------------------

struct request_text {
  std::string_view method = "INVITE";
  std::string uri = "sip:103@example.com";
  std::string branch = "z9hG4bKa1";
  std::uint16_t port = 5080;           ///< of the sender, in its Via and Contact
  std::string from = "102";
  std::string from_tag = "f1";
  std::string to = "103";
  std::string to_tag = {};
  std::string call_id = "call-1";
  std::uint32_t cseq = 1;
  std::string extra = {};              ///< lines, each with \n
  std::string more_vias = {};          ///< lines under the first Via
  bool rport = true;                   ///< asked for in its Via
  int max_forwards = 70;
  std::string text() const;
};

/// REGISTER of `user` from 192.0.2.1:`port`.
std::string register_text(std::string_view user, std::uint16_t port, std::string_view extra = {});
/// A phone's response to a request it got: Vias, Record-Route, From, To, Call-ID, CSeq copied.
std::string answer_text(const sip::message& request, int status, std::string_view to_tag = "t1",
                        std::string_view extra = {});
/// Values of one header in order, elements apart.
std::vector<std::string> values(const sip::message& m, sip::header h);

}  // namespace reveille
