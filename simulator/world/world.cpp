#include "simulator/world/world.hpp"

#include <algorithm>
#include <map>
#include <memory>

#include "simulator/world/edge_proxy.hpp"
#include "simulator/world/http2_gateway.hpp"
#include "simulator/world/ledger.hpp"
#include "simulator/world/stranger.hpp"
#include "simulator/world/virtual_engine.hpp"

namespace reveille::world {

namespace {

constexpr instant beginning{steady_time(std::chrono::hours(1)), wall_time(std::chrono::hours(24 * 365 * 50))};

/// Everything of one run, in the order in which it must be made and unmade.
class globe {
 public:
  explicit globe(const world_config& config)
      : config_(config), when_(config.seed, beginning), truth_(when_, config.story_of), net_(when_, config.network),
        engine_(when_, net_, truth_, engine_address(), config.shards, subscribers_of(config), config.homes),
        store_(when_, config.storage, [this](shard_id home) { return engine_.answers_for(home); }),
        pushes_(make_pushes(config)) {}

  world_outcome run() {
    if (config_.small_bounds) truth_.expect_small_bounds();
    if (config_.server_transactions != 0) engine_.bound_server_transactions(config_.server_transactions);
    if (config_.forger.present) let_a_forger_in();
    engine_.start(store_, *pushes_);
    populate();
    when_.run_until(beginning.steady + seconds(30));
    const nanoseconds busy = place_calls();
    // Long enough to fill a table in which each stays for 32 s.
    if (forger_) forger_->call_nobody(when_.now().steady + std::min<nanoseconds>(busy, seconds(40)));
    plan_crashes(busy);
    plan_restorations(busy);
    if (config_.strangers) plan_strangers(busy + seconds(300));
    when_.run_until(when_.now().steady + busy + seconds(60));
    settle();
    truth_.conclude();
    pushes_->conclude();
    return outcome();
  }

 private:
  std::unique_ptr<push_service> make_pushes(const world_config& config) {
    push_service::answer_sink to_home = [this](shard_id home, pns::push_answer a) { engine_.on_push_answer(home, std::move(a)); };
    push_service::device_sink to_device = [this](const prid& token, const pns::push_order& order) { wake(token, order); };
    push_service::entry_probe has_entry = [this](const std::string& user, const call_ref& call) { return store_.holds(user, call); };
    if (config.push_path == push_path_kind::gateway) {
      return std::make_unique<provider>(when_, truth_, config.pushes, std::move(to_home), std::move(to_device), std::move(has_entry));
    }
    auto made = std::make_unique<http2_gateway>(when_, truth_, config.http2, std::move(to_home), std::move(to_device),
                                                std::move(has_entry));
    wire_ = &made->truth();
    return made;
  }

  static endpoint engine_address() { return *parse_address("192.0.2.1", 5060); }
  static endpoint edge_address() { return *parse_address("192.0.2.2", 5060); }
  static subscriber_config subscribers_of(const world_config& config) {
    subscriber_config out;
    out.planted = config.planted;
    return out;
  }

  void populate() {
    for (std::uint32_t s = 0; s < config_.subscribers; ++s) {
      const std::string user = "u" + std::to_string(s);
      const auto devices = 1 + when_.random().below(3);
      for (std::uint64_t d = 0; d < devices; ++d) {
        phone::identity who;
        who.aor_user = user;
        who.device = user + "-d" + std::to_string(d);
        who.host = static_cast<std::uint32_t>(phones_.size() + 1);
        phone_habits habits = config_.phones;
        if (config_.strangers) habits.expires = seconds(60);
        habits.has_push = !when_.chance(config_.desk_phones);
        if (habits.has_push) who.token = token_of(static_cast<std::uint32_t>(phones_.size()));
        who.nameless = when_.chance(config_.nameless);
        who.behind_edge = when_.chance(config_.behind_edge);
        if (config_.labelled > 0 && when_.chance(config_.labelled)) who.label = user + "-label-" + std::to_string(labels_[user].next++);
        who.two_flows = config_.two_flows > 0 && !who.nameless && !who.behind_edge && when_.chance(config_.two_flows);
        who.google = habits.has_push && pushes_->serves_google() && when_.chance(0.4);
        phones_.push_back(std::make_unique<phone>(when_, net_, truth_, pool_, who, habits,
                                                  who.behind_edge ? edge_address() : engine_address(), labels_[user]));
        if (!who.token.empty()) {
          by_token_[who.token] = phones_.back().get();
          pushes_->know(prid(who.token), who.device, user);
        }
        when_.after(when_.between(nanoseconds(0), seconds(10)), [p = phones_.back().get()] { p->boot(); });
      }
    }
  }

