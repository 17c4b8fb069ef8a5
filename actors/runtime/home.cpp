#include "actors/runtime/home.hpp"

#include <caf/actor_system.hpp>

#include <algorithm>
#include <cassert>
#include <deque>
#include <string>

#include "actors/behaviors/subscriber_actor.hpp"
#include "actors/behaviors/subscriber_messages.hpp"
#include "actors/runtime/actor_host.hpp"
#include "actors/runtime/actor_timers.hpp"
#include "actors/runtime/cold_loads.hpp"
#include "actors/runtime/home_handles.hpp"
#include "actors/runtime/mail_rounds.hpp"
#include "actors/runtime/refusals.hpp"
#include "actors/runtime/residency.hpp"
#include "actors/subscriber_config.hpp"
#include "core/prefetch.hpp"

namespace reveille {

namespace {

/// Events that ask for something new. All others belong to what is there already, and are not for dropping.
bool is_request(const subscriber_event& event) {
  return std::holds_alternative<register_received>(event) || std::holds_alternative<request_received>(event);
}

}  // namespace

class home::impl final : public mail_receiver, private residency::departures {
 public:
  impl(actor_host& host, const home_config& config, const shard_context& around, store& durable, home_outlet& outlet,
       steady_time start)
      : system_(host.system()),
        config_(config),
        around_(around),
        store_(durable),
        outlet_(outlet),
        timers_(start),
        residents_(config, *this, around.config.planted.refuse_when_addresses_wait),
        loads_(config, durable, around.home),
        queue_(new mail_queue(*this, config.mailbox_limit, host.waker(around.home))),
        mail_(queue_, [this](subscriber_actor& a) { leave_if_unknown(a); }) {}

  ~impl() override {
    const mail_queue::presence here(*queue_);
    mail_.close();
    std::vector<subscriber_actor*> all;
    residents_.all().for_each([&](subscriber_actor& a) { all.push_back(&a); });
    for (subscriber_actor* a : all) put_away(*a);
  }

  bool deliver(aor_key key, std::string_view name, subscriber_event&& event, const instant& now) {
    if (depth_ > 0) return defer({key, std::string(name), std::move(event), false});
    const turn inside(*this, now);
    return deliver_now(key, name, std::move(event));
  }

  bool deliver_if_resident(aor_key key, subscriber_event&& event, const instant& now) {
    if (depth_ > 0) return defer({key, {}, std::move(event), true});
    const turn inside(*this, now);
    return deliver_to_resident(key, event);
  }

  void prefetch(aor_key key) const { residents_.all().prefetch(key); }
  void prefetch_further(aor_key key, unsigned step) const {
    const subscriber_actor* a = residents_.all().peek(key);
    if (a == nullptr) return;
    if (step == 0) {
      prefetch_lines(a, sizeof *a);
    } else if (const subscriber* s = a->resident()) {
      s->prefetch(step - 1);
    }
  }

  subscriber_standing standing(aor_key key) const {
    const subscriber_actor* a = residents_.all().look(key);
    if (a == nullptr || a->resident() == nullptr) return subscriber_standing::absent;
    return a->resident()->parked_count() > 0 ? subscriber_standing::awaited : subscriber_standing::resident;
  }

  void on_loaded(aor_key key, const aor& name, store_token token, result<std::optional<subscriber_record>>&& record,
                 const instant& now) {
    assert(depth_ == 0);
    const turn inside(*this, now);
    subscriber_actor* a = residents_.all().find(key);
    subscriber_actor::loading* waiting = a == nullptr ? nullptr : a->waiting();
    if (waiting == nullptr || waiting->token != token || waiting->name != name) return;  // an answer nobody waits for
    loads_.answered();
    submit_loads();
    if (!record) {
      ++counters_.load_failures;
      for (const subscriber_event& event : put_away(*a)) refuse(key, event);
      return;
    }
    std::vector<subscriber_event> events;
    try {
      events = a->arrive(around_, record->has_value() ? &**record : nullptr, now);
    } catch (...) {
      ++counters_.handler_failures;
      for (const subscriber_event& event : put_away(*a)) refuse(key, event);
      return;
    }
    counters_.bindings += a->resident()->binding_count();
    counters_.parked += a->resident()->parked_count();
    residents_.arrived(*a);
    for (const subscriber_event& event : events) apply(*a, event);
    leave_if_unknown(*a);
  }

