// The control port and the connections that it shows and ends, on real sockets.
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <nlohmann/json.hpp>

#include "tests/mock_providers/server/tls_fixture.hpp"

namespace reveille::mock_providers {
namespace {

using nlohmann::json;

class ControlPort : public MockOverTls {
 protected:
  std::string say(const std::string& request) {
    boost::asio::io_context apart;
    boost::asio::ip::tcp::socket socket(apart);
    socket.connect({boost::asio::ip::make_address("127.0.0.1"), mock->endpoints().control});
    boost::asio::write(socket, boost::asio::buffer(request));
    std::string out;
    boost::system::error_code end;
    boost::asio::read(socket, boost::asio::dynamic_buffer(out), end);
    EXPECT_EQ(end, boost::asio::error::eof) << end.message();
    return out;
  }
  json ask(const std::string& method, const std::string& target, const std::string& body = {}) {
    const std::string a = say(method + " " + target + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    return json::parse(a.substr(a.find("\r\n\r\n") + 4));
  }
};

TEST_F(ControlPort, ShowsOpenConnections) {
  push(3, 3);
  const json a = ask("GET", "/connections");
  ASSERT_EQ(a["connections"].size(), 1U);
  const json& c = a["connections"][0];
  EXPECT_EQ(c["service"], "apns");
  EXPECT_EQ(c["protocol"], "h2");
  EXPECT_EQ(c["requests"], 3);
  EXPECT_EQ(c["open_streams"], 0);
  EXPECT_EQ(c["settings"]["max_concurrent_streams"], 1000);
  EXPECT_EQ(c["key_id"], "ABC123DEFG");
  EXPECT_TRUE(c["peer"].get<std::string>().starts_with("127.0.0.1:"));
  EXPECT_EQ(ask("GET", "/state")["connections"]["open"], 1);
}

TEST_F(ControlPort, SaysGoodbyeToOneAndResetsAnother) {
  push(1, 1);
  const auto first = ask("GET", "/connections")["connections"][0]["id"].get<std::uint64_t>();
  EXPECT_EQ(ask("POST", "/connections/" + std::to_string(first) + "/goaway", R"({"reason":"Shutdown"})")["ok"], true);
  ASSERT_TRUE(wait_until([this] { return log.closed == 1; }));
  ASSERT_EQ(log.goodbyes.size(), 1U);
  EXPECT_TRUE(log.goodbyes[0].starts_with("0 {\"reason\":\"Shutdown\"")) << log.goodbyes[0];
  line.reset();
  push(1, 1);
  const auto second = ask("GET", "/connections")["connections"][0]["id"].get<std::uint64_t>();
  EXPECT_GT(second, first);
  EXPECT_EQ(ask("DELETE", "/connections/" + std::to_string(second))["ok"], true);
  ASSERT_TRUE(wait_until([this] { return log.closed == 1; }));
  EXPECT_TRUE(log.goodbyes.empty());
}

TEST_F(ControlPort, SetsFaultsWhileItRuns) {
  EXPECT_EQ(ask("PUT", "/faults", R"([{"connections": {"max_concurrent_streams": 3}}])")["rules"], 1);
  push(2, 2);
  EXPECT_EQ(log.peer_limit, 3U);
  EXPECT_EQ(ask("POST", "/faults", R"({"answer": {"status": 503, "reason": "Shutdown"}})")["rules"], 2);
  send_more(voip());
  ASSERT_TRUE(wait_until([this] { return log.outcomes.size() == 3; }));
  EXPECT_EQ(log.outcomes.back(), "503");
}

TEST_F(ControlPort, AnswersWhoSaysTooMuch) {
  const std::string a = say("PUT /faults HTTP/1.1\r\nContent-Length: 3000000\r\n\r\n" + std::string(3'000'000, ' '));
  EXPECT_TRUE(a.starts_with("HTTP/1.1 413 ")) << a.substr(0, 100);
}

TEST_F(ControlPort, BoundsItsConnectionsAndCountsTheRest) {
  boost::asio::io_context apart;
  std::vector<boost::asio::ip::tcp::socket> held;
  for (int i = 0; i < 70; ++i) {
    held.emplace_back(apart).connect({boost::asio::ip::make_address("127.0.0.1"), mock->endpoints().control});
  }
  EXPECT_TRUE(wait_for_mock([](const mock_counters& c) { return c.control_refused == 6; }));
}

}  // namespace
}  // namespace reveille::mock_providers