  /// 64 hexadecimal digits, as APNs' tokens have.
  static std::string token_of(std::uint32_t n) {
    std::string digits = std::to_string(n);
    return std::string(64 - digits.size(), 'a') + digits;
  }

  nanoseconds place_calls() {
    nanoseconds at{0};
    for (std::uint32_t c = 0; c < config_.calls; ++c) {
      at += std::chrono::duration_cast<nanoseconds>(
          std::chrono::duration<double>(2 * when_.random().unit() / config_.calls_per_second));
      const std::string callee = "u" + std::to_string(when_.random().below(config_.subscribers));
      callers_.push_back(
          std::make_unique<caller>(when_, net_, truth_, pool_, c, callee, config_.callers, engine_address()));
      when_.after(at, [who = callers_.back().get()] { who->call(); });
      if (forger_) {
        when_.after(std::max<nanoseconds>(at - milliseconds(200), nanoseconds(0)), [this, who = callers_.back().get()] {
          forger_->come_before(who->address(), who->branch());
        });
      }
      if (when_.chance(0.15)) refresh_somebody_of(callee, at + when_.between(nanoseconds(0), milliseconds(150)));
    }
    return at;
  }

  void plan_crashes(nanoseconds busy) {
    for (std::uint32_t i = 0; i < config_.crashes; ++i) {
      when_.after(when_.between(nanoseconds(0), busy), [this] {
        if (!engine_.running()) return;  // still down from the last time
        engine_.kill();
        store_.crash();
        truth_.engine_crashed([this](const std::string& user, const call_ref& call) { return store_.holds(user, call); });
        pushes_->forget_homes();
        when_.after(when_.between(milliseconds(1), seconds(3)), [this] {
          engine_.start(store_, *pushes_);
          engine_.resume(store_.resumable(when_.now().wall));
          truth_.engine_restarted();
        });
      });
    }
  }

  /// Backups of one phone are restored to another: it says the first one's name from then on (SPEC 1).
  void plan_restorations(nanoseconds busy) {
    if (config_.restored <= 0) return;
    for (std::size_t i = 0; i + 1 < phones_.size(); ++i) {
      phone& from = *phones_[i];
      phone& to = *phones_[i + 1];
      if (from.who().aor_user != to.who().aor_user || !when_.chance(config_.restored)) continue;
      const auto first = when_.random().below(3);
      when_.after(when_.between(nanoseconds(0), busy), [this, &from, &to, first] {
        for (std::uint64_t n = first; n < first + 3; ++n) {
          const auto which = static_cast<phone::name>(n % 3);
          if (!to.take(from, which)) continue;
          if (which == phone::name::token) by_token_[from.who().token] = &to;  // the push service knows the newer one
          return;
        }
      });
    }
  }

  /// From when the phones have registered, and some have slept for longer than their expiry, until all are called once more.
  void plan_strangers(nanoseconds until) {
    const nanoseconds phones_are_there = seconds(15);
    for (nanoseconds at = phones_are_there; at < until; at += when_.between(milliseconds(500), seconds(4))) {
      const phone* whose = phones_[when_.random().below(phones_.size())].get();
      if (whose->who().token.empty()) continue;  // open mode promises nothing to ordinary bindings
      when_.after(at, [this, whose] {
        const phone::identity& who = whose->who();
        if (when_.chance(0.5)) return stranger_.unregister(who.aor_user, who.device, who.label);
        stranger_.crowd(who.aor_user);
      });
    }
  }

