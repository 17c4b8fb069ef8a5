#include "actors/behaviors/subscriber_actor.hpp"

#include <caf/actor_config.hpp>
#include <caf/actor_system.hpp>
#include <caf/error.hpp>
#include <caf/make_actor.hpp>
#include <caf/sec.hpp>

#include "actors/behaviors/subscriber_messages.hpp"
#include "actors/runtime/happens_before.hpp"

namespace reveille {

subscriber_actor::subscriber_actor(caf::actor_config& config, boost::intrusive_ptr<mail_queue> queue, aor_key key, aor name)
    : caf::abstract_actor(config),
      queue_(std::move(queue)),
      key_(key),
      loading_(std::make_unique<loading>(loading{std::move(name), {}, {}})) {}

subscriber_actor::~subscriber_actor() {
  REVEILLE_TAKES_OVER(this);
  element* left = mailbox_.load(std::memory_order_acquire);
  while (left != idle_mark() && left != nullptr) {
    caf::mailbox_element_ptr mail{static_cast<caf::mailbox_element*>(left)};
    left = left->next;
  }
}

caf::actor subscriber_actor::spawn(caf::actor_system& system, boost::intrusive_ptr<mail_queue> queue, aor_key key, aor name) {
  caf::actor_config config{system.dummy_execution_unit()};
  return caf::make_actor<subscriber_actor, caf::actor>(system.next_actor_id(), system.node(), &system, config,
                                                       std::move(queue), key, std::move(name));
}

subscriber_actor& subscriber_actor::behind(const caf::actor& handle) {
  return *static_cast<subscriber_actor*>(caf::actor_cast<caf::abstract_actor*>(handle));
}

std::string_view subscriber_actor::name() const {
  if (subscriber_) return subscriber_->name().view();
  return loading_ ? loading_->name.view() : std::string_view{};
}

std::vector<subscriber_event> subscriber_actor::arrive(const shard_context& around, const subscriber_record* record,
                                                       const instant& now) {
  std::vector<subscriber_event> events = std::move(loading_->events);
  subscriber_.emplace(around, key_, std::move(loading_->name), record, now);
  loading_.reset();
  return events;
}

std::vector<subscriber_event> subscriber_actor::leave() {
  std::vector<subscriber_event> events;
  if (loading_) events = std::move(loading_->events);
  // Only a handle held elsewhere (the directory has one reference) can ever need the name again.
  if (ctrl()->strong_refs.load(std::memory_order_acquire) > 1) {
    if (!loading_) loading_ = std::make_unique<loading>(loading{aor(name()), {}, {}});
  } else {
    loading_.reset();
  }
  subscriber_.reset();
  away_ = true;
  REVEILLE_HANDS_OVER(this);
  return events;
}

void subscriber_actor::enqueue(caf::mailbox_element_ptr what, caf::execution_unit*) {
  REVEILLE_HANDS_OVER(what.get());
  if (mail_count_.fetch_add(1, std::memory_order_relaxed) >= queue_->mailbox_limit()) {
    mail_count_.fetch_sub(1, std::memory_order_relaxed);
    bounce(*what, caf::sec::request_receiver_down);
    return;
  }
  element* added = what.release();
  element* head = mailbox_.load(std::memory_order_relaxed);
  do {
    added->next = head == idle_mark() ? nullptr : head;
  } while (!mailbox_.compare_exchange_weak(head, added, std::memory_order_acq_rel, std::memory_order_relaxed));
  if (head == idle_mark()) schedule();
}

void subscriber_actor::schedule() {
  caf::intrusive_ptr_add_ref(ctrl());
  if (queue_->is_here()) {
    queue_->run_queue.push_back(this);
    return;
  }
  switch (queue_->inbox.post(*this)) {
    case mpsc_inbox::posted::into_empty: queue_->wake(); return;
    case mpsc_inbox::posted::behind: return;
    case mpsc_inbox::posted::refused: break;
  }
  refuse_mail();  // the home is gone, and this thread put the mailbox in motion: it alone empties it
  caf::intrusive_ptr_release(ctrl());
}

void subscriber_actor::refuse_mail() {
  while (!become_idle()) {
    take_burst([this](caf::mailbox_element& mail) { bounce(mail, caf::sec::request_receiver_down); });
  }
}

/// From "queued or running, empty" only: the mark says that it is in no queue, so the next message must schedule it.
bool subscriber_actor::become_idle() {
  element* expected = nullptr;
  return mailbox_.compare_exchange_strong(expected, idle_mark(), std::memory_order_acq_rel);
}

template <class Take>
std::size_t subscriber_actor::take_burst(Take&& take_one) {
  element* list = mailbox_.exchange(nullptr, std::memory_order_acq_rel);
  element* oldest = nullptr;
  while (list != nullptr) {
    element* next = list->next;
    list->next = oldest;
    oldest = list;
    list = next;
  }
  std::size_t taken = 0;
  for (; oldest != nullptr; ++taken) {
    caf::mailbox_element_ptr mail{static_cast<caf::mailbox_element*>(oldest)};
    oldest = oldest->next;
    mail_count_.fetch_sub(1, std::memory_order_relaxed);
    REVEILLE_TAKES_OVER(mail.get());
    take_one(*mail);
  }
  return taken;
}

void subscriber_actor::take_early() {
  take_burst([this](caf::mailbox_element& mail) { take(mail); });
}

// May exceed `most` by one burst, which the mailbox's bound limits.
caf::resumable::resume_result subscriber_actor::resume(caf::execution_unit*, std::size_t most) {
  std::size_t taken = 0;
  while (taken < most) {
    taken += take_burst([this](caf::mailbox_element& mail) { take(mail); });
    if (become_idle()) return awaiting_message;
  }
  return resume_later;
}

void subscriber_actor::take(caf::mailbox_element& mail) {
  auto& content = mail.content();
  if (content.match_elements<subscriber_event>()) {
    queue_->home().take_event(*this, content.get_as<subscriber_event>(0));
  } else if (content.match_elements<summary_atom>()) {
    if (mail.sender && mail.mid.is_request()) {
      mail.sender->enqueue(caf::make_mailbox_element(caf::strong_actor_ptr{ctrl()}, mail.mid.response_id(), {},
                                                     queue_->home().summarise(*this)),
                           nullptr);
    }
  } else {
    bounce(mail, caf::sec::unexpected_message);
  }
}

void subscriber_actor::bounce(caf::mailbox_element& mail, caf::sec why) {
  queue_->refused.fetch_add(1, std::memory_order_relaxed);
  if (mail.sender && mail.mid.is_request()) {
    mail.sender->enqueue(caf::make_mailbox_element(nullptr, mail.mid.response_id(), {}, caf::make_error(why)), nullptr);
  }
}

}  // namespace reveille
