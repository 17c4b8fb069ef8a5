#include "engine/store/log_continuity.hpp"

#include <algorithm>
#include <array>
#include <ctime>

namespace reveille {

namespace {

std::string spelled(wall_time t) {
  const std::time_t at = unix_seconds(t);
  std::tm parts{};
  std::array<char, 32> text{};
  if (::gmtime_r(&at, &parts) == nullptr || std::strftime(text.data(), text.size(), "%FT%TZ", &parts) == 0) return "?";
  return text.data();
}

}  // namespace

std::string log_loss::text() const {
  std::string out = std::to_string(writes) + (writes == 1 ? " acknowledged write is" : " acknowledged writes are") +
                    " missing in the log";
  if (after && until) return out + ", made between " + spelled(*after) + " and " + spelled(*until);
  if (after) return out + ", made after " + spelled(*after);
  if (until) return out + ", made before " + spelled(*until);
  return out;
}

void log_continuity::record(std::uint64_t first, std::uint64_t count, std::optional<wall_time> written) {
  if (!next_ && mark_ && mark_->from != acknowledged::unknown) next_ = mark_->from + 1;
  if (next_ && first > *next_) {
    if (found_.writes == 0) found_.after = last_time_;
    found_.writes += first - *next_;
    found_.until = written;
  }
  next_ = std::max(next_.value_or(0), first + count);
  if (written) last_time_ = written;
}

log_loss log_continuity::end(std::uint64_t last) const {
  log_loss out = found_;
  if (mark_ && mark_->sequence > last) {
    if (out.writes == 0) out.after = last_time_;
    out.writes += mark_->sequence - last;
    out.until = mark_->at;
  }
  if (out.writes != 0 && !out.after && mark_) out.after = mark_->opened;
  return out;
}

}  // namespace reveille
