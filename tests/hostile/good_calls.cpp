#include "tests/hostile/good_calls.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

#include "simulator/load/live_call.hpp"
#include "tests/hostile/sip_requests.hpp"

namespace reveille::hostile {

namespace {
using namespace std::chrono_literals;
constexpr auto t1 = 500ms;
constexpr int turn_ms = 5;

int subscribe(const std::string& control) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in to = loopback_address(control);
  const std::string line = "{\"subscribe\":true}\n";
  if (socket < 0 || ::connect(socket, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0 ||
      ::send(socket, line.data(), line.size(), MSG_NOSIGNAL) < 0) {
    throw std::runtime_error("no delivery stream from the mock at " + control);
  }
  return socket;
}

std::string copied(const load::sip_text& request, bool with_to) {
  std::string out;
  for (const std::string_view via : request.vias()) out += "Via: " + std::string(via) + "\r\n";
  for (const std::string_view route : request.record_routes()) out += "Record-Route: " + std::string(route) + "\r\n";
  out += "From: " + std::string(request.from) + "\r\nCall-ID: " + std::string(request.call_id) +
         "\r\nCSeq: " + std::to_string(request.cseq) + " " + std::string(request.cseq_method) + "\r\n";
  if (with_to) out += "To: " + std::string(request.to) + "\r\n";
  return out;
}
}  // namespace

good_calls::good_calls(const std::string& engine, const std::string& mock_control, unsigned expires)
    : caller_("127.0.0.1", loopback_address(engine)),
      phone_("127.0.1.1", loopback_address(engine)),
      push_stream_(subscribe(mock_control)),
      expires_(expires) {
  for (std::size_t i = 0; i < registrations_.size(); ++i) start_register(i);
  const auto until = steady::now() + patience;
  while (!registered() && steady::now() < until) turn();
  if (!registered()) throw std::runtime_error("the honest phones could not register");
  offering_ = true;
  next_offer_ = steady::now();
  thread_ = std::jthread([this](const std::stop_token& stopping) { loop(stopping); });
}

good_calls::~good_calls() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
  ::close(push_stream_);
}

void good_calls::finish() {
  offering_ = false;
  const auto until = steady::now() + patience + 2s;
  while (open_calls_ > 0 && steady::now() < until) std::this_thread::sleep_for(20ms);
  thread_.request_stop();
  thread_.join();
}

std::vector<ringing_call> good_calls::ringing() const {
  const std::lock_guard lock(mutex_);
  std::vector<ringing_call> out;
  for (const auto& [call_id, r] : rings_) {
    if (r.answers > 0 || r.over) continue;
    const std::string number = call_id.substr(call_id.rfind('-') + 1);
    out.push_back({r.user, caller_.local(), "z9hG4bK-good-" + number, "<sip:caller@example.com>;tag=c" + number, call_id,
                   r.invite});
  }
  return out;
}

void good_calls::loop(const std::stop_token& stopping) {
  while (!stopping.stop_requested()) turn();
}

void good_calls::turn() {
  pollfd ready[] = {
      {caller_.descriptor(), POLLIN, 0}, {phone_.descriptor(), POLLIN, 0}, {push_stream_, POLLIN, 0}};
  ::poll(ready, 3, turn_ms);
  caller_.receive([&](std::string_view bytes, const sockaddr_in&) { on_caller(bytes); });
  phone_.receive([&](std::string_view bytes, const sockaddr_in& from) { on_phone(bytes, from); });
  if (ready[2].revents != 0) on_pushes();
  if (offering_ && steady::now() >= next_offer_) offer();
  const auto now = steady::now();
  advance_calls(now);
  advance_phones(now);
}

void good_calls::offer() {
  next_offer_ += spacing;
  if (held_) return;
  call c;
  c.number = next_number_++;
  c.offered_in = phase_;
  // The third of each three wakes a phone.
  c.user = c.number % 3 == 0 ? sleeper_name(c.number / 3 % sleepers) : wakeful_name(c.number % wakeful);
  c.start = c.next_send = steady::now();
  ++tallies_[static_cast<std::size_t>(c.offered_in)].offered;
  ++open_calls_;
  calls_.emplace(c.number, std::move(c));
}

