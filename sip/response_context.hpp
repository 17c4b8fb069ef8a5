/// The forking core of one request: its branches, and what goes upstream (RFC 3261 16.7, SPEC 3.1, 3.4a, 3.5).
///
/// Pure: it knows neither devices nor time. A place is a branch that waits to be dialled (a parked call); it keeps the
/// final response waiting like any branch, and once it ends undialled it counts as 480 and loses to every response that
/// a phone gave. Exactly one final response leaves: the first 2xx, or what take_final() gives, once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sip/message.hpp"

namespace reveille::sip {

/// What decided the request, first come first served.
enum class fork_outcome : std::uint8_t {
  undecided,
  answered,   ///< a 2xx went upstream
  cancelled,  ///< the caller's CANCEL
  rejected,   ///< a 6xx
  expired,    ///< the deadline
};

class response_context {
 public:
  enum class kind : std::uint8_t { invite, other };
  explicit response_context(kind k) : kind_(k) {}

  // Places
  void park() { ++places_; }
  /// A place ends undialled. @pre places() > 0
  void end_place();
  void end_all_places();
  std::uint32_t places() const { return places_; }

  // Branches
  enum class origin : std::uint8_t { fresh, place };
  /// @pre no branch of that number; from a place: places() > 0
  void dial(std::uint32_t branch, origin from);
  /// The device registered elsewhere (SPEC 3.3): its responses count no more, but for a 2xx.
  void abandon(std::uint32_t branch);
  /// The deadline does not wait for phones that have said nothing at all (SPEC 3.4): abandons their branches.
  void abandon_silent();
  /// The branch was lost before ringing: its device is parked again.
  void park_again(std::uint32_t branch);
  /// The same of a branch that never left us: nothing of it is kept.
  void take_back(std::uint32_t branch);
  void mark_cancelled(std::uint32_t branch);
  bool is_open(std::uint32_t branch) const;       ///< sent and without a final response
  bool is_abandoned(std::uint32_t branch) const;
  bool is_cancelled(std::uint32_t branch) const;
  bool knows(std::uint32_t branch) const;
  bool rang(std::uint32_t branch) const;
  bool any_rang() const { return any_rang_; }
  /// Open branches that have not been cancelled, in the order in which they were dialled.
  std::vector<std::uint32_t> to_cancel() const;
  std::vector<std::uint32_t> open() const;
  bool all_closed() const;

  // Responses
  /// Any response shows that somebody is there: 100 too.
  void on_sign_of_life(std::uint32_t branch);
  bool heard(std::uint32_t branch) const;
  enum class relay : std::uint8_t { absorb, forward };
  /// 101-199.
  relay on_provisional(std::uint32_t branch);
  /// 2xx: forwarded always, unless another final response has left; closes the branch, decides `answered`.
  relay on_success(std::uint32_t branch);
  /// 300-699. A 6xx decides `rejected`.
  void on_failure(std::uint32_t branch, message_ptr response);
  /// Why a branch ended without a response.
  enum class no_answer : std::uint8_t {
    silent,       ///< counts as 408 (16.7)
    unreachable,  ///< a transport error: as if 503 had come (16.9), hence 500 upstream (16.7 step 6)
    no_room,      ///< we could not send it: 503, with Retry-After
  };
  /// Counts after everything that a phone or a place said; of several, 408 is of the lowest class (16.7 step 6).
  void on_no_answer(std::uint32_t branch, no_answer why);
  /// 64*T1 after its CANCEL, or a cancelled branch whose transaction ended: nobody waits for it any more.
  void give_up(std::uint32_t branch);

  /// @return true when this decided: later ones change nothing.
  bool decide(fork_outcome o);
  fork_outcome outcome() const { return outcome_; }

  struct final_answer {
    int status = 0;
    message_ptr response;      ///< to be relayed; null: built here
    std::string challenges;    ///< WWW-/Proxy-Authenticate lines of the other branches (16.7 step 7)
  };
  /// The final response to send now, if it is time; once.
  std::optional<final_answer> take_final();
  /// A final response has left, 2xx included.
  bool final_sent() const { return final_sent_; }
  int final_status() const { return final_status_; }

 private:
  struct branch {
    std::uint32_t number = 0;
    bool open = true;
    bool abandoned = false;
    bool cancelled = false;
    bool rang = false;
    bool heard = false;
  };
  branch* find(std::uint32_t number);
  const branch* find(std::uint32_t number) const;
  bool ready() const;
  /// Lower is better (16.7 step 6).
  static int rank(int status);
  void consider(int status, message_ptr response);
  void collect_challenges(const message_ptr& response);

  kind kind_;
  std::vector<branch> branches_;
  std::uint32_t places_ = 0;
  bool undialled_ = false;     ///< a place has ended
  bool any_rang_ = false;
  bool final_sent_ = false;
  int final_status_ = 0;
  fork_outcome outcome_ = fork_outcome::undecided;
  int best_status_ = 0;
  message_ptr best_;
  bool silent_ = false, unreachable_ = false, no_room_ = false;   ///< a branch ended so
  struct challenge { message_ptr from; std::string lines; };
  std::vector<challenge> challenges_;
};

/// A value for Reason on branches that an answer cancels (RFC 3326, SPEC 3.5).
inline constexpr std::string_view completed_elsewhere = "SIP;cause=200;text=\"Call completed elsewhere\"";
/// All Reason values of a message as one list, "" when none.
std::string reasons_of(const message& m);
/// True when a Reason says `SIP;cause=200`: the call was answered elsewhere (SPEC 4.2).
bool says_answered_elsewhere(const message& m);

}  // namespace reveille::sip
