/// One subscriber on a table: literals go in, its effects come out as text, the clock moves when told.
///
/// Text of effects, joined by "; ": `send 200`, `respond 480`, `forward b1 sip:... [via R]`, `cancel b1 [reason]`, `resend b1`,
/// `write bindings`, `write entry`, `write over`, `write remove-entry`, `write remove-parked`, `push apns invite`,
/// `push fcm missed 2`, `withdraw p1`, `adopt`, `claim aa11`, `timer answer_deadline +30000`, `clear answer_deadline`. Notes go to notes().
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actors/subscriber.hpp"
#include "actors/subscriber_config.hpp"
#include "tests/sip/make_message.hpp"

namespace reveille {

/// How the fixture's store behaves.
enum class store_manner { instant, silent };

inline bool has(const std::string& text, std::string_view what) { return text.find(what) != std::string::npos; }

struct register_options {
  std::string call_id = "phone-1";
  std::uint32_t cseq = 1;
  std::string branch{};            ///< "" = made from Call-ID and CSeq
  std::string from{};              ///< "" = the address that the first Contact says, 10.0.0.1:5060 where it has none
  std::string expires = "3600";
  std::string lines{};             ///< more header lines, each with \n
  peer_trust trust = peer_trust::open;
};

class SubscriberTest : public ::testing::Test {
 protected:
  static constexpr std::string_view token_a = "aa11aa11aa11aa11aa11aa11aa11aa11aa11aa11aa11aa11aa11aa11aa11aa11";
  static constexpr std::string_view token_b = "bb22bb22bb22bb22bb22bb22bb22bb22bb22bb22bb22bb22bb22bb22bb22bb22";

  SubscriberTest() { start(nullptr); }

  /// A new process: nothing but the record is left of the one before.
  void start(const subscriber_record* record);
  /// The subscriber left memory and is read again by the same process.
  void reload();

  /// Contact of an iPhone with a voip token; `host` is its address.
  static std::string iphone(std::string_view host = "10.0.0.1:5060", std::string_view token = token_a,
                            std::string_view more = {});
  static std::string android(std::string_view host = "10.0.0.2:5060", std::string_view token = "fcm-token-1",
                             std::string_view more = {});
  static std::string desk(std::string_view host = "10.0.0.9:5060", std::string_view more = {});

  std::string register_(const std::string& contact, const register_options& o = {});
  /// Registers with a fresh CSeq and Call-ID of its own, so that order never stands in the way.
  std::string wake(const std::string& contact, std::string_view from);
  std::string invite(std::string_view call_id = "call-1", std::string_view lines = {},
                     std::string_view from = "sip:101@example.com", peer_trust trust = peer_trust::open);
  /// The next invite() is a repetition of the last: same branch.
  void transaction_repeats() { --transactions_; }
  std::string message(std::string_view call_id = "msg-1");
  /// The shard has made the newest adoption's server transaction, number `transaction`.
  std::string adopted(std::uint32_t transaction);
  std::string cancel(std::uint32_t transaction = 1, std::string_view lines = {});
  /// A response of a phone on branch number `branch` of the newest call.
  std::string response(std::uint32_t branch, int status, std::string_view lines = {}, std::string_view tag = "phone");
  std::string fail(std::uint32_t branch, branch_failed::why cause);
  std::string push_answer(std::size_t push, pns::push_outcome outcome);
  std::string written(std::size_t write, bool ok = true);
  /// Moves the clock, firing timers as they fall due.
  std::string pass(milliseconds time);

  std::string apply(const subscriber_event& event);

  const std::vector<std::string>& notes() const { return notes_; }
  bool noted(std::string_view what) const;
  std::size_t count(std::string_view text, std::string_view what) const;
  /// Octets of the last response that went out, and of the packet of that status.
  const std::string& last_packet() const { return last_packet_; }
  const std::vector<pns::push_order>& pushes() const { return pushes_; }
  const std::vector<store_mutation>& writes() const { return mutations_; }
  const std::vector<forward>& forwards() const { return forwards_; }
  const std::vector<adopt_invite>& adoptions() const { return adoptions_; }
  const std::vector<claim_token>& claims() const { return claims_; }
  /// What the store would give back now.
  subscriber_record stored() const;
  std::size_t timers() const { return timers_.size(); }

  std::string caller_ = "198.51.100.1:5060";   ///< where invite() comes from
  stored_aors* stored_ = nullptr;              ///< of the next start()
  subscriber_config config_;
  seeded_random random_{1};
  store_manner store_ = store_manner::instant;
  instant now_{steady_time(std::chrono::hours(1)), wall_time(seconds(1'700'000'000))};
  std::unique_ptr<subscriber> subscriber_;
  flow last_flow_;

 private:
  std::string describe(const effect& e);
  void keep_written(const store_mutation& m);

  std::unique_ptr<shard_context> around_;
  std::uint64_t process_ = 0;
  std::map<timer_key, steady_time> timers_;
  std::vector<std::string> notes_;
  std::vector<pns::push_order> pushes_;
  std::vector<store_mutation> mutations_;
  std::vector<store_token> tokens_;
  std::vector<forward> forwards_;
  std::vector<adopt_invite> adoptions_;
  std::vector<claim_token> claims_;
  std::string last_packet_;
  subscriber_record record_;
  std::uint32_t newest_call_ = 0;
  std::uint32_t transactions_ = 0;
  std::uint32_t wakes_ = 0;
};

const char* name_of(trace_step s);
const char* name_of(timer_kind k);

}  // namespace reveille
