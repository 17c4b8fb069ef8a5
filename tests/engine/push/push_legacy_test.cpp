// FCM's legacy API towards a gateway on premises: HTTP/1.1 keep-alive over a plain socket, as it was told to.
#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <condition_variable>
#include <fstream>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "core/system_ports.hpp"
#include "engine/push/push_threads.hpp"

namespace reveille::testing {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

struct gateway_request {
  int connection = 0;
  std::string head, body;
};

/// Answers each request with the text that the test gives; "" holds it, "close" cuts the connection.
class small_gateway {
 public:
  using policy_function = std::function<std::string(const gateway_request&)>;

  explicit small_gateway(policy_function policy)
      : policy_(std::move(policy)), acceptor_(io_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {
    accept();
    runner_ = std::thread([this] { io_.run(); });
  }
  ~small_gateway() {
    io_.stop();
    runner_.join();
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()); }
  std::vector<gateway_request> seen() {
    const std::lock_guard lock(mutex_);
    return seen_;
  }
  /// The bound only keeps a broken build from hanging.
  bool wait_for(std::size_t requests) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, seconds(60), [&] { return seen_.size() >= requests; });
  }
  /// Answers everything that is held.
  void release(const std::string& answer) {
    asio::post(io_, [this, answer] {
      for (const auto& l : std::exchange(held_, {})) reply(l, answer);
    });
  }

 private:
  struct line {
    explicit line(tcp::socket s) : socket(std::move(s)) {}
    tcp::socket socket;
    std::string buffer;
    int number = 0;
  };
  void accept() {
    acceptor_.async_accept([this](boost::system::error_code error, tcp::socket s) {
      if (error) return;
      auto l = std::make_shared<line>(std::move(s));
      l->number = next_++;
      read(l);
      accept();
    });
  }
  void read(const std::shared_ptr<line>& l) {
    asio::async_read_until(l->socket, asio::dynamic_buffer(l->buffer), "\r\n\r\n",
                           [this, l](boost::system::error_code error, std::size_t n) {
                             if (error) return;
                             gateway_request r{l->number, l->buffer.substr(0, n), ""};
                             const std::size_t length = std::stoul(r.head.substr(r.head.find("content-length: ") + 16));
                             boost::system::error_code ignored;
                             while (l->buffer.size() < n + length) {
                               char more[4096];
                               const std::size_t got = l->socket.read_some(asio::buffer(more), ignored);
                               if (ignored) return;
                               l->buffer.append(more, got);
                             }
                             r.body = l->buffer.substr(n, length);
                             l->buffer.erase(0, n + length);
                             // What follows at once would be pipelining.
                             EXPECT_EQ(l->buffer, "");
                             arrived(l, r);
                           });
  }
  void arrived(const std::shared_ptr<line>& l, const gateway_request& r) {
    std::string answer;
    {
      const std::lock_guard lock(mutex_);
      seen_.push_back(r);
      answer = policy_(r);
    }
    changed_.notify_all();
    if (answer.empty()) return held_.push_back(l);
    reply(l, answer);
  }
  void reply(const std::shared_ptr<line>& l, const std::string& answer) {
    if (answer == "close") return l->socket.close();
    boost::system::error_code ignored;
    asio::write(l->socket, asio::buffer(answer), ignored);
    read(l);
  }

  policy_function policy_;
  asio::io_context io_;
  tcp::acceptor acceptor_;
  std::vector<std::shared_ptr<line>> held_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<gateway_request> seen_;
  std::thread runner_;
  int next_ = 0;
};

std::string http(int status, const std::string& body, const std::string& fields = "") {
  return "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Type: application/json\r\n" + fields +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
std::string result(const std::string& what) { return http(200, R"({"multicast_id":1,"results":[{)" + what + "}]}"); }
const std::string taken = result(R"("message_id":"0:1")");

class collected final : public push_answer_sink {
 public:
  void answered(shard_id, std::vector<pns::push_answer>& batch) override {
    const std::lock_guard lock(mutex_);
    for (pns::push_answer& a : batch) answers_[a.id.number] = std::move(a);
    changed_.notify_all();
  }
  pns::push_answer of(std::uint32_t number) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, seconds(60), [&] { return answers_.count(number) != 0; });
    return answers_[number];
  }
  std::string end(std::uint32_t number) {
    const pns::push_answer a = of(number);
    return std::string(name_of(end_of(a.outcome))) + (a.reason.empty() ? "" : ":" + a.reason);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::uint32_t, pns::push_answer> answers_;
};