std::string good_calls::caller_request(const call& c, std::string_view method) const {
  const std::string n = std::to_string(c.number);
  const bool in_dialog = !c.target.empty();
  request_text r;
  r.method = method;
  r.uri = in_dialog ? c.target : aor_of(c.user);
  r.via = caller_.local();
  r.branch = in_dialog ? branch_of(c.number) + "-" + std::string(method) : branch_of(c.number);
  r.from = "<sip:caller@example.com>;tag=c" + n;
  r.to = c.to.empty() ? "<" + aor_of(c.user) + ">" : c.to;
  r.call_id = call_id_of(c.number);
  r.cseq = method == "BYE" ? 2 : 1;
  r.lines = c.route_lines + "Contact: <sip:caller@" + caller_.local() + ">\r\n";
  return r.text();
}

void good_calls::advance_calls(steady::time_point now) {
  for (auto it = calls_.begin(); it != calls_.end();) {
    call& c = it->second;
    tally& t = tallies_[static_cast<std::size_t>(c.offered_in)];
    if (c.at != stage::over && now - c.start > patience) {
      if (!c.answered) {
        ++t.silent;
        caller_.send(caller_request(c, "CANCEL"));
      }
      c.at = stage::over;
    }
    if (c.at == stage::over) {
      --open_calls_;
      it = calls_.erase(it);
      continue;
    }
    if (c.at != stage::proceeding && now >= c.next_send) {
      caller_.send(caller_request(c, c.at == stage::inviting ? "INVITE" : "BYE"));
      c.next_send = now + c.interval;
      c.interval *= 2;
    }
    ++it;
  }
}

void good_calls::on_caller(std::string_view bytes) {
  const auto message = load::read_sip(bytes);
  if (!message || message->status == 0 || !message->call_id.starts_with("good-call-")) return;
  const auto found = calls_.find(std::strtoull(std::string(message->call_id.substr(10)).c_str(), nullptr, 10));
  if (found != calls_.end()) on_response(found->second, *message);
}

void good_calls::on_response(call& c, const load::sip_text& response) {
  tally& t = tallies_[static_cast<std::size_t>(c.offered_in)];
  if (response.cseq_method == "BYE") {
    if (response.status >= 200) c.at = stage::over;
    return;
  }
  if (response.cseq_method != "INVITE") return;
  if (response.status < 200) {
    if (c.at == stage::inviting) c.at = stage::proceeding;
    if (response.status > 100 && !c.rang) {
      c.rang = true;
      t.set_up.add(steady::now() - c.start);
    }
    return;
  }
  if (response.status >= 300) {
    if (c.answered) return;
    c.to = std::string(response.to);
    caller_.send(caller_request(c, "ACK"));
    ++t.refused[response.status];
    c.at = stage::over;
    return;
  }
  if (!c.answered) {
    c.answered = true;
    ++t.answered;
    c.to = std::string(response.to);
    c.target = std::string(load::uri_in(response.contact));
    endpoint unused;
    c.route_lines = load::route_lines(response.record_routes(), load::route_order::reversed, unused);
    c.at = stage::saying_bye;
    c.interval = t1;
    c.next_send = steady::now();
  }
  caller_.send(caller_request(c, "ACK"));
}

// The phones.

std::string good_calls::name_of(std::size_t phone) {
  return phone < sleepers ? sleeper_name(phone) : wakeful_name(phone - sleepers);
}

std::string good_calls::contact_of(std::size_t phone) const {
  const std::string name = name_of(phone);
  std::string parameters;
  if (phone < sleepers) parameters = phone % 2 == 0 ? apns_parameters(name) : fcm_parameters(name);
  return "Contact: <sip:" + name + "@" + phone_.local() + parameters +
         ">;expires=" + std::to_string(phone < sleepers ? expires_ : 3600) + "\r\n";
}

void good_calls::start_register(std::size_t phone) {
  registration& r = registrations_[phone];
  ++r.cseq;
  r.open = true;
  send_register(phone);
}

void good_calls::send_register(std::size_t phone) {
  registration& r = registrations_[phone];
  r.next_send = steady::now() + t1;
  phone_.send(register_text(phone_.local(), name_of(phone), contact_of(phone), "good-phone-" + std::to_string(phone), r.cseq));
}

bool good_calls::registered() const {
  return std::none_of(registrations_.begin(), registrations_.end(), [](const registration& r) { return r.open; });
}

