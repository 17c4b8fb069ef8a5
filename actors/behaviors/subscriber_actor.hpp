/// One address-of-record as a CAF actor: a shell that owns the pure `subscriber` and a mailbox, nothing else.
///
/// Lean: derives from caf::abstract_actor alone (an event_based_actor costs 1.2 KB), so no links, monitors, become() or
/// request() of its own; requests to it are answered. Its home runs it, not CAF's scheduler (docs/adr/0001).
///
/// Threads: enqueue() and the reference count from anywhere; everything else on the home's thread. The subscriber inside
/// dies on the home's thread even when a foreign handle outlives it.
#pragma once

#include <caf/abstract_actor.hpp>
#include <caf/actor.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/resumable.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "actors/runtime/mail_queue.hpp"
#include "actors/subscriber.hpp"

namespace reveille {

class subscriber_actor final : public caf::abstract_actor, public caf::resumable, public inbox_node {
 public:
  // What CAF's handle types ask of an actor class.
  using signatures = caf::none_t;
  using behavior_type = caf::behavior;

  /// What waits until the record has been read.
  struct loading {
    aor name;
    store_token token;
    std::vector<subscriber_event> events;
  };

  subscriber_actor(caf::actor_config& config, boost::intrusive_ptr<mail_queue> queue, aor_key key, aor name);
  ~subscriber_actor() override;
  static caf::actor spawn(caf::actor_system& system, boost::intrusive_ptr<mail_queue> queue, aor_key key, aor name);
  /// The class behind a handle made by spawn().
  static subscriber_actor& behind(const caf::actor& handle);

  aor_key key() const { return key_; }
  std::string_view name() const;
  /// Null unless its record is being read.
  loading* waiting() { return away_ ? nullptr : loading_.get(); }
  /// In no directory any more: what it is sent belongs to its successor.
  bool away() const { return away_; }
  subscriber* resident() { return subscriber_ ? &*subscriber_ : nullptr; }
  const subscriber* resident() const { return subscriber_ ? &*subscriber_ : nullptr; }

  /// The record is here: from now on it is resident. @return the events that waited.
  std::vector<subscriber_event> arrive(const shard_context& around, const subscriber_record* record, const instant& now);
  /// Forgets the subscriber (leaving, or a failed load). Handles stay good: what is sent to them makes it come back.
  std::vector<subscriber_event> leave();
  /// No message waits, and none is being taken.
  bool idle() const { return mailbox_.load(std::memory_order_acquire) == idle_mark(); }
  /// A message waits that is older than what the caller is about to do.
  bool has_mail() const {
    const element* head = mailbox_.load(std::memory_order_acquire);
    return head != idle_mark() && head != nullptr;
  }

  /// Takes what waits now, before its turn; it stays in the queue that it is in. @pre has_mail()
  void take_early();
  /// The home is closing: answers what waits with an error.
  void refuse_mail();

  std::uint32_t first_timer = no_timer;  ///< actor_timers' list
  static constexpr std::uint32_t no_timer = 0xffffffff;
  std::uint32_t counted_bytes = 0;       ///< what its home has counted for it

  // caf::abstract_actor
  using caf::abstract_actor::enqueue;
  void enqueue(caf::mailbox_element_ptr what, caf::execution_unit* from) override;
  void attach(caf::attachable_ptr) override {}
  std::size_t detach(const caf::attachable::token&) override { return 0; }
  void add_link(caf::abstract_actor*) override {}
  void remove_link(caf::abstract_actor*) override {}
  bool add_backlink(caf::abstract_actor*) override { return false; }
  bool remove_backlink(caf::abstract_actor*) override { return false; }

  // caf::resumable, called by the home
  resume_result resume(caf::execution_unit* unit, std::size_t most) override;
  subtype_t subtype() const override { return caf::resumable::scheduled_actor; }
  void intrusive_ptr_add_ref_impl() override { caf::intrusive_ptr_add_ref(ctrl()); }
  void intrusive_ptr_release_impl() override { caf::intrusive_ptr_release(ctrl()); }

 private:
  using element = caf::intrusive::singly_linked<caf::mailbox_element>;
  /// Mailbox: a LIFO of one word, reversed by its only reader. The mark means "empty and in no queue"; null "empty, but
  /// queued or running".
  static element* idle_mark() { return reinterpret_cast<element*>(std::uintptr_t{1}); }
  void schedule();
  /// Takes all messages that are there now, in the order of their senders. @return how many.
  template <class Take>
  std::size_t take_burst(Take&& take);
  bool become_idle();
  void take(caf::mailbox_element& mail);
  void bounce(caf::mailbox_element& mail, caf::sec why);

  boost::intrusive_ptr<mail_queue> queue_;
  aor_key key_;
  std::optional<subscriber> subscriber_;
  std::unique_ptr<loading> loading_;  ///< also keeps the name of one that is away while handles to it are about
  std::atomic<element*> mailbox_{idle_mark()};
  std::atomic<std::uint32_t> mail_count_{0};
  bool away_ = false;
};

}  // namespace reveille
