/// Runs the actors of one home that have CAF messages: those whose mail came from this thread, and those of the inbox.
#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <functional>
#include <utility>
#include <vector>

#include "actors/runtime/mail_queue.hpp"

namespace reveille {

/// Threads: the home's.
class mail_rounds {
 public:
  /// @param after called with each actor that has read its mail and is in no queue
  mail_rounds(boost::intrusive_ptr<mail_queue> queue, std::function<void(subscriber_actor&)> after)
      : queue_(std::move(queue)), after_(std::move(after)) {}

  /// Mail that came from this very thread. An actor that has more than its share waits for the next call.
  void run_own();
  /// Mail from other threads, so many actors' a call.
  void run_inbox();
  bool waiting() const { return left_ != nullptr || !queue_->run_queue.empty() || !queue_->inbox.empty(); }

  /// From now on senders learn that the receiver is down; what was sent before is answered so too.
  void close();

 private:
  void run(subscriber_actor& a);

  boost::intrusive_ptr<mail_queue> queue_;
  std::function<void(subscriber_actor&)> after_;
  inbox_node* left_ = nullptr;               ///< taken from the inbox, waiting for their turn
  std::vector<subscriber_actor*> running_;   ///< the part of the run queue that is being run
};

}  // namespace reveille
