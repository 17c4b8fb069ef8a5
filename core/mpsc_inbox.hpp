/// Lock-free inbox: many threads post, one takes everything at once, oldest first. Intrusive, so posting allocates nothing.
///
/// A Treiber stack that is only ever emptied whole (no ABA). FIFO per posting thread. It can be closed: what is posted
/// afterwards is refused, so that nothing is left in an inbox that nobody empties any more.
#pragma once

#include <atomic>

namespace reveille {

/// Base of what can be posted; in at most one inbox at a time.
struct inbox_node {
  inbox_node* next_in_inbox = nullptr;
};

class mpsc_inbox {
 public:
  enum class posted : unsigned char {
    into_empty,  ///< the first of a burst: wake the taker
    behind,      ///< somebody has woken it already
    refused,     ///< closed; the node is still the caller's
  };

  /// Any thread.
  posted post(inbox_node& node) {
    inbox_node* head = head_.load(std::memory_order_relaxed);
    do {
      if (head == &closed_) return posted::refused;
      node.next_in_inbox = head;
    } while (!head_.compare_exchange_weak(head, &node, std::memory_order_acq_rel, std::memory_order_relaxed));
    return head == nullptr ? posted::into_empty : posted::behind;
  }

  /// The taker's thread. @return the oldest node, linked to younger ones; null when empty.
  inbox_node* take() {
    inbox_node* head = head_.load(std::memory_order_relaxed);
    if (head == nullptr || head == &closed_) return nullptr;
    return reversed(head_.exchange(nullptr, std::memory_order_acq_rel));
  }

  /// The taker's thread. @return what was left, oldest first.
  inbox_node* close() {
    inbox_node* head = head_.exchange(&closed_, std::memory_order_acq_rel);
    return head == &closed_ ? nullptr : reversed(head);
  }

  /// Any thread; what it says may be old when it is read elsewhere.
  bool empty() const {
    const inbox_node* head = head_.load(std::memory_order_acquire);
    return head == nullptr || head == &closed_;
  }

 private:
  static inbox_node* reversed(inbox_node* list) {
    inbox_node* out = nullptr;
    while (list != nullptr) {
      inbox_node* next = list->next_in_inbox;
      list->next_in_inbox = out;
      out = list;
      list = next;
    }
    return out;
  }

  std::atomic<inbox_node*> head_{nullptr};
  inbox_node closed_;  ///< its address is the mark
};

}  // namespace reveille
