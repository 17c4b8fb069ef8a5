/// What the store says and has said, as its threads share it: lines for the log, sentences for /readyz.
#pragma once

#include "engine/store/log_continuity.hpp"
#include "engine/store/store_notice.hpp"
#include "engine/store/store_states.hpp"

#include <cstdint>
#include <mutex>
#include <string>
#include <utility>

namespace reveille {

/// Any thread; never on the path of an operation that succeeds.
class store_words {
 public:
  /// @param path is not repeated: an operator knows it, a probe need not
  store_words(std::string path, store_listener tell) : path_(std::move(path)), tell_(std::move(tell)) {}

  void refused(const std::string& error, steady_time now);
  void recovered(steady_time now);
  void queue(std::uint64_t refused, steady_time now);
  /// @return false when that was said before (the same log, read again)
  bool lost(const log_loss& loss);

  std::string trouble() const;  ///< why writes are refused
  std::string lost() const;     ///< what the log lacked

 private:
  std::string without_path(std::string error) const;
  void tell(const store_states::line& said) const {
    if (said && tell_) tell_(*said);
  }

  const std::string path_;
  const store_listener tell_;
  mutable std::mutex mutex_;
  store_states states_;
  std::string trouble_, lost_;
};

}  // namespace reveille
