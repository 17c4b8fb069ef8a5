/// What other threads send to a shard, one allocation each, and the lock-free inbox it waits in.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "core/mpsc_inbox.hpp"
#include "engine/shard/shard.hpp"

namespace reveille {

struct record_loaded {
  aor_key key;
  aor of;
  store_token token;
  result<std::optional<subscriber_record>> record;
};
struct records_written {
  std::vector<written_answer> batch;
};
struct shard_question {
  std::function<void(shard&, const instant&)> ask;
};

using inbox_content = std::variant<hand_over, pns::push_answer, record_loaded, records_written, shard_question>;

/// ARCHITECTURE 3: responses, ACK, CANCEL, PRACK and BYE end work and are never refused, so a full inbox still has as much
/// room again for them; what begins work has none beyond `limit` and is refused by who would have handed it over, be it
/// still a datagram or already a subscriber's REGISTER or request. Everything else is owed to somebody.
inline bool has_room_for(const hand_over& what, std::size_t waiting, std::size_t limit) {
  if (const auto* datagram = std::get_if<datagram_for>(&what)) {
    const sip::message& m = *datagram->message;
    return waiting < (!m.is_request() || sip::ends_work(m) ? 2 * limit : limit);
  }
  const auto* event = std::get_if<event_for>(&what);
  if (event == nullptr) return true;
  const auto* request = std::get_if<request_received>(&event->event);
  const bool begins_work = request != nullptr ? !sip::ends_work(*request->request)
                                              : std::holds_alternative<register_received>(event->event);
  return !begins_work || waiting < limit;
}

struct inbox_item : inbox_node {
  inbox_item(inbox_content&& what, steady_time since) : content(std::move(what)), waits_since(since) {}
  inbox_content content;
  steady_time waits_since;   ///< of a hand-over: since the kernel had it; else the clock's beginning
};

/// Threads: post() from any, the rest from the shard's.
class shard_inbox {
 public:
  shard_inbox() = default;
  ~shard_inbox() {
    drop(taken_);
    drop(inbox_.close());
  }
  shard_inbox(const shard_inbox&) = delete;
  shard_inbox& operator=(const shard_inbox&) = delete;

  /// @return true when the shard must be woken.
  bool post(inbox_content&& what, steady_time since = {}) {
    auto* item = new inbox_item(std::move(what), since);
    length_.fetch_add(1, std::memory_order_relaxed);
    switch (inbox_.post(*item)) {
      case mpsc_inbox::posted::into_empty: return true;
      case mpsc_inbox::posted::behind: return false;
      case mpsc_inbox::posted::refused: break;
    }
    delete item;  // the shard has gone: as good as lost on its way
    return false;
  }
  /// Items that wait; any thread, approximate.
  std::size_t length() const { return length_.load(std::memory_order_relaxed); }

  /// take(content, since) for at most `most` items, each sender's in its order. @return how many.
  template <class Take>
  std::size_t take(std::size_t most, Take&& take_one) {
    std::size_t done = 0;
    // One subtraction for all, also when one throws for want of memory: room would be lost for good.
    struct leaving {
      ~leaving() {
        if (done > 0) length.fetch_sub(done, std::memory_order_relaxed);
      }
      std::atomic<std::size_t>& length;
      const std::size_t& done;
    } const leave{length_, done};
    while (done < most) {
      if (taken_ == nullptr) taken_ = inbox_.take();
      if (taken_ == nullptr) break;
      const std::unique_ptr<inbox_item> item(static_cast<inbox_item*>(taken_));
      taken_ = taken_->next_in_inbox;
      ++done;
      take_one(std::move(item->content), item->waits_since);
    }
    return done;
  }
  bool empty() const { return taken_ == nullptr && inbox_.empty(); }

 private:
  static void drop(inbox_node* list) {
    while (list != nullptr) {
      const std::unique_ptr<inbox_item> item(static_cast<inbox_item*>(list));
      list = list->next_in_inbox;
    }
  }

  mpsc_inbox inbox_;
  inbox_node* taken_ = nullptr;
  std::atomic<std::size_t> length_{0};
};

}  // namespace reveille
