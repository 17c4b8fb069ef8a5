/// A small push-aware registrar and proxy for the simulator's own tests: without I/O, one device a subscriber, and able
/// to lie. Not the engine: it shares no code with it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/flow.hpp"
#include "core/time.hpp"
#include "simulator/load/push_payload.hpp"
#include "simulator/load/sip_text.hpp"

namespace reveille::load {

/// What it does wrong, and to how many calls: the first `count` of them.
struct lies {
  int double_invites = 0;       ///< a second INVITE with another branch for each REGISTER
  int lost_invites = 0;         ///< none after the REGISTER
  int swallowed_answers = 0;    ///< the phone's 200 is not forwarded; 480 at the deadline
  int cancelled_answers = 0;    ///< 487 after the 200
  int lost_missed_calls = 0;    ///< an entry forgotten
  int told_twice = 0;           ///< a list told again at the next REGISTER
  int told_answered = 0;        ///< an answered call told as missed
  int phantom_pushes = 0;       ///< a push after the caller has hung up
  int double_pushes = 0;
  int never_pushed = 0;
  int silent_calls = 0;         ///< no final response
  int early_refusals = 0;       ///< 480 at once
  int uncancelled_phones = 0;   ///< the caller gets its 487, the phone rings on
};

class fake_engine {
 public:
  struct datagram {
    endpoint to;
    std::string bytes;
  };

  fake_engine(endpoint own, lies told) : own_(own), lies_(told) {}

  void on_datagram(const endpoint& from, std::string_view bytes, steady_time now);
  void advance(steady_time now);
  std::vector<datagram> take_datagrams() { return std::exchange(out_, {}); }
  std::vector<push_seen> take_pushes() { return std::exchange(pushes_, {}); }

 private:
  struct branch {
    std::string id;
    endpoint to;
    std::string request_uri;
    std::string tail;           ///< all header lines but the start line and our Via, and the body
    bool ringing = false;
    bool final_seen = false;
  };
  struct call {
    std::string user;
    std::string caller_number;
    endpoint caller;
    std::string head;           ///< Via, From, Call-ID and CSeq lines for responses
    std::string to;
    std::string tail;
    steady_time deadline;
    std::vector<branch> branches;
    bool over = false;
    bool cancelled = false;
    bool swallow = false;
    bool cancel_after_answer = false;
    bool silent = false;
    bool no_invite = false;
    bool uncancelled = false;
  };
  struct subscriber {
    std::string contact;
    std::string token;
    bool fcm = false;
    endpoint source;
    std::vector<std::string> missed;
    std::vector<std::string> told_again;
  };

  void on_register(const endpoint& from, const sip_text& m);
  void on_invite(const endpoint& from, const sip_text& m, std::string_view bytes);
  void on_cancel(const endpoint& from, const sip_text& m);
  void on_response(const sip_text& m, std::string_view bytes);
  void relay(const sip_text& m, std::string_view bytes);
  void release(call& c);
  void end(call& c, int status);
  void respond(const endpoint& to, const sip_text& m, std::string_view status, std::string_view extra);
  void push(const subscriber& s, std::string_view payload);
  void push_invite(const call& c);
  void tell_missed(subscriber& s);
  void cancel_phone(const branch& b, const std::string& call_id);
  static bool use(int& left) { return left > 0 && left-- > 0; }

  endpoint own_;
  lies lies_;
  steady_time now_;
  std::map<std::string, subscriber> subscribers_;
  std::map<std::string, call> calls_;  ///< by Call-ID
  std::vector<datagram> out_;
  std::vector<push_seen> pushes_;
  std::uint64_t branches_ = 0;
  std::uint64_t push_ids_ = 0;
};

}  // namespace reveille::load