  void let_a_forger_in() {
    forger_ = std::make_unique<forger>(when_, net_, pool_, config_.forger, config_.seed, engine_address());
    truth_.ignore(forger::address());
    net_.tap([who = forger_.get()](const endpoint& from, const endpoint& to, std::string_view bytes) {
      who->overhear(from, to, bytes);
    });
  }

  /// Devices register for reasons of their own too: also between an INVITE and its push.
  void refresh_somebody_of(const std::string& user, nanoseconds at) {
    std::vector<phone*> theirs;
    for (auto& p : phones_) {
      if (p->who().aor_user == user) theirs.push_back(p.get());
    }
    when_.after(at, [p = theirs[when_.random().below(theirs.size())]] { p->refresh(); });
  }

  /// Everybody is called once more while nobody hangs up and nothing fails.
  void call_the_roll() {
    caller_habits patient;
    patient.hangs_up = 0;
    for (std::uint32_t s = 0; s < config_.subscribers; ++s) {
      const std::string user = "u" + std::to_string(s);
      callers_.push_back(std::make_unique<caller>(when_, net_, truth_, pool_, config_.calls + s, user, patient, engine_address()));
      when_.after(when_.between(nanoseconds(0), seconds(20)), [who = callers_.back().get()] { who->call(); });
    }
    when_.run_until(when_.now().steady + seconds(120));
  }

  /// Faults stop; everybody comes back until all is told; then nothing may be left (invariant 8).
  void settle() {
    net_.calm();
    pushes_->calm();
    store_.calm();
    when_.run_until(when_.now().steady + seconds(240));
    call_the_roll();
    for (int round = 0; round < 3; ++round) {
      for (auto& p : phones_) {
        when_.after(when_.between(nanoseconds(0), seconds(5)), [p = p.get()] { p->come_back(); });
      }
      when_.run_until(when_.now().steady + seconds(60));
    }
    when_.run_until(when_.now().steady + seconds(120));
    if (!engine_.at_rest()) truth_.violation("8: left at rest: " + engine_.unrest());
    // SPEC 10.1: whoever waits for the disk alone makes room, and there are fewer subscribers than places for the rest.
    if (const auto n = engine_.residents_refused(); n > 0) {
      truth_.violation("8: " + std::to_string(n) + " newcomers refused by a directory of which somebody could leave");
    }
    for (const auto& p : phones_) {
      if (!p->registered()) truth_.violation("8: " + p->who().device + " never got registered");
    }
  }

  void wake(const prid& token, const pns::push_order& order) {
    const auto found = by_token_.find(token.str());
    if (found != by_token_.end()) found->second->pushed(order);
  }

  world_outcome outcome() const {
    world_outcome out;
    out.violations = truth_.violations();
    out.story = truth_.story();
    out.trace = when_.trace();
    out.steps = when_.steps();
    out.virtual_time = when_.now().steady - beginning.steady;
    out.pushes_accepted = pushes_->accepted();
    if (wire_ != nullptr) {
      out.push_requests = wire_->requests_written();
      out.push_repeats = wire_->repeated_requests();
      out.push_ambiguous = wire_->ambiguous_repeats();
    }
    out.datagrams = net_.sent();
    out.datagrams_lost = net_.lost();
    for (const auto& [id, call] : truth_.calls()) {
      ++out.offered;
      if (!call.told.empty()) ++out.told;
      if (call.finals_sent.contains(200)) {
        ++out.answered;
      } else if (call.finals_sent.contains(487)) {
        ++out.cancelled;
      } else {
        ++out.unanswered;
      }
    }
    return out;
  }

