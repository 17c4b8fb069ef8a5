#include "engine/store/store_words.hpp"

#include <string_view>

namespace reveille {

void store_words::refused(const std::string& error, steady_time now) {
  const std::lock_guard lock(mutex_);
  trouble_ = without_path(error);
  tell(states_.refused(trouble_, now));
}

void store_words::recovered(steady_time now) {
  const std::lock_guard lock(mutex_);
  trouble_.clear();
  tell(states_.recovered(now));
}

void store_words::queue(std::uint64_t refused, steady_time now) {
  const std::lock_guard lock(mutex_);
  tell(states_.queue(refused, now));
}

bool store_words::lost(const log_loss& loss) {
  const std::lock_guard lock(mutex_);
  if (loss.writes == 0 || loss.text() == lost_) return false;
  lost_ = loss.text();
  tell(store_notice{store_notice::weight::error,
                    lost_ + ": what damaged or removed it? (dmesg); phones that registered then are not woken until "
                            "they register again"});
  return true;
}

std::string store_words::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}
std::string store_words::lost() const {
  const std::lock_guard lock(mutex_);
  return lost_;
}

std::string store_words::without_path(std::string error) const {
  constexpr std::string_view instead = "store.path";
  for (std::size_t i = error.find(path_); i != std::string::npos && !path_.empty();
       i = error.find(path_, i + instead.size())) {
    error.replace(i, path_.size(), instead);
  }
  return error;
}

}  // namespace reveille