  void on_written(aor_key key, const aor& name, store_token token, bool ok, const instant& now) {
    assert(depth_ == 0);
    const turn inside(*this, now);
    subscriber_actor* a = residents_.all().find(key);
    if (a == nullptr || a->resident() == nullptr || a->name() != name.view()) return;
    apply(*a, write_finished{token, ok});
    leave_if_unknown(*a);
  }

  void on_timer(const instant& now) {
    assert(depth_ == 0);
    const turn inside(*this, now);
    mail_.run_inbox();
    timers_.advance(now.steady, [&](subscriber_actor& a, const timer_key& key) {
      apply(a, timer_fired{key});
      leave_if_unknown(a);
    });
    submit_loads();
  }

  std::optional<steady_time> next_due() const {
    if (mail_.waiting()) return last_now_.steady;
    std::optional<steady_time> due = timers_.next_due();
    if (const auto load = loads_.next_due(last_now_.steady)) due = due ? std::min(*due, *load) : *load;
    return due;
  }

  const home_counters& counters() {
    counters_.resident = residents_.all().size();
    counters_.resident_bytes = residents_.bytes();
    counters_.loads_waiting = loads_.waiting();
    counters_.timers = timers_.size();
    counters_.mail_refused = queue_->refused.load(std::memory_order_relaxed);
    return counters_;
  }

  std::size_t retire_idle(const instant& now) {
    const turn inside(*this, now);
    std::vector<subscriber_actor*> idle;
    residents_.all().for_each([&](subscriber_actor& a) {
      if (residency::may_leave(a)) idle.push_back(&a);
    });
    for (subscriber_actor* a : idle) put_away(*a);
    return residents_.all().size();
  }

  caf::actor handle_of(aor_key key, std::string_view name, const instant& now) {
    assert(depth_ == 0);
    const turn inside(*this, now);
    subscriber_actor* a = residents_.all().find(key);
    if (a == nullptr) a = admit(key, name);
    if (a == nullptr || a->name() != name) return nullptr;
    return caf::actor_cast<caf::actor>(static_cast<caf::abstract_actor*>(a));
  }

  // mail_receiver
  void take_event(subscriber_actor& actor, const subscriber_event& event) override {
    if (actor.away()) {
      // It left while somebody kept its handle: its successor takes the message, made again if need be.
      subscriber_event copy = event;
      if (actor.name().empty() || !deliver_now(actor.key(), actor.name(), std::move(copy))) refuse(actor.key(), event);
      return;
    }
    subscriber_event copy = event;
    if (!give(actor, std::move(copy))) refuse(actor.key(), event);
  }

  subscriber_summary summarise(const subscriber_actor& actor) const override {
    subscriber_summary out;
    out.loading = !actor.away() && actor.resident() == nullptr;
    if (const subscriber* s = actor.resident()) {
      out.resident = true;
      out.at_rest = s->at_rest();
      out.bindings = s->binding_count();
      out.parked = s->parked_count();
      out.bytes = s->resident_bytes() + sizeof(subscriber_actor);
    }
    return out;
  }

 private:
  struct delivery {
    aor_key key;
    std::string name;
    subscriber_event event;
    bool only_if_resident;
  };

  /// One call from outside. What it caused inside the home is done before it ends, so the caller sees all effects.
  class turn {
   public:
    turn(impl& of, const instant& now) : of_(of), here_(*of.queue_) {
      of_.last_now_ = now;
      ++of_.depth_;
    }
    ~turn() {
      of_.run_deferred();
      --of_.depth_;
    }
    turn(const turn&) = delete;
    turn& operator=(const turn&) = delete;

   private:
    impl& of_;
    mail_queue::presence here_;
  };

  void run_deferred() {
    do {
      while (!deferred_.empty()) {
        const delivery d = std::move(deferred_.front());
        deferred_.pop_front();
        if (d.only_if_resident) {
          deliver_to_resident(d.key, d.event);
        } else if (!deliver_now(d.key, d.name, subscriber_event(d.event))) {
          refuse(d.key, d.event);
        }
      }
      mail_.run_own();
    } while (!deferred_.empty());
    residents_.shrink();
  }

  bool defer(delivery&& d) {
    if (deferred_.size() >= config_.deferred_limit && is_request(d.event)) {
      ++counters_.deferred_refused;
      return false;
    }
    deferred_.push_back(std::move(d));
    return true;
  }