  world_config config_;
  slab_pool pool_;
  schedule when_;
  ledger truth_;
  network net_;
  virtual_engine engine_;
  faulty_store store_;
  const http2_truth* wire_ = nullptr;      ///< with `http2`
  std::unique_ptr<push_service> pushes_;
  edge_proxy edge_{net_, truth_, pool_, edge_address(), engine_address()};
  stranger stranger_{when_, net_, virtual_endpoint(0xfffe, 6666), engine_address()};
  std::map<std::string, label_book> labels_;   ///< by subscriber
  std::vector<std::unique_ptr<phone>> phones_;
  std::vector<std::unique_ptr<caller>> callers_;
  std::unique_ptr<forger> forger_;
  std::map<std::string, phone*> by_token_;
};

struct named_mistake {
  const char* name;
  bool mistakes::*member;
};
constexpr named_mistake all_mistakes[] = {
    {"skip_late_register_check", &mistakes::skip_late_register_check},
    {"skip_bucket_write", &mistakes::skip_bucket_write},
    {"push_after_cancel", &mistakes::push_after_cancel},
    {"double_invite_per_register", &mistakes::double_invite_per_register},
    {"answer_480_and_487", &mistakes::answer_480_and_487},
    {"forget_parked_on_second_device", &mistakes::forget_parked_on_second_device},
    {"ignore_deadline", &mistakes::ignore_deadline},
    {"tell_answered_calls", &mistakes::tell_answered_calls},
    {"remove_token_on_stale_410", &mistakes::remove_token_on_stale_410},
    {"release_on_other_device", &mistakes::release_on_other_device},
    {"keep_merged_branch", &mistakes::keep_merged_branch},
    {"label_hides_instance", &mistakes::label_hides_instance},
    {"refuse_when_addresses_wait", &mistakes::refuse_when_addresses_wait},
    {"drop_cancel_of_full_queue", &mistakes::drop_cancel_of_full_queue},
    {"anybody_unregisters", &mistakes::anybody_unregisters},
    {"anybody_evicts", &mistakes::anybody_evicts},
    {"match_by_branch_alone", &mistakes::match_by_branch_alone},
    {"believe_any_responder", &mistakes::believe_any_responder},
    {"keep_refused_strangers", &mistakes::keep_refused_strangers},
};

struct named_push_mistake {
  const char* name;
  bool push_mistakes::*member;
};
constexpr named_push_mistake all_push_mistakes[] = {
    {"resend_ambiguous_blindly", &push_mistakes::resend_ambiguous_blindly},
    {"ignore_goaway_last_id", &push_mistakes::ignore_goaway_last_id},
    {"forget_to_withdraw", &push_mistakes::forget_to_withdraw},
    {"forget_lost_streams", &push_mistakes::forget_lost_streams},
    {"repeat_refusals", &push_mistakes::repeat_refusals},
    {"never_reconnect", &push_mistakes::never_reconnect},
};

}  // namespace

world_outcome run(const world_config& config) {
  globe world(config);
  return world.run();
}

std::optional<mistakes> mistake_named(const std::string& name) {
  for (const named_mistake& m : all_mistakes) {
    if (name != m.name) continue;
    mistakes out;
    out.*m.member = true;
    return out;
  }
  return std::nullopt;
}

bool needs_small_bounds(const std::string& mistake) {
  return mistake == "refuse_when_addresses_wait" || mistake == "drop_cancel_of_full_queue";
}

std::vector<std::string> mistake_names() {
  std::vector<std::string> out;
  for (const named_mistake& m : all_mistakes) out.emplace_back(m.name);
  return out;
}

std::optional<push_mistakes> push_mistake_named(const std::string& name) {
  for (const named_push_mistake& m : all_push_mistakes) {
    if (name != m.name) continue;
    push_mistakes out;
    out.*m.member = true;
    return out;
  }
  return std::nullopt;
}

std::vector<std::string> push_mistake_names() {
  std::vector<std::string> out;
  for (const named_push_mistake& m : all_push_mistakes) out.emplace_back(m.name);
  return out;
}

std::string command_of(const world_config& config, const std::string& mistake) {
  return "reveille-sim world --first-seed " + std::to_string(config.seed) + " --seeds 1 --calls " +
         std::to_string(config.calls) + " --shards " + std::to_string(config.shards) +
         (config.push_path == push_path_kind::http2 ? " --push http2" : "") +
         (config.small_bounds ? " --small-bounds" : "") + (config.crashes > 0 ? " --crashes " + std::to_string(config.crashes) : "") +
         (mistake.empty() ? "" : " --mistake " + mistake);
}

}  // namespace reveille::world