class PushLegacy : public ::testing::Test {
 protected:
  void start(small_gateway::policy_function policy, std::uint16_t connections = 8) {
    gateway = std::make_unique<small_gateway>(std::move(policy));
    push_config c;
    fcm_app_config app;
    app.speaks = fcm_app_config::api::legacy;
    app.project = "acme";
    app.server_key = "AAAA:server";
    app.endpoint = gateway->url();
    app.connections = connections;
    c.fcm.apps = {app};
    c.fcm.limits.answer_timeout = milliseconds(500);
    auto made = push_threads::make(c, answers, time);
    ASSERT_TRUE(made.has_value()) << made.error().front().what;
    pushes = std::move(*made);
  }
  void send(std::uint32_t n) {
    pns::push_order o;
    o.id = {aor_key{1}, n};
    o.target.provider = pns::provider::fcm;
    o.target.app = "acme";
    o.target.tokens.push_back({prid("device_token"), pns::token_service::plain});
    o.content = pns::invite_content{wall_time(seconds(1623753691)), "103", "", "call"};
    const instant now = time.now();
    o.deadline = now.steady + seconds(30);
    o.expires = now.wall + seconds(28);  // what is left of it is rounded to the nearest second
    pushes->submit(std::move(o));
  }
  const push_counters& counters() const { return pushes->counters(0)[static_cast<std::size_t>(pns::provider::fcm)]; }

  system_clock_port time;
  collected answers;
  std::unique_ptr<small_gateway> gateway;
  std::unique_ptr<push_threads> pushes;
};

