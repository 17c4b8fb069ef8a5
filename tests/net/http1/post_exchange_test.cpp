// The client's half of HTTP/1.1, fed by hand: what a token endpoint may send, and what it must not get away with.
#include "net/http1/post_exchange.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace reveille::http1 {
namespace {

constexpr std::size_t body_limit = 64;
const instant now{steady_time{seconds(1)}, wall_time{seconds(1)}};

/// One exchange; every answer is counted.
class exchange {
 public:
  explicit exchange(const post_request& request = {"oauth2.example.com", "/token", "application/x-www-form-urlencoded",
                                                   "grant_type=x", {}})
      : session_(make_post(request, body_limit, [this](post_answer a, const instant&) {
          answer = std::move(a);
          ++answers;
        })) {}
  std::string sent() {
    std::vector<std::uint8_t> out;
    session_->produce(out, 1 << 20);
    return {out.begin(), out.end()};
  }
  void receive(std::string_view text) {
    session_->receive({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, now);
  }
  void close() { session_->closed(now); }
  bool finished() const { return session_->finished(); }

  std::optional<post_answer> answer;
  int answers = 0;

 private:
  std::unique_ptr<byte_session> session_;
};

TEST(PostExchange, WritesOneRequestAndNoMore) {
  exchange e({"h:8443", "/token", "text/plain", "a=b", {{"Authorization", "key=x"}}});
  EXPECT_EQ(e.sent(),
            "POST /token HTTP/1.1\r\nHost: h:8443\r\nContent-Type: text/plain\r\nAuthorization: key=x\r\n"
            "Content-Length: 3\r\nConnection: close\r\n\r\na=b");
  EXPECT_EQ(e.sent(), "");
  EXPECT_FALSE(e.finished());
}

TEST(PostExchange, LetsNoValueEndItsLine) {
  exchange e({"h\r\nX: 1", "/t HTTP/1.1\r\nY: 2\r\n", "a\nb", "", {{"N\r\n", "v\r\nZ: 3"}}});
  const std::string sent = e.sent();
  for (const char* smuggled : {"\nX:", "\nY:", "\nZ:"}) EXPECT_EQ(sent.find(smuggled), std::string::npos) << sent;
}

struct answer_case {
  const char* name;
  std::string text;
  int status;              ///< 0 = none
  std::string body;
  bool close = false;      ///< the connection ends behind it: nothing before that has to tell
  std::string retry_after = {};
  friend void PrintTo(const answer_case& c, std::ostream* out) { *out << c.name; }
};

std::vector<answer_case> answers() {
  const std::string fits(body_limit, 'x'), over(body_limit + 1, 'x');
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  return {
      {"Length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello"},
      {"Empty", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, ""},
      {"NoContent", "HTTP/1.1 204 No Content\r\n\r\n", 204, ""},
      {"NoReason", "HTTP/1.1 400 \r\nContent-Length: 2\r\n\r\n{}", 400, "{}"},
      {"RetryAfter", "HTTP/1.1 503 Busy\r\nretry-after: 7\r\nContent-Length: 0\r\n\r\n", 503, "", false, "7"},
      {"Chunked", chunked + "3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\n\r\n", 200, "abcde"},
      {"ChunkedWithTrailer", chunked + "1\r\na\r\n0\r\nX: y\r\n\r\n", 200, "a"},
      {"UntilTheEnd", "HTTP/1.0 200 OK\r\n\r\nall of it", 200, "all of it", true},
      {"AfterInformation", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
                           "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, "ok"},
      {"OctetsBehindItAreNobodys", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 500 No\r\n\r\n", 200, "ok"},
      {"JustFits", "HTTP/1.1 200 OK\r\nContent-Length: 64\r\n\r\n" + fits, 200, fits},
      {"TooLong", "HTTP/1.1 200 OK\r\nContent-Length: 65\r\n\r\n" + over, 0, ""},
      {"TooLongWithoutLength", "HTTP/1.0 200 OK\r\n\r\n" + over, 0, ""},
      {"ChunkedTooLong", chunked + "30\r\n" + std::string(48, 'a') + "\r\n30\r\n" + std::string(48, 'b') + "\r\n0\r\n\r\n", 0, ""},
      {"HugeLength", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n", 0, ""},
      {"NegativeLength", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", 0, ""},
      {"TwoLengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc", 0, ""},
      {"HugeChunk", chunked + "ffffffffffffffffff\r\nx", 0, ""},
      {"ChunkOfNoNumber", chunked + "zz\r\nabc\r\n", 0, ""},
      {"EndlessHeader", "HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'h'), 0, ""},
      {"EndlessHeaders", [] {
         std::string text = "HTTP/1.1 200 OK\r\n";
         for (int i = 0; i < 2000; ++i) text += "X: yyyyyyyy\r\n";
         return text;
       }(), 0, ""},
      {"EndlessInformation", [] {
         std::string text;
         for (int i = 0; i < 1000; ++i) text += "HTTP/1.1 100 Continue\r\n\r\n";
         return text + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
       }(), 0, ""},
      {"SwitchesProtocols", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0, ""},
      {"Garbage", "SSH-2.0-OpenSSH_9.2\r\n", 0, "", true},
      {"Http2Preface", std::string("\0\0\x12\4\0\0\0\0\0", 9), 0, "", true},
      {"StatusOfFourDigits", "HTTP/1.1 2000 OK\r\n\r\n", 0, ""},
      {"CutInTheStatusLine", "HTTP/1.1 20", 0, "", true},
      {"CutInTheHeader", "HTTP/1.1 200 OK\r\nContent-Le", 0, "", true},
      {"CutInTheBody", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", 0, "", true},
      {"CutInAChunk", chunked + "5\r\nhel", 0, "", true},
      {"CutBeforeTheLastChunk", chunked + "3\r\nabc\r\n", 0, "", true},
      {"Nothing", "", 0, "", true},
  };
}

class PostAnswer : public ::testing::TestWithParam<answer_case> {
 protected:
  void expect(const exchange& e) {
    ASSERT_EQ(e.answers, 1);
    EXPECT_EQ(e.answer->status, GetParam().status);
    EXPECT_EQ(e.answer->body, GetParam().body);
    EXPECT_EQ(e.answer->retry_after, GetParam().retry_after);
    EXPECT_TRUE(e.finished());
  }
};

TEST_P(PostAnswer, IsReadInOnePiece) {
  exchange e;
  e.receive(GetParam().text);
  if (GetParam().close) e.close();
  expect(e);
  e.receive(GetParam().text);  // late octets and the end change nothing
  e.close();
  EXPECT_EQ(e.answers, 1);
}

TEST_P(PostAnswer, IsReadOneOctetAtATime) {
  exchange e;
  for (const char& c : GetParam().text) e.receive({&c, 1});
  if (GetParam().close) e.close();
  expect(e);
}

INSTANTIATE_TEST_SUITE_P(Table, PostAnswer, ::testing::ValuesIn(answers()),
                         [](const auto& of) { return std::string(of.param.name); });

TEST(PostExchange, MayBeDroppedUnanswered) {
  exchange e;
  e.receive("HTTP/1.1 200 OK\r\n");
  EXPECT_EQ(e.answers, 0);
}

}  // namespace
}  // namespace reveille::http1
