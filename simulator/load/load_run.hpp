/// A whole run without I/O: datagrams, pushes and the time go in, datagrams go out.
///
///   registering -> calling -> draining -> coming_back -> echo -> done
///
/// coming_back: each phone with missed calls registers and must be told. echo: each of them registers once more and
/// must hear nothing new, for a call is told once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "simulator/load/caller.hpp"
#include "simulator/load/device.hpp"
#include "simulator/load/live_call.hpp"
#include "simulator/load/push_payload.hpp"
#include "simulator/load/registrations.hpp"
#include "simulator/load/scene.hpp"

namespace reveille::load {

enum class phase : std::uint8_t { registering, calling, draining, coming_back, echo, done };
std::string_view name_of(phase p);

/// What the progress display and /metrics show.
struct run_state {
  load::phase phase = phase::registering;
  std::uint64_t registered = 0;
  std::uint64_t register_in_flight = 0;
  std::uint64_t calls_in_flight = 0;
  std::uint64_t not_offered = 0;  ///< arrivals without a free phone
};

/// Threads: one. The options and ports outlive it.
class load_run final : private registrations::listener {
 public:
  /// A free phone is looked for this often before an arrival is counted as not offered.
  static constexpr int phone_tries = 64;
  /// A window of registrations never shrinks below this.
  static constexpr double least_window = 16;

  load_run(const load_options& options, std::string tag, datagram_port& net, random_source& random, steady_time start);

  void on_datagram(std::uint16_t socket, const endpoint& from, std::string_view bytes, steady_time now);
  void on_push(const push_seen& push, steady_time now);
  /// Fires what is due and starts what may start. Call at least every millisecond or so.
  void advance(steady_time now);
  /// Ends the offering of calls; what runs is brought to its end. A second time ends the run.
  void stop();

  bool done() const { return phase_ == phase::done; }
  /// True from the moment the first phase ended: for readings of the engine's memory.
  bool has_registered() const { return phase_ != phase::registering; }
  run_state state() const;
  scene& at() { return scene_; }
  const scene& at() const { return scene_; }
  /// Judges what only the end can tell and fills the report, thresholds excepted. @pre done()
  void fill(report::run_report& into);

 private:
  void registered(phone_number phone, register_reason why, steady_time sent) override;
  void gave_up(phone_number phone, register_reason why) override;
  void congested() override;

  void dispatch_timer(std::uint64_t payload);
  void on_response(const sip_text& response);
  void on_request(std::uint16_t socket, const endpoint& from, const sip_text& request);
  void on_stray_request(phone_number phone, std::uint16_t socket, const sip_text& request);
  void on_invite_push(phone_number phone, const invite_payload& payload, const push_seen& push);
  void on_missed_calls(phone_number phone, const missed_calls_payload& payload, const push_seen& push);

  void enter(phase next);
  void run_phase();
  void register_more();
  void offer_calls();
  void offer_one();
  void come_back_more();
  nanoseconds next_gap();
  bool all_told() const;
  void gather_missed();

  scene scene_;
  registrations registrations_;
  call_table calls_;
  callers callers_;
  devices devices_;

  phase phase_ = phase::registering;
  ending ending_ = ending::complete;
  steady_time started_;
  steady_time phase_started_;
  std::uint32_t next_phone_ = 0;          ///< the next to register, in the first phase
  double window_;                         ///< REGISTERs in flight allowed now
  steady_time window_cut_;                ///< when it was last made smaller
  steady_time next_arrival_;
  std::uint64_t not_offered_ = 0;
  std::uint64_t foreign_told_ = 0;        ///< told calls of other runs
  std::vector<phone_number> returning_;   ///< phones with missed calls, in the last phases
  std::size_t next_returning_ = 0;
  std::size_t still_returning_ = 0;       ///< whose REGISTER has no answer yet
  steady_time last_return_;               ///< when the last of them was answered
  steady_time next_check_;
};

}  // namespace reveille::load
