#include "actors/runtime/mail_rounds.hpp"

#include "actors/behaviors/subscriber_actor.hpp"

namespace reveille {

namespace {

/// Actors whose mail from other threads is taken in one call, and messages of one actor at a time; the rest has its turn
/// in the next call.
constexpr std::size_t actors_a_turn = 256;
constexpr std::size_t messages_a_turn = 16;

}  // namespace

void mail_rounds::run_own() {
  running_.swap(queue_->run_queue);
  for (subscriber_actor* a : running_) run(*a);
  running_.clear();
}

void mail_rounds::run_inbox() {
  if (left_ == nullptr) left_ = queue_->inbox.take();
  for (std::size_t i = 0; i < actors_a_turn && left_ != nullptr; ++i) {
    auto& a = static_cast<subscriber_actor&>(*left_);
    left_ = left_->next_in_inbox;
    run(a);
  }
}

/// Its queue held a reference to it.
void mail_rounds::run(subscriber_actor& a) {
  if (a.resume(nullptr, messages_a_turn) == caf::resumable::resume_later) {
    queue_->run_queue.push_back(&a);  // keeps the reference
    return;
  }
  after_(a);
  a.intrusive_ptr_release_impl();
}

void mail_rounds::close() {
  const auto refuse_all = [](inbox_node* node) {
    while (node != nullptr) {
      auto& a = static_cast<subscriber_actor&>(*node);
      node = node->next_in_inbox;
      a.refuse_mail();
      a.intrusive_ptr_release_impl();
    }
  };
  refuse_all(left_);
  left_ = nullptr;
  refuse_all(queue_->inbox.close());
  for (subscriber_actor* a : queue_->run_queue) {
    a->refuse_mail();
    a->intrusive_ptr_release_impl();
  }
  queue_->run_queue.clear();
}

}  // namespace reveille
