/// Honest calls beside an attack: each second one to a sleeping phone, which registers when its push has come, and two to
/// phones that are awake. They say what an attack costs those who did nothing.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "simulator/load/sip_text.hpp"
#include "simulator/report/histogram.hpp"
#include "tests/hostile/udp_source.hpp"

namespace reveille::hostile {

using steady = std::chrono::steady_clock;

enum class phase : std::uint8_t { alone, beside, after };
constexpr std::size_t phases = 3;

/// What became of the calls that were offered in one phase.
struct tally {
  std::uint64_t offered = 0;
  std::uint64_t answered = 0;
  std::uint64_t silent = 0;               ///< no final response within `patience`
  std::map<int, std::uint64_t> refused;   ///< by status
  report::histogram set_up;               ///< INVITE to 180 at the caller
  std::uint64_t unanswered() const { return offered - answered; }
};

/// What somebody on the way could know of a call that rings now.
struct ringing_call {
  std::string user, caller_via, branch, from, call_id;  ///< as the caller sent them
  std::string invite;                                   ///< as the phone got it
};

/// Threads: one of its own; enter(), ringing() and the readers from any.
class good_calls {
 public:
  static constexpr std::size_t sleepers = 4;
  static constexpr std::size_t wakeful = 2;
  static constexpr auto spacing = std::chrono::milliseconds(333);  ///< between two calls: three a second
  static constexpr auto patience = std::chrono::seconds(8);
  static constexpr auto ring_time = std::chrono::milliseconds(200);

  /// Registers the phones and waits until they are. @throws std::runtime_error
  /// @param expires seconds that they ask for
  good_calls(const std::string& engine, const std::string& mock_control, unsigned expires);
  ~good_calls();
  good_calls(const good_calls&) = delete;
  good_calls& operator=(const good_calls&) = delete;

  void enter(phase next) { phase_ = next; }
  /// No new calls until go_on(): what runs ends, so that a phase leaves nothing to the next.
  void hold() { held_ = true; }
  void go_on() { held_ = false; }
  /// Offers no more calls and waits until those that run have ended.
  void finish();
  /// @pre finish() has returned
  const tally& of(phase which) const { return tallies_[static_cast<std::size_t>(which)]; }
  std::uint64_t refused_registers() const { return refused_registers_; }

  std::vector<ringing_call> ringing() const;
  /// The branch of the call after `ahead` others, and where it will come from: they are counted up, as many clients do.
  std::string branch_to_come(std::uint64_t ahead) const { return branch_of(next_number_ + ahead); }
  const std::string& caller_address() const { return caller_.local(); }
  static std::string sleeper_name(std::size_t i) { return "sleeper" + std::to_string(i); }
  static std::string wakeful_name(std::size_t i) { return "wakeful" + std::to_string(i); }
  /// Address of all these phones.
  const std::string& phone_address() const { return phone_.local(); }

 private:
  enum class stage : std::uint8_t { inviting, proceeding, saying_bye, over };
  struct call {
    std::uint64_t number;
    phase offered_in;
    std::string user;
    stage at = stage::inviting;
    bool rang = false;
    bool answered = false;
    steady::time_point start, next_send;
    steady::duration interval = std::chrono::milliseconds(500);
    std::string to, target, route_lines;
  };
  /// The phone's side of a call, by Call-ID.
  struct ring {
    std::string user, branch, invite, head;
    sockaddr_in peer{};
    steady::time_point answer_at, next_answer;
    int answers = 0;
    bool over = false;
  };
  struct registration {
    std::uint32_t cseq = 0;
    bool open = false;
    steady::time_point next_send;
  };

  static std::string branch_of(std::uint64_t number) { return "z9hG4bK-good-" + std::to_string(number); }
  static std::string call_id_of(std::uint64_t number) { return "good-call-" + std::to_string(number); }
  std::string caller_request(const call& c, std::string_view method) const;
  std::string contact_of(std::size_t phone) const;
  static std::string name_of(std::size_t phone);

  void loop(const std::stop_token& stopping);
  void turn();
  void offer();
  void advance_calls(steady::time_point now);
  void advance_phones(steady::time_point now);
  void on_caller(std::string_view bytes);
  void on_response(call& c, const load::sip_text& response);
  void on_phone(std::string_view bytes, const sockaddr_in& from);
  void on_invite(const load::sip_text& invite, std::string_view bytes, const sockaddr_in& from);
  void on_pushes();
  void start_register(std::size_t phone);
  void send_register(std::size_t phone);
  bool registered() const;
  void respond(std::string_view status_line, const ring& r);

  udp_source caller_, phone_;
  int push_stream_ = -1;
  std::string pushes_;
  std::array<registration, sleepers + wakeful> registrations_;
  std::map<std::uint64_t, call> calls_;
  mutable std::mutex mutex_;            ///< over rings_, which attackers look at
  std::map<std::string, ring> rings_;
  std::array<tally, phases> tallies_;
  std::atomic<std::uint64_t> next_number_{1};
  std::atomic<phase> phase_{phase::alone};
  std::atomic<bool> offering_{false};
  std::atomic<bool> held_{false};
  unsigned expires_;
  std::atomic<std::size_t> open_calls_{0};
  std::uint64_t refused_registers_ = 0;
  steady::time_point next_offer_;
  std::jthread thread_;
};

}  // namespace reveille::hostile