  bool deliver_now(aor_key key, std::string_view name, subscriber_event&& event) {
    subscriber_actor* a = residents_.all().find(key);
    if (a == nullptr) a = admit(key, name);
    if (a == nullptr) return false;
    if (a->name() != name) {
      ++counters_.collisions;
      return false;
    }
    if (a->has_mail()) a->take_early();
    return give(*a, std::move(event));
  }

  bool deliver_to_resident(aor_key key, const subscriber_event& event) {
    subscriber_actor* a = residents_.all().find(key);
    if (a == nullptr || a->resident() == nullptr) return false;
    if (a->has_mail()) a->take_early();
    if (a->resident() == nullptr) return false;
    apply(*a, event);
    leave_if_unknown(*a);
    return true;
  }

  /// To the subscriber, or behind those that wait for its record.
  bool give(subscriber_actor& a, subscriber_event&& event) {
    if (a.away()) return deliver_now(a.key(), a.name(), std::move(event));
    if (auto* waiting = a.waiting()) {
      if (!has_place(*waiting, event)) {
        ++counters_.queue_full;
        return false;
      }
      waiting->events.push_back(std::move(event));
      return true;
    }
    apply(a, event);
    leave_if_unknown(a);
    return true;
  }

  /// Requests up to the bound. A CANCEL always has a place behind its INVITE, and only there has it anything to do; so
  /// there are as many as INVITEs at most. The rest, which no peer can multiply, as many again.
  bool has_place(const subscriber_actor::loading& waiting, const subscriber_event& event) const {
    const bool planted = around_.config.planted.drop_cancel_of_full_queue;
    if (waiting.events.size() < config_.queue_limit) return true;
    if (is_request(event) || planted) return false;
    if (const auto* cancel = std::get_if<cancel_received>(&event)) {
      return std::any_of(waiting.events.begin(), waiting.events.end(), [&](const subscriber_event& e) {
        const auto* request = std::get_if<request_received>(&e);
        return request != nullptr && request->transaction == cancel->transaction;
      });
    }
    return waiting.events.size() < 3 * config_.queue_limit;
  }

  /// Makes the actor of an AOR that is not here and asks the store for its record, if there can be one.
  subscriber_actor* admit(aor_key key, std::string_view name) {
    aor whole{name};
    const bool stored = !store_.surely_absent(whole);
    const store_token token{++last_load_};
    if (!has_room()) return nullptr;
    if (stored && !loads_.ask(key, whole, token, last_now_.steady)) {
      ++counters_.loads_refused;
      return nullptr;
    }
    caf::actor made = subscriber_actor::spawn(system_, queue_, key, std::move(whole));
    subscriber_actor& a = subscriber_actor::behind(made);
    a.waiting()->token = token;
    if (!stored) a.arrive(around_, nullptr, last_now_);
    a.intrusive_ptr_add_ref_impl();  // the directory's
    residents_.add(a);
    ++counters_.spawned;
    ++(stored ? counters_.loads : counters_.loads_spared);
    return &a;
  }

  void submit_loads() {
    loads_.submit(
        last_now_.steady,
        [this](aor_key key, store_token token) -> const aor& {
          subscriber_actor::loading* waiting = residents_.all().find(key)->waiting();
          assert(waiting != nullptr && waiting->token == token);  // nobody leaves before his record is here
          static_cast<void>(token);
          return waiting->name;
        },
        [this](aor_key key) {
          ++counters_.loads_late;
          for (const subscriber_event& event : put_away(*residents_.all().find(key))) refuse(key, event);
        });
  }

  bool has_room() {
    const residency::entry entry = residents_.admit();
    if (entry == residency::entry::too_many) ++counters_.residents_refused;
    if (entry == residency::entry::too_many_bytes) ++counters_.bytes_refused;
    return entry == residency::entry::granted;
  }

  // residency::departures
  bool let_go(subscriber_actor& a) override {
    if (auto address = a.resident()->unwritten()) {
      if (!store_.try_write(around_.home, a.key(), a.resident()->name(), std::move(*address), store_token{})) {
        ++counters_.writes_refused;
        return false;
      }
      ++counters_.left_early;
    }
    put_away(a);
    return true;
  }

  /// @return events that waited for its record, to be answered by the caller.
  std::vector<subscriber_event> put_away(subscriber_actor& a) {
    if (const subscriber* s = a.resident()) {
      counters_.bindings -= s->binding_count();
      counters_.parked -= s->parked_count();
    }
    residents_.remove(a);
    timers_.clear_all(a);
    std::vector<subscriber_event> events = a.leave();
    ++counters_.left;
    a.intrusive_ptr_release_impl();
    return events;
  }

