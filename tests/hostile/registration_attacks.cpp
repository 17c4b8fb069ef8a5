// REGISTERs that make the engine send much, or that touch the bindings of others.
#include "tests/hostile/attack.hpp"
#include "tests/hostile/sip_requests.hpp"

namespace reveille::hostile {

namespace {
using namespace std::chrono_literals;

constexpr std::size_t contacts = 12;

/// Octets out for each one in that an unproven source may get: a 200 is longer than its REGISTER, no more.
constexpr double small_multiple = 5;
/// Of a MESSAGE that leaves twelve times with our Via and Record-Route, and is repeated a little.
constexpr double forked_multiple = 30;

std::string some_contacts(std::size_t from, std::size_t to, const std::string& user, const std::string& address,
                          std::size_t padding) {
  std::string lines;
  for (std::size_t i = from; i < to; ++i) {
    lines += "Contact: <sip:" + user + "-" + std::to_string(i) + "@" + address + ";x=" + std::string(padding, 'y') +
             ">;expires=3600\r\n";
  }
  return lines;
}

void enrol_rich(assault& a) {
  udp_source& s = a.open("127.0.2.1");
  for (std::size_t i = 0; i < contacts; i += 3) {
    a.enrol(s, {"rich"}, [&](const std::string& user) { return some_contacts(i, i + 3, user, s.local(), 4500); });
  }
}

void fetch(assault& a) {
  udp_source& s = a.open("127.0.0.2");
  for (std::uint32_t n = 1; a.next(500); ++n) s.send(register_text(s.local(), "rich", "", "fetch-" + std::to_string(n), n));
}

/// One REGISTER with 12 contacts at the third party, then small MESSAGEs: each leaves twelve times, and again until answered.
void enrol_third_party(assault& a) {
  udp_source& s = a.open("127.0.2.1");
  a.enrol(s, {"relay"}, [&](const std::string& user) { return some_contacts(0, contacts, user, s.local(), 0); });
}

void send_messages(assault& a) {
  udp_source& s = a.open("127.0.0.2");
  for (std::uint64_t n = 0; a.next(100); ++n) {
    request_text r;
    r.method = "MESSAGE";
    r.uri = aor_of("relay");
    r.via = s.local();
    r.number = n;
    s.send(r.text());
  }
}

/// 404s that are sent again and again to a source that may never have asked.
void ask_in_vain(assault& a) {
  udp_source& s = a.open("127.0.0.2");
  for (std::uint64_t n = 0; a.next(200); ++n) {
    request_text r;
    r.uri = aor_of("nobody" + std::to_string(n));
    r.via = s.local();
    r.number = n;
    s.send(r.text());
  }
}

/// Twelve contacts of a stranger at the subscriber of a sleeping phone whose address is stale: the bound on contacts must not cost it its own.
void crowd_out(assault& a) {
  udp_source& s = a.open("127.0.0.2");
  for (std::uint32_t n = 0; a.next(20); ++n) {
    const std::string user = good_calls::sleeper_name(n % good_calls::sleepers);
    std::string lines;
    for (std::size_t i = 0; i < contacts; ++i) {
      lines += "Contact: <sip:foreign" + std::to_string(n) + "-" + std::to_string(i) + "@" + s.local() + ">;expires=60\r\n";
    }
    s.send(register_text(s.local(), user, lines, "crowd-" + std::to_string(n), 1));
  }
}

/// Removals of a phone's push binding by its address or by `*`, without its token.
void unregister_others(assault& a) {
  udp_source& s = a.open("127.0.0.2");
  for (std::uint32_t n = 0; a.next(50); ++n) {
    const std::string user = good_calls::sleeper_name(n / 2 % good_calls::sleepers);
    const std::string contact = n % 2 == 0 ? "Contact: <sip:" + user + "@" + a.good().phone_address() + ">;expires=0\r\n"
                                           : "Contact: *\r\nExpires: 0\r\n";
    s.send(register_text(s.local(), user, contact, "removal-" + std::to_string(n), 1));
  }
}

/// A 200 that grows too large to be sent, because a stranger's contacts are listed in it.
void swell_answers(assault& a) {
  udp_source& s = a.open("127.0.0.2");
  for (std::uint32_t n = 0; a.next(20); ++n) {
    const std::string user = good_calls::sleeper_name(n % good_calls::sleepers);
    s.send(register_text(s.local(), user,
                         "Contact: <sip:fat" + std::to_string(n / 4 % 8) + "@" + s.local() + ";x=" + std::string(8000, 'y') +
                             ">;expires=60\r\n",
                         "swell-" + std::to_string(n), 1));
  }
}

void enrol_waiting(assault& a) {
  udp_source& s = a.open("127.0.2.1");
  a.enrol(s, {"waiting"}, [&](const std::string& user) {
    return "Contact: <sip:" + user + "@" + s.local() + fcm_parameters(user) + ">;expires=3600\r\n";
  });
}

/// Registers and un-registers other devices of a subscriber while a call waits there.
void cycle(assault& a) {
  udp_source& s = a.open("127.0.0.2");
  request_text call;
  call.uri = aor_of("waiting");
  call.via = s.local();
  call.lines = "Contact: <sip:stranger@" + s.local() + ">\r\n";
  s.send(call.text());
  for (std::uint32_t n = 0; a.next(1000); ++n) {
    const std::string device = "device" + std::to_string(n / 2);
    s.send(register_text(s.local(), "waiting",
                         "Contact: <sip:" + device + "@" + s.local() + fcm_parameters(device) + ">;expires=" +
                             (n % 2 == 0 ? "3600" : "0") + "\r\n",
                         "cycle-" + device, n % 2 + 1));
  }
}

const attack all[] = {
    {.name = "fetch", .what = "REGISTERs that only ask, about a subscriber with 12 long contacts", .most_amplification = small_multiple,
     .prepare = enrol_rich, .run = fetch},
    {.name = "message", .what = "MESSAGEs to a subscriber whose 12 contacts are a third party that never answers",
     .most_amplification = forked_multiple, .prepare = enrol_third_party, .run = send_messages},
    {.name = "repeats", .what = "INVITEs whose 404 is never acknowledged, so that it is repeated",
     .most_amplification = small_multiple, .run = ask_in_vain},
    {.name = "crowd", .what = "12 contacts of a stranger at the subscribers of sleeping phones, again and again",
     .with = {.lines = {{"registrar", "min_expires = \"1s\"\n"}}, .phone_expires = 1}, .run = crowd_out},
    {.name = "removals", .what = "a stranger un-registers sleeping phones by address and by *", .run = unregister_others},
    {.name = "swelling", .what = "contacts of 8 KB that make the phone's own 200 too large to send", .run = swell_answers},
    {.name = "cycles", .what = "devices registered and un-registered while a call waits for their subscriber",
     .prepare = enrol_waiting, .run = cycle},
};

}  // namespace

std::span<const attack> registration_attacks() { return all; }

}  // namespace reveille::hostile
