/// What an attack is: its words for --list and the page, what it needs, what is promised beside it, and the function that does it.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "tests/hostile/good_calls.hpp"
#include "tests/hostile/processes.hpp"
#include "tests/hostile/udp_source.hpp"

namespace reveille::hostile {

/// A running attack: sockets, pace and what it did. Threads: one.
class assault {
 public:
  assault(stand& at, good_calls& good, steady::time_point until, double scale)
      : stand_(at), good_(good), until_(until), scale_(scale) {}

  /// A socket on that loopback address; kept, and its answers counted, until the attack's figures are taken.
  udp_source& open(const std::string& address);
  /// The preparation is over; the attack itself may last until then.
  void begin(steady::time_point until) {
    until_ = until;
    next_due_ = steady::now();
  }
  /// True until the attack's time is over.
  bool goes_on() const { return steady::now() < until_; }
  /// Waits for the turn of the next message at so many a second, counting what the engine answers meanwhile; false when the
  /// time is over. The rate is that of --scale 1.
  bool next(double per_second);
  /// Takes all that has come; each datagram goes to what on_answer() set.
  void drain();
  void on_answer(std::function<void(std::string_view)> take) { on_answer_ = std::move(take); }
  /// From now on whoever is called at the attacker's own contacts says 486 to what was INVITEd there.
  void answer_busy(bool yes) { answers_busy_ = yes; }
  /// Lets `time` pass, counting answers.
  void pause(std::chrono::milliseconds time);
  /// REGISTERs from `from` until each of `users` has its 200, or 5 s have passed. Contacts as `contact_lines(user)`.
  /// They are part of the preparation, and not counted.
  void enrol(udp_source& from, const std::vector<std::string>& users,
             const std::function<std::string(const std::string&)>& contact_lines, const std::string& lines = {});

  /// A message that was not a datagram.
  void count(std::uint64_t messages = 1) { other_messages_ += messages; }
  /// The engine did what it must not: `what` is shown, and the run fails.
  void harm(const std::string& what, std::uint64_t times = 1) { harms_[what] += times; }
  /// Something worth a word in the table.
  void remark(const std::string& text) { remarks_.push_back(text); }

  stand& at() { return stand_; }
  good_calls& good() { return good_; }
  std::mt19937_64& random() { return random_; }
  double scale() const { return scale_; }

  std::uint64_t messages() const;
  traffic sent() const;
  traffic received() const;
  const std::map<std::string, std::uint64_t>& harms() const { return harms_; }
  const std::vector<std::string>& remarks() const { return remarks_; }

 private:
  stand& stand_;
  good_calls& good_;
  steady::time_point until_;
  double scale_;
  std::deque<udp_source> sources_;
  void say_busy(udp_source& s, std::string_view bytes, const sockaddr_in& from);

  std::function<void(std::string_view)> on_answer_;
  bool answers_busy_ = false;
  traffic uncounted_sent_, uncounted_received_;
  steady::time_point next_due_ = steady::now();
  std::uint64_t paced_ = 0;
  std::uint64_t other_messages_ = 0;
  std::uint64_t enrolments_ = 0;
  std::map<std::string, std::uint64_t> harms_;
  std::vector<std::string> remarks_;
  std::mt19937_64 random_{20261128};
};

enum class promise : std::uint8_t {
  all_answered,  ///< no good call may be lost or refused, beside it and after it
  well_after,    ///< refusals beside it are shown; afterwards all must be answered
  aimed,         ///< at one of the honest phones, which nothing protects without authentication: refusals are only shown
};

struct attack {
  std::string_view name;
  std::string_view what;  ///< one line
  promise promised = promise::all_answered;
  setting with = {};
  double most_amplification = 0;  ///< octets out for each one in that the promise allows; 0: not limited here
  void (*prepare)(assault&) = nullptr;
  void (*run)(assault&) = nullptr;
};

/// All, by family, in the order in which they run.
std::span<const attack> datagram_attacks();
std::span<const attack> flood_attacks();
std::span<const attack> forgery_attacks();
std::span<const attack> registration_attacks();
std::span<const attack> memory_attacks();
std::span<const attack> admin_attacks();
std::span<const attack> machine_attacks();

/// "stem0", "stem1" ...
std::vector<std::string> numbered(const std::string& stem, std::size_t count);

}  // namespace reveille::hostile
