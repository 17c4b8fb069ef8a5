#include "scripted_subscriber.hpp"

#include <variant>

namespace reveille {

struct subscriber::state {
  aor_key key;
  aor name;
};

subscriber_script& script() {
  static subscriber_script s;
  return s;
}

std::string text_of(const subscriber_event& event) {
  if (const auto* p = std::get_if<push_answered>(&event)) return "push " + std::to_string(p->answer.id.number);
  if (const auto* w = std::get_if<write_finished>(&event)) {
    return "written " + std::to_string(w->token.value) + (w->ok ? " ok" : " failed");
  }
  if (const auto* t = std::get_if<timer_fired>(&event)) return "timer " + std::to_string(t->key.of.call);
  if (std::holds_alternative<register_received>(event)) return "register";
  return "event " + std::to_string(event.index());
}

subscriber::subscriber(const shard_context&, aor_key key, aor name, const subscriber_record* record, const instant&)
    : state_(std::make_unique<state>(state{key, std::move(name)})) {
  script().threads.insert(std::this_thread::get_id());
  script().log.push_back("made " + state_->name.str() + (record ? " from '" + record->bindings + "'" : ""));
}

subscriber::~subscriber() {
  script().threads.insert(std::this_thread::get_id());
  script().log.push_back("gone " + state_->name.str());
}

void subscriber::apply(const subscriber_event& event, const instant&, effects& out) {
  script().threads.insert(std::this_thread::get_id());
  script().log.push_back(state_->name.str() + ": " + text_of(event));
  if (script().apply) script().apply(state_->name.str(), event, out);
}

const aor& subscriber::name() const { return state_->name; }
aor_key subscriber::key() const { return state_->key; }
bool subscriber::at_rest() const {
  return !script().busy.contains(state_->name.str()) && !script().dirty.contains(state_->name.str());
}
bool subscriber::waits_only_to_write() const {
  return script().dirty.contains(state_->name.str()) && !script().busy.contains(state_->name.str());
}
std::optional<store_mutation> subscriber::unwritten() const {
  if (!waits_only_to_write()) return std::nullopt;
  return put_bindings{"address of " + state_->name.str(), write_urgency::behind};
}
bool subscriber::unknown() const { return script().unknown.contains(state_->name.str()); }
std::size_t subscriber::binding_count() const { return unknown() ? 0 : 1; }
std::size_t subscriber::parked_count() const { return script().awaited.contains(state_->name.str()) ? 1 : 0; }
std::size_t subscriber::resident_bytes() const {
  const auto found = script().bytes.find(state_->name.str());
  return found == script().bytes.end() ? sizeof(state) : found->second;
}
void subscriber::prefetch(unsigned) const {}

}  // namespace reveille
