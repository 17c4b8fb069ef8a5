// One connection of the control port, octet by octet, without a socket.
#include "tests/mock_providers/control/control_fixture.hpp"

#include <gmock/gmock.h>

namespace reveille::mock_providers {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class Conversation : public Control {
 protected:
  /// Said in pieces of `size` octets.
  std::string say(std::string_view bytes, std::size_t size = 100'000) {
    std::string out;
    for (; !bytes.empty(); bytes.remove_prefix(std::min(size, bytes.size()))) talk.receive(bytes.substr(0, size), out);
    return out;
  }
  std::string once(std::string_view bytes, std::size_t size = 100'000) {
    control_conversation fresh(mock);
    std::string out;
    for (; !bytes.empty(); bytes.remove_prefix(std::min(size, bytes.size()))) fresh.receive(bytes.substr(0, size), out);
    ended = fresh.ended();
    return out;
  }
  control_conversation talk{mock};
  bool ended = false;
};

TEST_F(Conversation, AnswersOneHttpRequestInAnyPieces) {
  for (const std::size_t size : {1U, 2U, 7U, 1000U}) {
    const std::string a = once("PUT /faults HTTP/1.1\r\nHost: x\r\nContent-Length: 18\r\n\r\n[{\"silence\":true}]", size);
    EXPECT_THAT(a, StartsWith("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"));
    EXPECT_THAT(a, HasSubstr("\r\nConnection: close\r\n\r\n{\"ok\":true,\"rules\":1}\n"));
    EXPECT_TRUE(ended);
  }
  EXPECT_THAT(once("GET /metrics HTTP/1.1\r\n\r\n"), HasSubstr("reveille_mock_ledger_accepted 0\n"));
  EXPECT_THAT(once("\r\nGET / HTTP/1.0\r\n\r\n"), HasSubstr("this list"));
  EXPECT_THAT(once("POST /faults HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n", 1), HasSubstr("\"rules\":1"));
}

TEST_F(Conversation, SpeaksLinesToWhoBeginsWithABrace) {
  EXPECT_EQ(say("{\"reachable\":false,\"provider\":\"apns\",\"token\":\"aabb\"}\r\n\n{\"faults\":[{}]}\n", 1),
            "{\"ok\":true}\n{\"error\":\"line 1, column 2, rule 1: a rule that does nothing\",\"ok\":false}\n");
  EXPECT_FALSE(talk.subscribed());
  EXPECT_EQ(say("{\"subscribe\":true}\n"), "{\"ok\":true}\n");
  EXPECT_TRUE(talk.subscribed());
  EXPECT_EQ(say("{\"drop_connections\":true}\n{\"revoke_access_tokens\":true}\n"), "{\"ok\":true}\n{\"ok\":true}\n");
  for (const char* wrong : {"GET / HTTP/1.1\n", "{}\n", "{\"provider\":\"apns\",\"token\":\"aa\"}\n", "[]\n", "{\"x\":\n"}) {
    EXPECT_THAT(say(wrong), StartsWith("{\"error\":")) << wrong;
  }
  EXPECT_FALSE(talk.ended());
}

TEST_F(Conversation, EndsWhereItsBoundsAre) {
  say("{" + std::string(control_conversation::max_line + 1, 'x'));
  EXPECT_TRUE(talk.ended());
  EXPECT_EQ(say("{\"subscribe\":true}\n"), "") << "what comes afterwards is not heard";
  EXPECT_THAT(once("GET /" + std::string(control_conversation::max_head, 'x')), StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(once("PUT /faults HTTP/1.1\r\nContent-Length: 1048577\r\n\r\n["), StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(once("nonsense\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_TRUE(ended);
}

TEST_F(Conversation, TakesNoScriptTooDeepToBeCopied) {
  const std::string deep(30'000, '[');
  EXPECT_THAT(say("{\"faults\":" + deep + "}\n"), HasSubstr("a command is a JSON object"));
  EXPECT_THAT(once("PUT /faults HTTP/1.1\r\nContent-Length: 30000\r\n\r\n" + deep), StartsWith("HTTP/1.1 400 "));
}

TEST_F(Conversation, TellsCurlToGoOn) {
  const std::string a = once("PUT /faults HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n", 1);
  EXPECT_EQ(a, "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_FALSE(ended);
}

TEST_F(Conversation, NamesTheMethodsThatAPathTakes) {
  EXPECT_THAT(once("PATCH /record HTTP/1.1\r\n\r\n"), HasSubstr("\r\nAllow: GET, DELETE\r\n"));
  EXPECT_THAT(once("GET /state HTTP/1.1\r\nOrigin: http://example.com\r\n\r\n"), StartsWith("HTTP/1.1 403 "));
}

}  // namespace
}  // namespace reveille::mock_providers
