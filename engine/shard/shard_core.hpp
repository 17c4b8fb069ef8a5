/// Inside of shard: one class whose functions are spread over files by topic, as a request meets them.
///
///   shard.cpp        the public face, timers, counters, what is deferred
///   intake.cpp       datagrams and hand-overs, down to "which transaction, which subscriber"
///   registering.cpp  REGISTER (RFC 3261 10.3 steps 1 to 5), OPTIONS to us
///   in_dialog.cpp    requests that follow our Record-Route, without state (RFC 3261 16.11)
///   responses.cpp    responses: to a client transaction, another shard, or back without state
///   performing.cpp   what subscribers want done
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/timer_wheel.hpp"
#include "engine/shard/admission.hpp"
#include "engine/shard/branch.hpp"
#include "engine/shard/flow_token.hpp"
#include "engine/shard/shard.hpp"
#include "engine/shard/shard_config.hpp"
#include "engine/shard/shard_counters.hpp"
#include "engine/shard/stage_clock.hpp"
#include "engine/shard/token_owners.hpp"
#include "sip/client_transactions.hpp"
#include "sip/edit.hpp"
#include "sip/message.hpp"
#include "sip/server_transactions.hpp"

namespace reveille {

class shard::impl final : public home_outlet,
                          public sip::packet_outlet,
                          public sip::client_transactions::failure_sink {
 public:
  impl(shard_id self, const shard_config& config, const shard_ports& ports, const instant& start);

  void on_datagram(slab_ptr bytes, std::size_t size, const flow& from, const instant& now);
  void on_datagrams(std::span<arrived> all, const instant& now);
  void on_hand_over(hand_over&& what, const instant& now);
  void on_push_answer(pns::push_answer&& answer, const instant& now);
  void on_unreachable(const flow& to, const instant& now);
  void on_queue_delay(nanoseconds delay, const instant& now);
  void on_sent(const instant& now) { stages_.sent(now.steady); }
  void on_timer(const instant& now);
  std::optional<steady_time> next_due() const;
  void on_memory(memory_state now) { entrance_.shut(now == memory_state::short_of); }
  void drain() { draining_ = true; }
  bool idle() const;
  const shard_counters& counters() const { return counters_; }
  subscribers& home() { return *home_; }
  /// After whatever may have made subscribers act: what could not be answered inside perform().
  void deliver_deferred(const instant& now);

  // home_outlet
  void perform(aor_key key, effect&& what, const instant& now) override;
  // sip::packet_outlet
  bool transmit(const flow& to, const sip::packet& what) override;
  // sip::client_transactions::failure_sink
  void client_failed(const sip::client_transactions::owner& of, sip::client_transactions::failure why) override;

 private:
  /// Whether a message may still be handed to the shard that it belongs to: once only.
  enum class hops : std::uint8_t { fresh, handed_over };
  /// What the top Route says.
  struct route_head {
    enum class kind : std::uint8_t { none, foreign, ours, token, forged } what = kind::none;
    std::optional<flow_token> token;
    std::size_t elements = 0;
  };

  /// A message of a batch; of a REGISTER also whose it is, so that nothing is read or hashed twice.
  struct foreseen {
    sip::message_ptr message;
    flow from;
    sip::uri_view to;   ///< of a REGISTER; views of `message`
    std::string name;   ///< "" when it is no REGISTER, or none that can be served
    aor_key key;
  };
  static constexpr std::size_t foresight = 32;   ///< messages: their slabs and what they touch fit the second cache

  // intake.cpp
  /// Null when nothing is left to do: dropped, or refused with an answer.
  sip::message_ptr read(slab_ptr bytes, std::size_t size, const flow& from, const instant& now);
  void foresee(foreseen& f);
  void on_message(const sip::message_ptr& m, const flow& from, hops so_far, const instant& now);
  void on_request(const sip::message_ptr& m, const flow& from, hops so_far, const instant& now);
  void on_initial_request(const sip::message_ptr& m, const flow& from, std::uint64_t fingerprint, const route_head& route,
                          const instant& now);
  void on_cancel(const sip::message_ptr& m, const flow& from, std::uint64_t fingerprint, const instant& now);
  /// Names the server transaction of a request.
  std::uint64_t fingerprint_of(const sip::message& m, const flow& from) const;
  /// What was refused without a transaction comes again: the same answer.
  void refuse_again(const sip::message& m, const flow& from, int status);
  void on_ack(std::uint64_t fingerprint, const instant& now);
  void adopt(aor_key key, adopt_invite&& what, const instant& now);
  void say_trying(const sip::message& m, const flow& from, const sip::server_transactions::handle& id, const instant& now);
  void start_call(const sip::message_ptr& m, const flow& from, std::uint64_t fingerprint, const instant& now);
  void refuse_delivery(const sip::message_ptr& m, server_transaction_id transaction, const flow& from, refusal why,
                       const instant& now);
  void hand_request(shard_id to, const sip::message_ptr& m, const flow& from);
  /// @return the status of the first fault of a request line, CSeq, route and so on; 0 = none.
  int fault_of(const sip::message& m, const route_head& route, const sip::uri_view& target, bool to_us);
  route_head read_route(const sip::message& m) const;
  bool loops(const sip::message& m) const;
  std::uint32_t loop_hash(const sip::message& m) const;
  request_class class_of(sip::method m) const;
  shard_id shard_of(std::uint64_t fingerprint) const;
  peer_trust trust_of(const flow& from) const;
  bool write_request_aor(const sip::uri_view& target);
  void deliver_event(aor_key key, std::string_view name, subscriber_event&& event, const instant& now);

  // registering.cpp
  void on_register(const sip::message_ptr& m, const flow& from, const instant& now);
  void register_at_home(aor_key key, std::string_view name, register_received&& event, const instant& now);
  void answer_options(const sip::message& m, const flow& from);
  std::string unsupported(const sip::message& m, sip::header which, std::initializer_list<std::string_view> known) const;

  // in_dialog.cpp
  void forward_in_dialog(const sip::message_ptr& m, const flow& from, const flow_token& token, std::size_t routes);
  std::optional<flow> next_hop(const sip::message& m, const flow& from, const flow_token& token, std::size_t routes);
  std::optional<flow> flow_of(const flow_token::end& end) const;
  void drop_own_credentials(const sip::message& m, sip::edits& e);
  std::uint64_t upstream_hash(const sip::message& m) const;

  // responses.cpp
  void on_response(const sip::message_ptr& m, const flow& from, hops so_far, const instant& now);
  void return_stateless(const sip::message& m, const stateless_branch& branch);
  bool speaks_for(const endpoint& answering, const endpoint& asked) const;
  std::uint32_t asked_hash(const endpoint& peer) const;
  std::uint64_t sender_of(const endpoint& peer, hash_key key) const;

  // performing.cpp
  void do_forward(aor_key key, forward&& what, const instant& now);
  void do_claim(claim_token&& what);
  void do_respond(const server_transaction_id& to, int status, const sip::packet& bytes, sip::answer_kind kind,
                  const instant& now);
  bool has_room(const forward& what, sip::client_transactions::reservation& place);
  void note_it(aor_key key, const note& what, const instant& now);

  // shard.cpp
  /// A final response of the shard itself, without a transaction.
  void reply(const sip::message& m, const flow& to, int status, std::string_view extra = {});
  void refuse(const sip::message& m, const flow& to, refusal why);
  /// Into lines_, drawn so that the refused do not come back in step.
  void write_retry_after();
  std::string_view local_tag(const sip::message& m);
  void answer_stun(std::string_view datagram, const flow& from);
  void drop(drop_reason why) { counters_.drops[static_cast<std::size_t>(why)].add(); }
  void count_sent(int status);
  /// @return false when the other's inbox is full: only what has_room_for() bounds must care.
  bool hand(shard_id to, hand_over&& what);
  void publish();

  const shard_id self_;
  const shard_config& config_;
  const branch_keys branch_keys_;
  shard_ports ports_;
  own_names names_;
  shard_counters counters_;
  stage_clock stages_;
  admission entrance_;
  timer_wheel wheel_;
  sip::server_transactions servers_;
  sip::client_transactions clients_;
  token_owners tokens_;
  std::unique_ptr<subscribers> home_;   ///< last: it may perform effects until it is gone
  bool draining_ = false;

  /// A subscriber must not be called from inside perform(): what it must still hear waits here for deliver_deferred().
  struct failed_branch {
    aor_key key;
    branch_failed event;
  };
  std::vector<failed_branch> failed_branches_;
  std::vector<event_for> events_;
  std::vector<pns::push_answer> refused_pushes_;

  const foreseen* current_ = nullptr;   ///< while a message of a batch is handled

  // Reused, so that nothing is allocated once they have grown.
  std::array<foreseen, foresight> foreseen_;
  std::string aor_;
  std::string lines_;
  std::string kept_lines_;
  char tag_[16];
};

}  // namespace reveille
