#include "engine/store/store_states.hpp"

#include <utility>

namespace reveille {

namespace {

bool says(std::string_view text, std::string_view what) { return text.find(what) != std::string_view::npos; }

std::string left_out(std::uint64_t changes) {
  return changes == 0 ? std::string() : " (" + std::to_string(changes) + " short changes in between were not told)";
}

std::string lasted(steady_time since, steady_time now) {
  return std::to_string(std::chrono::ceil<seconds>(now - since).count()) + " s";
}

}  // namespace

std::string_view advice_for(std::string_view error) {
  if (says(error, "No space left") || says(error, "no space left") || says(error, "quota")) {
    return "make room on the disk of store.path (df -h, df -i)";
  }
  if (says(error, "Read-only file system")) {
    return "the kernel mounted it read-only, as a rule after an error: see dmesg, check the file system, mount it for "
           "writing";
  }
  if (says(error, "missing") || says(error, "another directory")) {
    return "put back what was removed or unmounted; restart only after that, since a restart finds nothing else";
  }
  return "see dmesg and the health of the disk of store.path";
}

bool store_states::may_say(topic& of, steady_time now) {
  if (of.last_line && now - *of.last_line < least_pause) return false;
  of.last_line = now;
  of.told = true;
  return true;
}

store_states::line store_states::refused(std::string_view error, steady_time now) {
  const bool fresh = !disk_.holds;
  if (fresh) {
    disk_.holds = true;
    disk_.told = false;
    disk_.since = now;
  }
  const bool news = !disk_.told || error != error_ || now - *disk_.last_line >= again;
  if (!news || !may_say(disk_, now)) return std::nullopt;
  error_ = error;
  const std::string how_long = fresh ? "" : " for " + lasted(disk_.since, now);
  return store_notice{store_notice::weight::error,
                      "the disk refuses writes" + how_long + ": " + error_ +
                          left_out(std::exchange(disk_.unsaid, std::uint64_t{0})) +
                          "; new registrations get 503, registered phones ring, no restart is needed; " +
                          std::string(advice_for(error))};
}

store_states::line store_states::recovered(steady_time now) {
  if (!disk_.holds) return std::nullopt;
  disk_.holds = false;
  if (!disk_.told) {
    ++disk_.unsaid;
    return std::nullopt;
  }
  return store_notice{store_notice::weight::info, "the disk takes writes again, after " + lasted(disk_.since, now)};
}

store_states::line store_states::queue(std::uint64_t refused, steady_time now) {
  if (refused != seen_) {
    last_hit_ = now;
    const bool fresh = !queue_.holds;
    if (fresh) {
      queue_.holds = true;
      queue_.told = false;
      queue_.since = now;
      before_ = seen_;
    }
    seen_ = refused;
    if (queue_.told || !may_say(queue_, now)) return std::nullopt;
    return store_notice{store_notice::weight::warning,
                        "the queue is full: operations are refused, their REGISTERs get 503" +
                            left_out(std::exchange(queue_.unsaid, std::uint64_t{0})) +
                            "; a peak passes, else the disk is too slow (store.queue_limit, store.queue_bytes)"};
  }
  if (!queue_.holds || now - last_hit_ < calm) return std::nullopt;
  queue_.holds = false;
  if (!queue_.told) {
    ++queue_.unsaid;
    return std::nullopt;
  }
  return store_notice{store_notice::weight::info, "the queue has room again; " + std::to_string(seen_ - before_) +
                                                      " operations were refused in " +
                                                      lasted(queue_.since, last_hit_)};
}

}  // namespace reveille
