// The port for operators, and the providers' answers.
#include <sys/socket.h>
#include <unistd.h>

#include "tests/hostile/attack.hpp"
#include "tests/hostile/measure.hpp"
#include "tests/hostile/sip_requests.hpp"

namespace reveille::hostile {

namespace {
using namespace std::chrono_literals;

/// A TCP connection that closes with it.
class connection {
 public:
  explicit connection(const std::string& address) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    const sockaddr_in to = loopback_address(address);
    ::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  }
  ~connection() { ::close(socket_); }
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;
  void send(std::string_view bytes) const { ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }

 private:
  int socket_;
};

void connect_often(assault& a) {
  std::deque<connection> held;
  for (int n = 0; n < 10000 && a.next(2000); ++n) {
    held.emplace_back(a.at().admin());
    a.count();
    if (held.size() > 500) held.pop_front();
  }
}

/// 64 connections that send an octet a second, while a probe asks.
void connect_slowly(assault& a) {
  std::deque<connection> held;
  for (int i = 0; i < 64; ++i) {
    held.emplace_back(a.at().admin());
    held.back().send("GET /metrics HTTP/1.1\r\nX: ");
    a.count();
  }
  std::uint64_t asked = 0, unanswered = 0;
  while (a.next(2)) {
    for (const connection& c : held) c.send("x");
    const auto before = steady::now();
    const std::string answer = http(a.at().admin(), "GET", "/readyz");
    ++asked;
    if (answer.find(" 200 ") == answer.npos || steady::now() - before > 1s) ++unanswered;
  }
  a.remark(std::to_string(asked - unanswered) + " of " + std::to_string(asked) + " probes answered");
  if (unanswered > 0) a.harm("probes of /readyz unanswered", unanswered);
}

/// What a page in an operator's browser can send once its name leads to 127.0.0.1.
void rebind(assault& a) {
  const std::string port = a.at().admin().substr(a.at().admin().rfind(':'));
  const std::string heads[] = {"Host: attacker.example" + port + "\r\n",
                               "Host: attacker.example" + port + "\r\nOrigin: http://attacker.example" + port + "\r\n",
                               "Host: " + a.at().admin() + "\r\nOrigin: http://attacker.example\r\n"};
  std::uint64_t told = 0;
  for (std::size_t n = 0; a.next(50); ++n) {
    const std::string path = n % 2 == 0 ? "/metrics" : "/api/v1/subscribers/" + good_calls::sleeper_name(0) + "@example.com";
    if (http(a.at().admin(), "GET", path, {}, heads[n % 3]).find(" 200 ") != std::string::npos) ++told;
    a.count();
  }
  if (told > 0) a.harm("answers that a web page could read", told);
}

void enrol_called(assault& a) {
  udp_source& s = a.open("127.0.2.1");
  a.enrol(s, numbered("called", 40), [&](const std::string& user) {
    return "Contact: <sip:" + user + "@" + s.local() + apns_parameters(user) + ">;expires=3600\r\n";
  });
}

double connects(assault& a) {
  double sum = 0;
  for (const auto& [name, value] : bound_counters(http(a.at().admin(), "GET", "/metrics"))) {
    if (name.starts_with("push_connects_total")) sum += value;
  }
  return sum;
}

/// Calls to phones whose pushes get a particular answer. No answer of a provider may cost a connection for each push.
void call_them(assault& a, const std::string& rules) {
  const double connects_before = connects(a);
  http(a.at().control(), "PUT", "/faults", rules);
  udp_source& s = a.open("127.0.0.2");
  for (std::uint64_t n = 0; a.next(20); ++n) {
    request_text r;
    r.uri = aor_of("called" + std::to_string(n % 40));
    r.via = s.local();
    r.number = n;
    r.lines = "Contact: <sip:stranger@" + s.local() + ">\r\n";
    s.send(r.text());
  }
  http(a.at().control(), "DELETE", "/faults");
  const double opened = connects(a) - connects_before;
  if (opened > static_cast<double>(s.sent().datagrams) / 2) {
    a.harm("connections to providers, about one a push", static_cast<std::uint64_t>(opened));
  }
}

void expire_tokens(assault& a) {
  // "called" in hexadecimal: the good calls' own pushes are answered as ever.
  call_them(a, "[{\"provider\": \"apns\", \"token_prefix\": \"" + apns_token("called").substr(0, 12) +
                   "\", \"answer\": {\"status\": 403, \"reason\": \"ExpiredProviderToken\"}}]");
}
void say_goodbye(assault& a) { call_them(a, R"([{"every": 1, "goaway": "Shutdown"}])"); }
void say_nothing(assault& a) {
  call_them(a, "[{\"token_prefix\": \"" + apns_token("called").substr(0, 12) + "\", \"silence\": true}]");
}

const attack all[] = {
    {.name = "connections", .what = "10,000 connections to the admin port", .run = connect_often},
    {.name = "slow", .what = "64 slow connections to the admin port while a probe asks /readyz", .run = connect_slowly},
    {.name = "rebinding", .what = "requests of a web page to the admin port", .run = rebind},
    {.name = "expired", .what = "Apple answers pushes with ExpiredProviderToken", .prepare = enrol_called, .run = expire_tokens},
    {.name = "goaway", .what = "Apple and Google say GOAWAY at each push", .prepare = enrol_called, .run = say_goodbye},
    {.name = "no-answer", .what = "Apple leaves pushes unanswered", .prepare = enrol_called, .run = say_nothing},
};

}  // namespace

std::span<const attack> admin_attacks() { return all; }

}  // namespace reveille::hostile
