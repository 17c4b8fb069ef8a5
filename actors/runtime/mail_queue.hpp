/// Where actors of one home wait that have CAF messages. Shared by the home and its actors, because handles to actors
/// may outlive the home; once closed, whoever sends learns that the receiver is down.
#pragma once

#include <atomic>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "actors/events.hpp"
#include "core/mpsc_inbox.hpp"

namespace reveille {

class subscriber_actor;
struct subscriber_summary;

/// What the home does with a message that its actor took from its mailbox. On the home's thread.
class mail_receiver {
 public:
  virtual ~mail_receiver() = default;
  virtual void take_event(subscriber_actor& actor, const subscriber_event& event) = 0;
  virtual subscriber_summary summarise(const subscriber_actor& actor) const = 0;
};

class mail_queue : public boost::intrusive_ref_counter<mail_queue, boost::thread_safe_counter> {
 public:
  mail_queue(mail_receiver& home, std::size_t mailbox_limit, std::function<void()> wake)
      : home_(home), mailbox_limit_(mailbox_limit), wake_(std::move(wake)) {}

  /// True while this thread is inside a call of the home: then an actor goes to the run queue, with no atomic operation.
  bool is_here() const { return here() == this; }
  class presence {
   public:
    explicit presence(const mail_queue& queue) : before_(std::exchange(here(), &queue)) {}
    ~presence() { here() = before_; }
    presence(const presence&) = delete;
    presence& operator=(const presence&) = delete;

   private:
    const mail_queue* before_;
  };

  mail_receiver& home() { return home_; }
  std::size_t mailbox_limit() const { return mailbox_limit_; }
  void wake() const {
    if (wake_) wake_();
  }

  mpsc_inbox inbox;                          ///< actors with mail from other threads; each holds one reference
  std::vector<subscriber_actor*> run_queue;  ///< the same from this thread
  std::atomic<std::uint64_t> refused{0};     ///< messages: mailbox full, home gone, or not understood

 private:
  static const mail_queue*& here() {
    static thread_local const mail_queue* queue = nullptr;
    return queue;
  }

  mail_receiver& home_;
  std::size_t mailbox_limit_;
  std::function<void()> wake_;
};

}  // namespace reveille
