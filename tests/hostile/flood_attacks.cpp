// Many well-formed requests of strangers.
#include "tests/hostile/attack.hpp"
#include "tests/hostile/sip_requests.hpp"

namespace reveille::hostile {

namespace {
using namespace std::chrono_literals;

/// A small table of transactions shows in seconds what the default shows in half a minute.
const setting small_table = {.lines = {{"limits", "transactions_per_shard = 4096\n"}}};

std::string stranger(std::string_view method, const std::string& uri, const std::string& via, std::uint64_t n,
                     const std::string& lines = {}) {
  request_text r;
  r.method = method;
  r.uri = uri;
  r.via = via;
  r.number = n;
  r.lines = lines;
  return r.text();
}
std::string invite_contact(const udp_source& s) { return "Contact: <sip:stranger@" + s.local() + ">\r\n"; }

void call_unknown(assault& a) {
  udp_source* sources[] = {&a.open("127.0.0.2"), &a.open("127.0.0.3"), &a.open("127.0.0.4"), &a.open("127.0.0.5")};
  for (std::uint64_t n = 0; a.next(4000); ++n) {
    udp_source& s = *sources[n % 4];
    s.send(stranger("INVITE", aor_of("nobody" + std::to_string(n)), s.local(), n, invite_contact(s)));
  }
}

/// A phone that never wakes.
void enrol_dead_phone(assault& a) {
  udp_source& s = a.open("127.0.2.1");
  a.enrol(s, {"victim"}, [&](const std::string& user) {
    return "Contact: <sip:" + user + "@" + s.local() + fcm_parameters(user) + ">;expires=3600\r\n";
  });
}

void call_one_sleeper(assault& a) {
  udp_source* sources[] = {&a.open("127.0.0.2"), &a.open("127.0.0.3"), &a.open("127.0.0.4"), &a.open("127.0.0.5")};
  for (std::uint64_t n = 0; a.next(4000); ++n) {
    udp_source& s = *sources[n % 4];
    s.send(stranger("INVITE", aor_of("victim"), s.local(), n, invite_contact(s)));
  }
}

/// Aims at an honest phone itself: what a private network without authentication cannot forbid.
void call_good_sleeper(assault& a) {
  udp_source& s = a.open("127.0.0.2");
  for (std::uint64_t n = 0; a.next(200); ++n) {
    s.send(stranger("INVITE", aor_of(good_calls::sleeper_name(0)), s.local(), n, invite_contact(s)));
    s.send(stranger("CANCEL", aor_of(good_calls::sleeper_name(0)), s.local(), n));
  }
}

constexpr std::size_t silent_aors = 40;
constexpr std::size_t silent_contacts = 12;

void enrol_silent(assault& a) {
  udp_source& s = a.open("127.0.2.1");
  a.enrol(s, numbered("silent", silent_aors), [&](const std::string& user) {
    std::string lines;
    for (std::size_t i = 0; i < silent_contacts; ++i) {
      lines += "Contact: <sip:" + user + "-" + std::to_string(i) + "@" + s.local() + ">;expires=3600\r\n";
    }
    return lines;
  });
}

void call_silent(assault& a) {
  udp_source& s = a.open("127.0.0.2");
  for (std::uint64_t n = 0; a.next(450); ++n) {
    s.send(stranger("INVITE", aor_of("silent" + std::to_string(n % silent_aors)), s.local(), n, invite_contact(s)));
  }
}

void end_nothing(assault& a) {
  udp_source& s = a.open("127.0.0.2");
  for (std::uint64_t n = 0; a.next(5000); ++n) {
    request_text r;
    r.method = n % 2 == 0 ? "CANCEL" : "BYE";
    r.uri = aor_of(good_calls::wakeful_name(0));
    r.via = s.local();
    r.number = n;
    r.to = "<" + r.uri + ">;tag=" + std::to_string(n);
    s.send(r.text());
  }
}

void register_strangers(assault& a) {
  udp_source* sources[] = {&a.open("127.0.0.2"), &a.open("127.0.0.3"), &a.open("127.0.0.4"), &a.open("127.0.0.5")};
  for (std::uint64_t n = 0; a.next(10000); ++n) {
    udp_source& s = *sources[n % 4];
    const std::string user = "newcomer" + std::to_string(n);
    s.send(register_text(s.local(), user, "Contact: <sip:" + user + "@" + s.local() + fcm_parameters(user) + ">;expires=3600\r\n",
                         "reg-" + user, 1));
  }
}

const attack all[] = {
    {.name = "unknown", .what = "INVITEs to subscribers that do not exist, never acknowledged", .with = small_table,
     .run = call_unknown},
    {.name = "sleeping", .what = "INVITEs to one sleeping phone that never wakes", .with = small_table,
     .prepare = enrol_dead_phone, .run = call_one_sleeper},
    {.name = "aimed", .what = "INVITE and CANCEL, again and again, to a phone that honest callers call",
     .promised = promise::aimed, .run = call_good_sleeper},
    {.name = "silent", .what = "INVITEs to 40 subscribers with 12 contacts each that never answer", .with = small_table,
     .prepare = enrol_silent, .run = call_silent},
    {.name = "endings", .what = "CANCELs and BYEs that belong to nothing", .run = end_nothing},
    {.name = "strangers", .what = "REGISTERs of ever new subscribers, each with a push token", .run = register_strangers},
};

}  // namespace

std::span<const attack> flood_attacks() { return all; }

}  // namespace reveille::hostile
