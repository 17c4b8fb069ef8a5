#include "mock_entries.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "mock_providers/control/control_api.hpp"
#include "mock_providers/control/control_conversation.hpp"
#include "mock_providers/fcm/fcm_message.hpp"
#include "mock_providers/requests/json_check.hpp"
#include "mock_providers/server/provider_session.hpp"

namespace reveille::fuzz {
namespace {

using namespace reveille::mock_providers;
using nlohmann::json;

constexpr instant present{steady_time(seconds(5000)), wall_time(seconds(1'700'000'000))};

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "property does not hold: %s\n", what);
  std::abort();
}

std::string_view text_of(const std::uint8_t* data, std::size_t size) { return {reinterpret_cast<const char*>(data), size}; }

struct nobody final : device_sink {
  void deliver(const delivery&) override {}
};

/// The keys take a while: once.
std::unique_ptr<provider_backend> new_backend(random_source& random) {
  static const credentials keys = credentials::generate().value();
  static nobody sink;
  behaviour how;
  how.delivery = {};
  how.record_limit = 16;
  how.ledger_limit = 100;
  how.legacy_key = "key";
  return provider_backend::make({}, keys, how, "https://localhost/token", random, sink, present).value();
}

/// Of all inputs that change nothing in it but the record.
provider_backend& common_backend() {
  static seeded_random random(1);
  static const auto backend = new_backend(random);
  backend->clear_record();
  backend->clear_ledger();
  return *backend;
}

/// What the control port steers; the backend is made when somebody asks for it.
struct fuzzed_mock final : controlled_mock {
  provider_backend& backend() override {
    if (!made) made = new_backend(random);
    return *made;
  }
  instant now() const override { return present; }
  instant started() const override { return present; }
  mock_counters present_counters() override { return backend().counters(); }
  void take_script(fault_script script) override { backend().use(std::move(script), present); }
  bool add_rules(fault_script more) override { return backend().add_rules(std::move(more), present); }
  std::vector<connection_facts> connections() const override {
    connection_facts one;
    one.id = 1;
    one.protocol = "h2";
    return {one};
  }
  bool reset_connection(std::uint64_t id) override { return id == 1; }
  void reset_all_connections() override {}
  goodbye say_goodbye(std::uint64_t id, const scripted_goaway&) override {
    return id == 1 ? goodbye::said : goodbye::no_such_connection;
  }
  seeded_random random{1};
  std::unique_ptr<provider_backend> made;
};

struct no_delay final : answer_delayer, clock {
  void delivery_waits() override {}
  void delay(steady_time, std::weak_ptr<answering_session*>, std::uint32_t, decision) override {}
  void pause(steady_time, std::weak_ptr<answering_session*>) override {}
  void began(front, std::weak_ptr<answering_session*>) override {}
  instant now() const override { return present; }
};

std::size_t depth_of(std::string_view text) {
  std::size_t depth = 0, most = 0;
  bool inside = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (inside && c == '\\') ++i;
    else if (c == '"') inside = !inside;
    else if (!inside && (c == '{' || c == '[')) most = std::max(most, ++depth);
    else if (!inside && (c == '}' || c == ']') && depth > 0) --depth;
  }
  return most;
}

bool too_great(std::string_view text) {
  try {
    [[maybe_unused]] const json whole = json::parse(text);
  } catch (const json::out_of_range&) {
    return true;
  } catch (const json::exception&) {
  }
  return false;
}

/// A whole HTTP/1.1 answer, perhaps behind 100 Continue; its body.
std::string_view body_of(std::string_view answer) {
  constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
  if (answer.starts_with(go_on)) answer.remove_prefix(go_on.size());
  require(answer.starts_with("HTTP/1.1 "), "an answer is HTTP");
  const std::size_t end = answer.find("\r\n\r\n");
  require(end != answer.npos, "an answer has a head");
  const std::string_view head = answer.substr(0, end);
  constexpr std::string_view name = "Content-Length: ";
  const std::size_t at = head.find(name);
  require(at != head.npos, "an answer says its length");
  const std::string_view body = answer.substr(end + 4);
  require(std::to_string(body.size()) == head.substr(at + name.size(), std::to_string(body.size()).size()), "and is as long");
  return body;
}

void converse(byte_session& session, std::string_view bytes, std::size_t piece) {
  std::vector<std::uint8_t> out;
  while (!bytes.empty() && !session.finished()) {
    const std::string_view part = bytes.substr(0, piece);
    bytes.remove_prefix(part.size());
    session.receive({reinterpret_cast<const std::uint8_t*>(part.data()), part.size()}, present);
    out.clear();
    session.produce(out, 64 * 1024);
  }
  session.closed(present);
}

}  // namespace

void mock_script(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = text_of(data, size);
  auto script = fault_script::parse(text);
  if (!script) {
    const script_fault& f = script.error();
    require(!f.what.empty() && !f.reason.empty(), "a fault has words");
    const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
    require(f.line <= lines && (f.line == 0) == (f.column == 0) && f.column <= size + 1, "a fault has a place");
    return;
  }
  std::string printed = "[";
  for (std::size_t i = 0; i < script->size(); ++i) printed.append(i == 0 ? "" : ",").append(script->at(i).text);
  printed += "]";
  const auto again = fault_script::parse(printed);
  require(again && again->size() == script->size(), "what was read reads back");
  for (std::size_t i = 0; i < script->size(); ++i) require(again->at(i).text == script->at(i).text, "as itself");
  seeded_random random(3);
  fault_line line;
  (void)script->append(*again, seconds(1));
  for (int i = 0; i < 20; ++i) {
    const auto target = static_cast<fault_target>(i % 4);
    const fault_action a = script->next({target, "com.example.phone", "aabb", "/3/device/aabb"}, seconds(i), line, random);
    require(a.delay >= nanoseconds(0), "no answer comes before its request");
    (void)script->standing(target, seconds(i));
    if (const auto next = script->next_change(seconds(i))) require(*next > seconds(i), "a change lies ahead");
    if (a.answer) (void)render(*a.answer, target, "/3/device/aabb", "id");
  }
}

void mock_message(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = text_of(data, size);
  const bool object = is_json_object(text);
  const json parsed = depth_of(text) <= max_json_depth ? json::parse(text, nullptr, false) : json();
  // The library skips a byte order mark, takes a NUL for the end, and refuses numbers that no double holds.
  const bool odd = text.starts_with("\xef\xbb\xbf") || text.find('\0') != text.npos || (object && parsed.is_discarded() && too_great(text));
  if (depth_of(text) <= max_json_depth && !odd) require(object == parsed.is_object(), "both readers of JSON agree");
  provider_answer fault;
  const auto message = read_fcm_message(text, fault);
  if (message) {
    require(message->data.empty() || json::accept(message->data), "data is JSON");
    require(!message->ttl || *message->ttl >= seconds(0), "a ttl is none of the past");
  } else {
    require(fault.status == 400 && json::accept(fault.body), "a refusal is JSON");
  }
  connection_state line;
  line.front = front::google;
  http2::header_block headers;
  headers.add("authorization", "key=key", 1000);
  const decision d = common_backend().take(line, {"POST", "/fcm/send", headers, text, false}, present);
  require(d.answer.status == 200 || d.answer.status == 400, "the legacy API takes or refuses");
  if (d.answer.status == 200) require(json::accept(d.answer.body), "and answers with JSON");
}

void mock_control(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = text_of(data, size);
  if (text.empty()) return;
  const std::size_t piece = static_cast<unsigned char>(text.front()) + 1U;
  fuzzed_mock mock;
  control_conversation talk(mock);
  std::string out;
  for (std::string_view rest = text.substr(1); !rest.empty(); rest.remove_prefix(std::min(piece, rest.size()))) {
    talk.receive(rest.substr(0, piece), out);
  }
  if (out.starts_with("HTTP/1.1 100 Continue") && !talk.ended()) return;
  if (out.starts_with("HTTP/1.1 ")) {
    const std::string_view body = body_of(out);
    if (out.find("application/json") != out.npos) require(json::accept(body), "an answer is JSON");
    return;
  }
  for (std::string_view rest = out; !rest.empty();) {
    const std::size_t end = rest.find('\n');
    require(end != rest.npos && json::accept(rest.substr(0, end)), "each line is JSON");
    rest.remove_prefix(end + 1);
  }
}

void mock_http1(const std::uint8_t* data, std::size_t size) {
  no_delay around;
  const auto session = make_h1_session({common_backend(), around, around}, front::google, nullptr);
  converse(*session, text_of(data, size), 1000);
}

void mock_http2(const std::uint8_t* data, std::size_t size) {
  no_delay around;
  const std::string bytes = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + std::string(text_of(data, size));
  for (const front f : {front::apns, front::google}) {
    const auto session = make_h2_session({common_backend(), around, around}, f, nullptr);
    converse(*session, bytes, 1000);
  }
}

}  // namespace reveille::fuzz
