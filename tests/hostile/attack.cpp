#include "tests/hostile/attack.hpp"

#include <algorithm>
#include <set>
#include <thread>

#include "tests/hostile/sip_requests.hpp"

namespace reveille::hostile {

namespace {
using namespace std::chrono_literals;
constexpr std::size_t enrol_window = 64;
constexpr auto enrol_time = 5s;
}  // namespace

udp_source& assault::open(const std::string& address) {
  return sources_.emplace_back(address, loopback_address(stand_.sip()));
}

bool assault::next(double per_second) {
  const double rate = std::max(per_second * scale_, 1.0);
  // Who falls behind by more than a tenth of a second sends no burst to make up for it.
  const auto due = std::max(next_due_, steady::now() - 100ms);
  next_due_ = due + std::chrono::duration_cast<steady::duration>(std::chrono::duration<double>(1 / rate));
  if (++paced_ % 64 == 0) drain();
  while (steady::now() < due && goes_on()) {
    drain();
    std::this_thread::sleep_for(std::min<steady::duration>(1ms, due - steady::now()));
  }
  return goes_on() && stand_.engine().running();
}

void assault::drain() {
  for (udp_source& s : sources_) {
    s.receive([&](std::string_view bytes, const sockaddr_in& from) {
      if (answers_busy_ && bytes.starts_with("INVITE ")) say_busy(s, bytes, from);
      if (on_answer_) on_answer_(bytes);
    });
  }
}

void assault::say_busy(udp_source& s, std::string_view bytes, const sockaddr_in& from) {
  const auto invite = load::read_sip(bytes);
  if (!invite) return;
  std::string out = "SIP/2.0 486 Busy Here\r\n";
  for (const std::string_view via : invite->vias()) out += "Via: " + std::string(via) + "\r\n";
  out += "From: " + std::string(invite->from) + "\r\nTo: " + std::string(invite->to) + ";tag=busy\r\nCall-ID: " +
         std::string(invite->call_id) + "\r\nCSeq: " + std::to_string(invite->cseq) + " INVITE\r\nContent-Length: 0\r\n\r\n";
  s.send_to(from, out);
}

void assault::pause(std::chrono::milliseconds time) {
  const auto until = steady::now() + time;
  while (steady::now() < until) {
    drain();
    std::this_thread::sleep_for(2ms);
  }
}

void assault::enrol(udp_source& from, const std::vector<std::string>& users,
                    const std::function<std::string(const std::string&)>& contact_lines, const std::string& lines) {
  const traffic sent_before = from.sent(), received_before = from.received();
  std::set<std::string> open;
  std::size_t begun = 0;
  // The first enrolment has Call-IDs that the attack can go on with.
  const std::string prefix = "enrol" + (enrolments_ == 0 ? std::string() : std::to_string(enrolments_)) + "-";
  ++enrolments_;
  int refused = 0;
  const auto send = [&](const std::string& user) {
    from.send(register_text(from.local(), user, contact_lines(user), prefix + user, 1, lines));
  };
  const auto until = steady::now() + enrol_time;
  auto repeat_at = steady::now() + 500ms;
  while ((begun < users.size() || !open.empty()) && steady::now() < until) {
    while (open.size() < enrol_window && begun < users.size()) {
      send(users[begun]);
      open.insert(users[begun++]);
    }
    from.receive([&](std::string_view bytes, const sockaddr_in&) {
      const auto response = load::read_sip(bytes);
      if (!response || !response->call_id.starts_with(prefix)) return;
      if (response->status == 200) open.erase(std::string(response->call_id.substr(prefix.size())));
      if (response->status >= 300) refused = response->status;
    });
    if (steady::now() > repeat_at) {
      for (const std::string& user : open) send(user);
      repeat_at = steady::now() + 500ms;
    }
    std::this_thread::sleep_for(200us);
  }
  const std::size_t missing = open.size() + users.size() - begun;
  if (missing > 0) {
    remark(std::to_string(missing) + " of " + std::to_string(users.size()) + " could not be registered for it" +
           (refused == 0 ? "" : " (" + std::to_string(refused) + ")"));
  }
  uncounted_sent_.datagrams += from.sent().datagrams - sent_before.datagrams;
  uncounted_sent_.octets += from.sent().octets - sent_before.octets;
  uncounted_received_.datagrams += from.received().datagrams - received_before.datagrams;
  uncounted_received_.octets += from.received().octets - received_before.octets;
}

traffic assault::sent() const {
  traffic all;
  for (const udp_source& s : sources_) {
    all.datagrams += s.sent().datagrams;
    all.octets += s.sent().octets;
  }
  return {all.datagrams - uncounted_sent_.datagrams, all.octets - uncounted_sent_.octets};
}

traffic assault::received() const {
  traffic all;
  for (const udp_source& s : sources_) {
    all.datagrams += s.received().datagrams;
    all.octets += s.received().octets;
  }
  return {all.datagrams - uncounted_received_.datagrams, all.octets - uncounted_received_.octets};
}

std::uint64_t assault::messages() const { return sent().datagrams + other_messages_; }

std::vector<std::string> numbered(const std::string& stem, std::size_t count) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < count; ++i) out.push_back(stem + std::to_string(i));
  return out;
}

}  // namespace reveille::hostile