  /// A stranger's AOR leaves nothing behind.
  void leave_if_unknown(subscriber_actor& a) {
    if (a.away() || a.resident() == nullptr) return;
    if (a.resident()->unknown() && residency::may_leave(a)) {
      put_away(a);
    } else if (residents_.must_leave(a)) {
      let_go(a);
    }
  }

  void apply(subscriber_actor& a, const subscriber_event& event) {
    subscriber& s = *a.resident();
    const std::size_t bindings = s.binding_count();
    const std::size_t parked = s.parked_count();
    todo_.clear();
    bool done = false;
    try {
      s.apply(event, last_now_, todo_);
      done = true;
    } catch (...) {
      // Half a list of effects is worse than none: whoever asked hears 503 and may ask again.
      ++counters_.handler_failures;
    }
    counters_.bindings += s.binding_count() - bindings;
    counters_.parked += s.parked_count() - parked;
    residents_.count(a);
    if (!done) {
      refuse(a.key(), event);
      return;
    }
    for (effect& e : todo_) perform(a, std::move(e));
  }

  void perform(subscriber_actor& a, effect&& what) {
    if (const auto* t = std::get_if<set_timer>(&what)) {
      timers_.set(a, t->key, t->due);
    } else if (const auto* c = std::get_if<clear_timer>(&what)) {
      timers_.clear(a, c->key);
    } else if (auto* w = std::get_if<write>(&what)) {
      const store_token token = w->token;
      if (store_.try_write(around_.home, a.key(), a.resident()->name(), std::move(w->mutation), token)) return;
      ++counters_.writes_refused;
      if (token.value != 0) deferred_.push_back({a.key(), {}, write_finished{token, false}, true});
    } else {
      try {
        outlet_.perform(a.key(), std::move(what), last_now_);
      } catch (...) {
        ++counters_.handler_failures;
      }
    }
  }

  void refuse(aor_key key, const subscriber_event& event) {
    if (auto answer = refusal_of(event, around_.pool, around_.random)) {
      try {
        outlet_.perform(key, std::move(*answer), last_now_);
      } catch (...) {
        ++counters_.handler_failures;
      }
    }
  }

  caf::actor_system& system_;
  home_config config_;
  shard_context around_;
  store& store_;
  home_outlet& outlet_;
  actor_timers timers_;
  residency residents_;
  cold_loads loads_;
  boost::intrusive_ptr<mail_queue> queue_;
  mail_rounds mail_;
  std::deque<delivery> deferred_;
  effects todo_;                         ///< of the event being applied; never shrunk
  instant last_now_{};
  std::size_t depth_ = 0;
  std::uint64_t last_load_ = 0;
  home_counters counters_;
};

home::home(actor_host& host, const home_config& config, const shard_context& around, store& durable, home_outlet& outlet,
           steady_time start)
    : impl_(std::make_unique<impl>(host, config, around, durable, outlet, start)) {}
home::~home() = default;

bool home::deliver(aor_key key, std::string_view name, subscriber_event&& event, const instant& now) {
  return impl_->deliver(key, name, std::move(event), now);
}
bool home::deliver_if_resident(aor_key key, subscriber_event&& event, const instant& now) {
  return impl_->deliver_if_resident(key, std::move(event), now);
}
void home::prefetch(aor_key key) const { impl_->prefetch(key); }
void home::prefetch_further(aor_key key, unsigned step) const { impl_->prefetch_further(key, step); }
subscriber_standing home::standing(aor_key key) const { return impl_->standing(key); }
void home::on_loaded(aor_key key, const aor& name, store_token token,
                     result<std::optional<subscriber_record>>&& record, const instant& now) {
  impl_->on_loaded(key, name, token, std::move(record), now);
}
void home::on_written(aor_key key, const aor& name, store_token token, bool ok, const instant& now) {
  impl_->on_written(key, name, token, ok, now);
}
void home::on_timer(const instant& now) { impl_->on_timer(now); }
std::optional<steady_time> home::next_due() const { return impl_->next_due(); }
const home_counters& home::counters() const { return impl_->counters(); }
std::size_t home::retire_idle(const instant& now) { return impl_->retire_idle(now); }

caf::actor handle_of(home& of, aor_key key, std::string_view name, const instant& now) {
  return of.impl_->handle_of(key, name, now);
}

}  // namespace reveille
