/// What a person sees while a run goes on: one refreshing block on a terminal, a plain line now and then elsewhere.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>

#include "core/time.hpp"
#include "simulator/load/load_run.hpp"

namespace reveille::load {

class progress {
 public:
  static constexpr nanoseconds refresh = milliseconds(500);    ///< on a terminal
  static constexpr nanoseconds line_every = seconds(5);        ///< elsewhere
  static constexpr std::size_t shown_violations = 20;          ///< as they are found; all are counted

  /// @param out stays open; asked once whether it is a terminal.
  progress(std::FILE* out, steady_time start);
  /// Cheap when it is not yet time to write.
  void show(const load_run& run, steady_time now);
  /// Takes the block away, so that the table stands alone.
  void end();

 private:
  struct sample {
    std::uint64_t registered = 0;
    std::uint64_t offered = 0;
    std::uint64_t pushes = 0;
    steady_time at;
  };
  std::string block(const load_run& run, steady_time now);
  std::string line(const load_run& run, steady_time now);
  void show_violations(const load_run& run);
  double rate(std::uint64_t now_count, std::uint64_t then_count, steady_time now) const;

  std::FILE* out_;
  bool terminal_;
  steady_time started_;
  steady_time next_;
  sample last_;
  int lines_shown_ = 0;
  std::size_t violations_shown_ = 0;
};

}  // namespace reveille::load
