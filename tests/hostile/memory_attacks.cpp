// What fills memory, tables and the pool of message buffers.
#include "tests/hostile/attack.hpp"
#include "tests/hostile/sip_requests.hpp"

namespace reveille::hostile {

namespace {
using namespace std::chrono_literals;

constexpr std::size_t path_lines = 4;
constexpr std::size_t path_octets = 3400;  ///< of each; all headers together may have 16 KB
constexpr std::size_t contacts = 12;

/// 12 contacts that share a long Path, for ever new subscribers: few octets in, many kept.
void register_paths(assault& a) {
  udp_source& s = a.open("127.0.0.2");
  std::string path = "Supported: path\r\n";
  for (std::size_t i = 0; i < path_lines; ++i) {
    path += "Path: <sip:" + std::string(path_octets, 'p') + "@" + s.local() + ";lr>\r\n";
  }
  for (std::uint64_t n = 0; a.next(100); ++n) {
    const std::string user = "pathed" + std::to_string(n);
    std::string lines;
    for (std::size_t i = 0; i < contacts; ++i) {
      lines += "Contact: <sip:" + std::to_string(i) + "@" + s.local() + ">;expires=3600\r\n";
    }
    s.send(register_text(s.local(), user, lines, "path-" + user, 1, path));
  }
}

const setting few_residents = {.lines = {{"limits", "resident_subscribers = 1000\n"}}};
constexpr std::uint32_t refreshers = 4000;

std::string plain_contact(const std::string& user, const udp_source& s) {
  return "Contact: <sip:" + user + "@" + s.local() + fcm_parameters(user) + ">;expires=3600\r\n";
}

void enrol_many(assault& a) {
  udp_source& s = a.open("127.0.2.1");
  a.enrol(s, numbered("many", refreshers), [&](const std::string& user) { return plain_contact(user, s); });
}

/// All refresh at once, four times as many as may be in memory. None of them is hostile: each must get its 200.
void refresh_all(assault& a) {
  udp_source& s = a.open("127.0.2.2");
  std::uint64_t refused = 0;
  a.on_answer([&](std::string_view bytes) { refused += bytes.starts_with("SIP/2.0 5"); });
  for (std::uint32_t n = 0; a.next(1000); ++n) {
    const std::string user = "many" + std::to_string(n % refreshers);
    s.send(register_text(s.local(), user, plain_contact(user, s), "enrol-" + user, 2 + n / refreshers));
  }
  a.pause(100ms);
  a.on_answer({});
  if (refused > 0) a.harm("refreshes refused", refused);
}

/// A subscriber who is not in memory gets more messages than may wait for its record, then the CANCEL of its call.
void cancel_cold(assault& a) {
  udp_source& s = a.open("127.0.0.2");
  constexpr std::uint32_t burst = 100;
  std::uint64_t lost = 0;
  for (std::uint64_t n = 0; a.next(10); ++n) {
    const std::string uri = aor_of("many" + std::to_string(n * 7 % refreshers));
    request_text call;
    call.uri = uri;
    call.via = s.local();
    call.number = n;
    call.lines = "Contact: <sip:stranger@" + s.local() + ">\r\n";
    request_text cancel = call;
    cancel.method = "CANCEL";
    cancel.branch = "z9hG4bK-INVITE-" + std::to_string(n) + "-1";
    cancel.lines.clear();
    std::vector<std::string> all = {call.text()};
    for (std::uint32_t i = 0; i < burst; ++i) {
      request_text message = call;
      message.method = "MESSAGE";
      message.number = 1'000'000 + n * burst + i;
      all.push_back(message.text());
    }
    all.push_back(cancel.text());
    for (const std::string& text : all) s.send(text);
    bool cancelled = false, ended = false;
    a.on_answer([&](std::string_view bytes) {
      const auto response = load::read_sip(bytes);
      if (!response || response->status < 200 || response->branch != cancel.branch) return;
      if (response->cseq_method == "CANCEL") cancelled = response->status == 200;
      if (response->cseq_method == "INVITE") ended = true;
    });
    const auto until = steady::now() + 2s;
    while (!ended && steady::now() < until) a.pause(1ms);
    a.on_answer({});
    if (cancelled && !ended) ++lost;
  }
  if (lost > 0) a.harm("calls whose CANCEL got 200 and went on", lost);
}

const setting small_pool = {.lines = {{"limits", "pool_bytes = \"32MiB\"\n"}}};

void enrol_hundred(assault& a) {
  udp_source& s = a.open("127.0.2.1");
  a.enrol(s, numbered("parking", 100), [&](const std::string& user) {
    return "Contact: <sip:" + user + "@" + s.local() + ">;expires=3600\r\n";
  });
}

/// Large INVITEs to phones that say nothing fill the pool; when these have said 486, requests of 3 KB must be served again.
void fill_pool(assault& a) {
  udp_source& s = a.open("127.0.0.2");
  std::vector<request_text> calls;
  for (std::uint64_t n = 0; n < 1000 && a.next(1000); ++n) {
    request_text call;
    call.uri = aor_of("parking" + std::to_string(n % 100));
    call.via = s.local();
    call.number = n;
    call.lines = "Contact: <sip:stranger@" + s.local() + ">\r\n";
    call.body = std::string(60000, 'v');
    s.send(call.text());
    calls.push_back(std::move(call));
  }
  a.answer_busy(true);
  a.pause(2s);
  for (const request_text& call : calls) {
    request_text ack = call;
    ack.method = "ACK";
    ack.branch = "z9hG4bK-INVITE-" + std::to_string(call.number) + "-1";
    ack.lines.clear();
    ack.body.clear();
    s.send(ack.text());
    if (!a.next(4000)) break;
  }
  udp_source& honest = a.open("127.0.2.3");
  std::uint64_t asked = 0, answered = 0;
  a.on_answer([&](std::string_view bytes) { answered += bytes.starts_with("SIP/2.0 100"); });
  while (a.next(100)) {
    request_text call;
    call.uri = aor_of("parking" + std::to_string(asked % 100));
    call.via = honest.local();
    call.number = 1'000'000 + ++asked;
    call.lines = "Contact: <sip:honest@" + honest.local() + ">\r\n";
    call.body = std::string(2500, 'o');
    honest.send(call.text());
  }
  a.pause(500ms);
  a.on_answer({});
  a.remark(std::to_string(answered) + " of " + std::to_string(asked) + " calls of 3 KB taken after the burst");
  if (answered < asked) a.harm("calls of 3 KB not taken after the burst", asked - answered);
}

const attack all[] = {
    {.name = "paths", .what = "12 contacts that share 14 KB of Path, for ever new subscribers", .run = register_paths},
    {.name = "refresh", .what = "4,000 phones refresh, 1,000 may be in memory (no attack: a bad day)", .with = few_residents,
     .prepare = enrol_many, .run = refresh_all},
    {.name = "cold", .what = "100 messages and a CANCEL to a subscriber whose record is still being read", .with = few_residents,
     .prepare = enrol_many, .run = cancel_cold},
    {.name = "pool", .what = "1,000 INVITEs of 60 KB that nobody answers for a second, in a pool of 32 MiB", .promised = promise::well_after,
     .with = small_pool, .prepare = enrol_hundred, .run = fill_pool},
};

}  // namespace

std::span<const attack> memory_attacks() { return all; }

}  // namespace reveille::hostile
