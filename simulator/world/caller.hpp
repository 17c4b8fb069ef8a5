/// A virtual caller: one call, one UAC (RFC 3261 13, 17.1), with a number of its own so that told calls are countable.
#pragma once

#include <string>

#include "core/slab.hpp"
#include "simulator/world/ledger.hpp"
#include "simulator/world/network.hpp"
#include "simulator/world/schedule.hpp"
#include "sip/message.hpp"

namespace reveille::world {

struct caller_habits {
  double hangs_up = 0.15;              ///< CANCELs while it rings
  double answered_elsewhere = 0.2;     ///< of those: CANCEL with Reason: SIP;cause=200 (a hunt group)
  nanoseconds patience_least = std::chrono::milliseconds(100);
  nanoseconds patience_most = std::chrono::seconds(12);
};

class caller {
 public:
  caller(schedule& when, network& net, ledger& truth, slab_pool& pool, std::uint32_t serial, std::string callee,
         const caller_habits& habits, const endpoint& engine);
  void call();
  const std::string& call_id() const { return call_id_; }
  const endpoint& address() const { return here_; }
  const std::string& branch() const { return branch_; }

 private:
  std::string request(const char* method, std::string_view extra) const;
  void send_invite(int attempt);
  void send_cancel(int attempt);
  void send_bye(int attempt);
  void ack(const sip::message& final_response);
  void on_datagram(std::string_view bytes);
  void on_invite_response(const sip::message_ptr& response);

  schedule& when_;
  network& net_;
  ledger& truth_;
  slab_pool& pool_;
  caller_habits habits_;
  endpoint engine_;
  endpoint here_;
  bool says_rport_;                    ///< else it sends from another port than the one where it listens, its sent-by
  endpoint sends_from_;
  std::string number_;
  std::string callee_;
  std::string call_id_;
  std::string branch_;
  bool provisional_ = false;
  bool cancel_wanted_ = false;
  bool elsewhere_ = false;
  bool cancel_answered_ = false;
  int final_ = 0;
  bool over_ = false;
  bool bye_answered_ = false;
  std::string route_;                  ///< Record-Route of the 2xx, reversed
  std::string remote_target_;
  std::string remote_to_;
};

}  // namespace reveille::world