TEST_F(PushLegacy, SendsTheGoldenShapeByteForByteWithTheServerKey) {
  start([](const gateway_request&) { return taken; });
  send(1);
  EXPECT_EQ(answers.end(1), "accepted");
  std::ifstream file("tests/pns/golden/fcm_legacy_invite.json");
  std::string golden((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  while (golden.ends_with('\n')) golden.pop_back();
  ASSERT_FALSE(golden.empty());
  const gateway_request r = gateway->seen().at(0);
  EXPECT_EQ(r.body, golden);
  EXPECT_TRUE(r.head.starts_with("POST /fcm/send HTTP/1.1\r\n")) << r.head;
  EXPECT_NE(r.head.find("\r\nauthorization: key=AAAA:server\r\n"), std::string::npos) << r.head;
  EXPECT_NE(r.head.find("\r\ncontent-type: application/json\r\n"), std::string::npos) << r.head;
}

TEST_F(PushLegacy, KeepsItsConnection) {
  start([](const gateway_request&) { return taken; });
  for (std::uint32_t n = 1; n <= 5; ++n) {
    send(n);
    EXPECT_EQ(answers.end(n), "accepted");
  }
  for (const gateway_request& r : gateway->seen()) EXPECT_EQ(r.connection, 0);
}

TEST_F(PushLegacy, HasOnePushOnEachOfSeveralConnectionsAndNoMoreThanAllowed) {
  start([](const gateway_request&) { return std::string(); }, 3);
  for (std::uint32_t n = 1; n <= 10; ++n) send(n);
  ASSERT_TRUE(gateway->wait_for(3));
  std::set<int> used;
  for (const gateway_request& r : gateway->seen()) used.insert(r.connection);
  EXPECT_EQ(used.size(), 3U);
  EXPECT_EQ(gateway->seen().size(), 3U);
  for (std::size_t n = 3; n <= 10; n += 3) {
    gateway->release(taken);
    ASSERT_TRUE(gateway->wait_for(std::min<std::size_t>(10, n + 3)));
  }
  gateway->release(taken);
  for (std::uint32_t n = 1; n <= 10; ++n) EXPECT_EQ(answers.end(n), "accepted");
}

TEST_F(PushLegacy, SortsWhatStandsInTheBody) {
  const std::map<std::uint32_t, std::pair<const char*, const char*>> table = {
      {1, {"NotRegistered", "dead_token"}},          {2, {"InvalidRegistration", "suspect_token"}},
      {3, {"MismatchSenderId", "suspect_token"}},    {4, {"MessageTooBig", "our_fault"}},
      {5, {"InvalidApnsCredential", "credential_fault"}}};
  std::string next;
  start([&](const gateway_request&) { return result(R"("error":")" + next + '"'); });
  for (const auto& [n, row] : table) {
    next = row.first;
    send(n);
    EXPECT_EQ(answers.end(n), std::string(row.second) + ":" + row.first);
  }
}

TEST_F(PushLegacy, TellsTheCanonicalToken) {
  start([](const gateway_request&) { return result(R"("message_id":"0:1","registration_id":"newer:APA91b")"); });
  send(1);
  const pns::push_answer a = answers.of(1);
  ASSERT_TRUE(std::holds_alternative<pns::accepted>(a.outcome));
  const auto renamed = std::get<pns::accepted>(a.outcome).renamed;
  ASSERT_NE(renamed, nullptr);
  EXPECT_EQ(renamed->from.str(), "device_token");
  EXPECT_EQ(renamed->to.str(), "newer:APA91b");
}

TEST_F(PushLegacy, ARefusedKeyIsACredentialFault) {
  start([](const gateway_request&) { return http(401, "<html>INVALID_KEY</html>"); });
  send(1);
  EXPECT_EQ(answers.end(1), "credential_fault");
}

TEST_F(PushLegacy, WaitsAsLongAsA503Asks) {
  int n = 0;
  start([&](const gateway_request&) { return ++n == 1 ? http(503, "", "Retry-After: 1\r\n") : taken; });
  const steady_time before = time.now().steady;
  send(1);
  EXPECT_EQ(answers.end(1), "accepted");
  EXPECT_GE(time.now().steady - before, seconds(1));
  EXPECT_EQ(counters().retries.value(), 1U);
}

TEST_F(PushLegacy, SendsOnceMoreWhatWasOnAConnectionThatBroke) {
  int n = 0;
  start([&](const gateway_request&) { return ++n == 1 ? std::string("close") : taken; });
  send(1);
  EXPECT_EQ(answers.end(1), "accepted");
  EXPECT_EQ(gateway->seen().size(), 2U);
  EXPECT_EQ(counters().resent_ambiguous.value(), 1U);
}

TEST_F(PushLegacy, ASilentGatewayIsTriedOnceMoreOnAnotherConnection) {
  int n = 0;
  start([&](const gateway_request&) { return ++n == 1 ? std::string() : taken; });
  send(1);
  EXPECT_EQ(answers.end(1), "accepted");
  ASSERT_EQ(gateway->seen().size(), 2U);
  EXPECT_NE(gateway->seen()[0].connection, gateway->seen()[1].connection);
}

TEST_F(PushLegacy, TakesAnotherConnectionWhenTheGatewaySaysClose) {
  start([](const gateway_request&) { return http(200, R"({"results":[{"message_id":"0:1"}]})", "Connection: close\r\n"); });
  for (std::uint32_t n = 1; n <= 3; ++n) {
    send(n);
    EXPECT_EQ(answers.end(n), "accepted");
  }
  std::set<int> used;
  for (const gateway_request& r : gateway->seen()) used.insert(r.connection);
  EXPECT_EQ(used.size(), 3U);
  EXPECT_EQ(counters().ambiguous.value(), 0U);
}

TEST(PushLegacyPlan, WantsAProfileThatHasTheShape) {
  push_config c;
  fcm_app_config app;
  app.speaks = fcm_app_config::api::legacy;
  app.project = "acme";
  app.profile = "apple-only";
  c.fcm.apps = {app};
  c.profiles.push_back({"apple-only", "apple-only.json", R"({"profile":"apple-only","apns":{"invite":{"aps":{},"from":"${number}"},"missed_calls":{"aps":{}}}})", {}});
  const auto plan = plan_pushes(c);
  ASSERT_FALSE(plan.has_value());
  EXPECT_EQ(plan.error().front().what, "fcm project acme: profile apple-only has no body for FCM's legacy API");
}

}  // namespace
}  // namespace reveille::testing