void good_calls::on_pushes() {
  char buffer[16384];
  const ssize_t got = ::recv(push_stream_, buffer, sizeof buffer, MSG_DONTWAIT);
  if (got <= 0) return;
  pushes_.append(buffer, static_cast<std::size_t>(got));
  for (std::size_t end; (end = pushes_.find('\n')) != pushes_.npos; pushes_.erase(0, end + 1)) {
    const std::string_view line = std::string_view(pushes_).substr(0, end);
    for (std::size_t phone = 0; phone < sleepers; ++phone) {
      const std::string name = name_of(phone);
      const std::string token = phone % 2 == 0 ? apns_token(name) : fcm_token(name);
      const bool called = std::any_of(calls_.begin(), calls_.end(), [&](const auto& c) { return c.second.user == name; });
      if (called && line.find(token) != line.npos) start_register(phone);
    }
  }
}

void good_calls::on_phone(std::string_view bytes, const sockaddr_in& from) {
  const auto message = load::read_sip(bytes);
  if (!message) return;
  if (message->status >= 200 && message->cseq_method == "REGISTER" && message->call_id.starts_with("good-phone-")) {
    const std::size_t phone = std::strtoul(std::string(message->call_id.substr(11)).c_str(), nullptr, 10);
    if (phone >= registrations_.size() || message->cseq != registrations_[phone].cseq) return;
    if (message->status < 300) registrations_[phone].open = false;
    if (message->status >= 300 && registrations_[phone].open) {
      ++refused_registers_;
      ++registrations_[phone].cseq;  // comes again in half a second
    }
    return;
  }
  if (message->method == "INVITE") return on_invite(*message, bytes, from);
  const std::lock_guard lock(mutex_);
  const auto found = rings_.find(std::string(message->call_id));
  if (message->method == "ACK") {
    if (found != rings_.end()) found->second.over = true;
    return;
  }
  if (message->method.empty()) return;
  phone_.send_to(from, "SIP/2.0 200 OK\r\n" + copied(*message, true) + "Content-Length: 0\r\n\r\n");
  if (message->method == "CANCEL" && found != rings_.end() && found->second.answers == 0) {
    respond("SIP/2.0 487 Request Terminated\r\n", found->second);
    found->second.over = true;
  }
}

void good_calls::on_invite(const load::sip_text& invite, std::string_view bytes, const sockaddr_in& from) {
  if (!invite.call_id.starts_with("good-call-")) {  // a stranger calls
    phone_.send_to(from, "SIP/2.0 486 Busy Here\r\n" + copied(invite, false) + "To: " + std::string(invite.to) +
                             ";tag=busy\r\nContent-Length: 0\r\n\r\n");
    return;
  }
  const std::lock_guard lock(mutex_);
  ring& r = rings_[std::string(invite.call_id)];
  if (r.branch != invite.branch) {
    r = {};
    r.user = std::string(load::user_of(invite.request_uri));
    r.branch = std::string(invite.branch);
    r.invite = std::string(bytes);
    r.head = copied(invite, false) + "To: " + std::string(invite.to) + ";tag=p\r\nContact: <sip:" + r.user + "@" +
             phone_.local() + ">\r\nContent-Length: 0\r\n\r\n";
    r.peer = from;
    r.answer_at = steady::now() + ring_time;
  }
  respond(r.answers == 0 ? "SIP/2.0 180 Ringing\r\n" : "SIP/2.0 200 OK\r\n", r);
}

void good_calls::respond(std::string_view status_line, const ring& r) {
  phone_.send_to(r.peer, std::string(status_line) + r.head);
}

void good_calls::advance_phones(steady::time_point now) {
  for (std::size_t phone = 0; phone < registrations_.size(); ++phone) {
    if (registrations_[phone].open && now >= registrations_[phone].next_send) send_register(phone);
  }
  const std::lock_guard lock(mutex_);
  for (auto& [call_id, r] : rings_) {
    if (r.over || now < std::max(r.answer_at, r.next_answer)) continue;
    respond("SIP/2.0 200 OK\r\n", r);
    r.next_answer = now + t1 * (1 << std::min(r.answers, 3));
    if (++r.answers == 8) r.over = true;
  }
}

}  // namespace reveille::hostile
